"""Results: what the PLC sees in each profile, and that it only ever takes what it saw."""

from dataclasses import replace

import pytest

from edge_service.domain.inspection import Judgement, TriggerSource, Verdict
from edge_service.handshake.actions import Published
from edge_service.handshake.settings import HandshakeSettings, Profile
from tests.support.plc_bench import MODEL, NG, OK, Bench


def test_record_stands_until_acknowledged_by_id():
    """Buffered, sequence mode: RESULT_ACK_ID equal to the shown id takes it, anything else does not."""
    bench = Bench(first_inspection_id=5).start()
    bench.inspect(1, OK)
    bench.inspect(2, NG)
    assert (bench["ResultsValid"], bench["Result.InspectionId"], bench["InspectionIdEnd"]) == (True, 5, 5)
    assert (bench["Status.Ok"], bench["NotOk"], bench["InspectionCompleted"]) == (True, False, True)
    bench.write(result_ack_id=6, results_ack=True)
    assert bench["Result.InspectionId"] == 5
    bench.write(result_ack_id=5)
    assert (bench["Result.InspectionId"], bench["InspectionCompleted"]) == (6, False)
    assert (bench["Status.Ok"], bench["NotOk"]) == (False, True)
    bench.write(result_ack_id=6)
    assert (bench["ResultsValid"], bench["Verdict"], bench["NotOk"]) == (False, 0, False)


def test_early_id_takes_nothing():
    """An id written before its record is shown is old when the record comes; it must change again."""
    bench = Bench().start()
    bench.write(trigger_seq=1, result_ack_id=1)
    bench.expose()
    bench.judge()
    bench.write()
    assert bench["ResultsValid"] is True
    bench.write(result_ack_id=0)
    bench.write(result_ack_id=1)
    assert bench["ResultsValid"] is False


def test_ack_bit_counts_on_its_edge_only():
    """Bit mode: 0->1 takes the shown record; the next waits until the bit is 0 again."""
    bench = Bench().start(sequence=False)
    for tag in (1, 2):
        bench.write(trigger=True, trigger_seq=tag)
        bench.expose()
        bench.judge()
        bench.write(trigger=False)
    assert bench["Result.TriggerSeq"] == 1
    bench.write(results_ack=True)
    bench.write()
    assert (bench["ResultsValid"], bench["ResultsQueued"]) == (False, 1)
    bench.write(results_ack=False)
    assert (bench["ResultsValid"], bench["Result.TriggerSeq"]) == (True, 2)


def test_ack_with_another_id_does_not_count():
    """Bit mode: the ack counts only with RESULT_ACK_ID 0 or the shown id."""
    bench = Bench().start(sequence=False)
    bench.write(trigger=True)
    bench.expose()
    bench.judge()
    bench.write(trigger=False, results_ack=True, result_ack_id=99)
    assert bench["ResultsValid"] is True
    bench.write(results_ack=False)
    bench.write(results_ack=True, result_ack_id=1)
    assert bench["ResultsValid"] is False


def test_ack_bit_raised_early_holds_the_record_back():
    """A PLC that holds ResultsAck before there is a result takes nothing; the record comes after 0."""
    bench = Bench().start(sequence=False)
    bench.write(results_ack=True)
    bench.write(trigger=True)
    bench.expose()
    bench.judge()
    assert bench["ResultsValid"] is False
    bench.write(results_ack=False)
    assert (bench["ResultsValid"], bench["Result.InspectionId"]) == (True, 1)


def test_results_come_in_order_of_acquisition():
    """A part that is done earlier waits for the part before it."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.expose()
    bench.write(trigger_seq=2)
    bench.expose()
    bench.judge(NG, acquisition_id=2)
    assert bench["ResultsValid"] is False
    bench.judge(OK, acquisition_id=1)
    assert [answer[:2] for answer in bench.answers] == [(1, Verdict.OK), (2, Verdict.NG)]


def test_unbuffered_record_is_replaced():
    """Unbuffered: a new record replaces an unacknowledged one; flagged, counted, Completed toggles."""
    bench = Bench().start(buffered=False)
    bench.inspect(1, OK)
    bench.inspect(2, NG)
    assert (bench["Result.TriggerSeq"], bench["OverrunBefore"], bench["ResultsBufferOverrun"]) == (
        2,
        True,
        True,
    )
    assert (bench["Overrun"], bench["InspectionCompleted"], bench["WarningCode"]) == (1, False, 253)
    bench.write(result_ack_id=2)
    assert (bench["ResultsValid"], bench["ResultsBufferOverrun"], bench["WarningCode"]) == (False, False, 0)
    for sequence in range(3, 20):
        bench.inspect(sequence)
    assert (bench["Overrun"], bench["Statistics.Missed"]) == (17, 0)


def test_profile_is_read_when_trigger_enable_rises():
    """BufferResultsEnable counts at the rise only; the configuration's profile goes before it."""
    bench = Bench().start(buffered=True)
    bench.write(buffer_results_enable=False)
    assert bench.machine.results.profile is Profile.BUFFERED
    bench.write(trigger_enable=False)
    bench.write(trigger_enable=True)
    assert bench.machine.results.profile is Profile.UNBUFFERED
    fixed = Bench(HandshakeSettings(profile=Profile.PULSE)).start(buffered=True)
    assert fixed.machine.results.profile is Profile.PULSE


def test_pulse_is_high_and_low_for_its_times():
    """Pulse: Valid for pulse_s, low for pulse_gap_s, then the next; acks are ignored."""
    bench = Bench(HandshakeSettings(profile=Profile.PULSE, pulse_s=0.3, pulse_gap_s=0.1)).start()
    bench.inspect(1, OK)
    bench.inspect(2, NG)
    bench.write(result_ack_id=1)
    assert (bench["ResultsValid"], bench["Status.Ok"]) == (True, True)
    bench.wait(0.299)
    assert bench["Result.InspectionId"] == 1
    bench.wait(0.002)
    assert (bench["ResultsValid"], bench["Verdict"]) == (False, 0)
    bench.wait(0.1)
    assert (bench["Result.InspectionId"], bench["NotOk"]) == (2, True)
    bench.wait(1.0)
    assert (bench["ResultsValid"], bench["ResultsQueued"]) == (False, 0)


def test_foreign_results_overrun_a_full_queue():
    """Only a trigger that is not the PLC's finds the queue full: dropped for the PLC, id used up."""
    bench = Bench(HandshakeSettings(sources=frozenset({TriggerSource.HMI}))).start()
    for sequence in range(1, 9):
        bench.inspect(sequence)
    _, actions = bench.machine.trigger(TriggerSource.HMI, bench.now)
    bench.actions += actions
    bench.expose()
    bench.judge(NG)
    dropped = bench.of(Published)[-1]
    assert (dropped.for_plc, dropped.counter, bench["Overrun"]) == (False, 9, 1)
    assert (bench["ResultsBufferOverrun"], bench["ResultsQueued"]) == (True, 8)
    for number in range(1, 9):
        bench.write(result_ack_id=number)
    bench.inspect(9)
    assert (bench["Result.InspectionId"], bench["OverrunBefore"]) == (10, True)


def test_buffer_clear_empties_the_queue():
    """BufferClear drops every record, each counted as overrun; the record shown goes, too."""
    bench = Bench().start()
    bench.inspect(1)
    bench.inspect(2)
    bench.write(buffer_clear=True)
    assert (bench["ResultsValid"], bench["ResultsQueued"], bench["Overrun"]) == (False, 0, 2)
    bench.inspect(3)
    assert (bench["Result.InspectionId"], bench["OverrunBefore"]) == (3, True)


@pytest.mark.parametrize(
    ("judgement", "recipe", "verdict", "code"),
    [
        (replace(OK, score=float("nan")), 1, Verdict.ERROR, 403),
        (replace(OK, score=float("inf")), 1, Verdict.ERROR, 403),
        (replace(OK, threshold=0.0), 1, Verdict.ERROR, 403),
        (OK, 2, Verdict.ERROR, 101),
        (Judgement(Verdict.NONE), 1, Verdict.ERROR, 901),
        (Judgement(Verdict.SAMPLE), 1, Verdict.ERROR, 901),
        (replace(OK, verdict=Verdict.UNDECIDED), 1, Verdict.UNDECIDED, 405),
        (replace(OK, code=450), 1, Verdict.OK, 0),
        (replace(OK, score=1.0, threshold=1.0), 1, Verdict.ERROR, 901),
    ],
)
def test_what_cannot_be_this_parts_result_is_an_error(
    judgement: Judgement, recipe: int, verdict: Verdict, code: int
):
    """A score that is no number or too high, another recipe, an impossible verdict: never an OK."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.expose()
    bench.judge(judgement, recipe=recipe)
    assert bench.answers == [(1, verdict, code)]


def test_a_score_below_the_threshold_reads_below_5000():
    """The scaled score is rounded down, so 5000 always means at or above the threshold."""
    bench = Bench().start()
    bench.inspect(1, replace(OK, score=0.99999))
    assert (bench["Status.Ok"], bench["ScoreX10000"], bench["ThresholdX10000"]) == (True, 4999, 5000)


def test_numbers_saturate():
    """Scores, positions and times that do not fit their register stop at its end."""
    huge = Judgement(Verdict.NG, 0, 1e39, 1e-3, 70000, 70000, -5, 2**40)
    bench = Bench(HandshakeSettings(inspection_timeout_s=999)).start()
    bench.write(trigger_seq=1)
    bench.expose()
    bench.now += 100
    bench.judge(huge)
    assert (bench["ScoreX10000"], bench["DefectClass"], bench["DefectX"], bench["DefectY"]) == (
        65535,
        65535,
        65534,
        0,
    )
    assert (bench["DefectArea"], bench["Result.TriggerToPublishMs"]) == (2**32 - 1, 65535)
    assert bench["Result.Score"] == pytest.approx(3.0e38)
    assert bench["ModelHash"] == MODEL.hash32
