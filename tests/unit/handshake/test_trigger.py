"""Triggers: when they fire, when they are refused, and that they never fire twice or later."""

import pytest

from edge_service.domain.inspection import TriggerSource, Verdict
from edge_service.errors import RefusedError
from edge_service.handshake.actions import Acquire, Refused
from edge_service.handshake.settings import HandshakeSettings
from tests.support.plc_bench import NG, Bench


def test_changed_sequence_takes_a_part():
    """In sequence mode a changed TRIGGER_SEQ is accepted with everything latched; TriggerAck stays 0."""
    bench = Bench().start()
    assert bench["TriggerReady"] is True
    bench.write(trigger_seq=1, part_serial=b"A-1", encoder=9, expected_recipe=1)
    bench.write(part_serial=b"next", encoder=10)
    (acquire,) = bench.of(Acquire)
    trigger = acquire.trigger
    assert (trigger.sequence, trigger.serial, trigger.encoder, trigger.recipe) == (1, b"A-1", 9, 1)
    assert trigger.source is TriggerSource.SEQUENCE
    assert (bench["TriggerSeqAck"], bench["Status.AcquisitionId"], bench["TriggerAck"]) == (1, 1, False)
    assert (bench["Acquiring"], bench["SystemBusy"], bench["TriggerReady"]) == (True, True, False)


def test_repeated_write_changes_nothing():
    """A PLC that rewrites its image every cycle triggers once."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    before = bench.machine.outputs
    assert [bench.write() for _ in range(5)] == [()] * 5
    assert dict(bench.machine.outputs) == dict(before)


def test_sequence_zero_never_fires():
    """TRIGGER_SEQ 0 means none."""
    bench = Bench().start()
    bench.inspect(1)
    bench.write(trigger_seq=0)
    assert bench.acquired == [1]


def test_first_write_after_start_is_the_baseline():
    """After a restart of the station the PLC's old image fires nothing."""
    bench = Bench()
    bench.write(trigger_enable=True, sequence_mode=True, trigger_seq=7, command_seq=3, command=1, param1=2)
    assert bench.actions == []
    assert (bench["TriggerSeqAck"], bench["CommandSeqAck"], bench["TriggerReady"]) == (0, 0, True)
    bench.write(trigger_seq=8)
    assert bench.acquired == [1]


def test_write_that_raises_trigger_enable_is_a_baseline():
    """A number written with, or before, TriggerEnable does not fire."""
    bench = Bench()
    bench.write(sequence_mode=True)
    bench.write(trigger_seq=4)
    bench.write(trigger_enable=True, trigger_seq=5)
    assert bench.acquired == []
    bench.write(trigger_seq=6)
    assert bench.acquired == [1]


def test_bit_mode_needs_an_edge():
    """In bit mode Trigger fires on 0->1 only; TriggerAck stands until Trigger 0, the tag is echoed."""
    bench = Bench().start(sequence=False)
    bench.write(trigger=True, trigger_seq=77)
    assert (bench["TriggerAck"], bench["TriggerSeqAck"], bench["TriggerReady"]) == (True, 77, False)
    bench.expose()
    bench.judge()
    bench.write()
    assert (bench.acquired, bench["TriggerAck"], bench["TriggerReady"]) == ([1], True, False)
    bench.write(trigger=False)
    assert (bench["TriggerAck"], bench["TriggerReady"], bench["Result.TriggerSeq"]) == (False, True, 77)
    bench.write(trigger=True)
    assert bench.acquired == [1, 2]


def test_trigger_bit_held_since_before_enable_does_not_fire():
    """An edge bit must be seen 0 before it counts."""
    bench = Bench()
    bench.write(trigger=True)
    bench.write(trigger_enable=True)
    bench.write(trigger_seq=1)
    assert bench.acquired == []
    bench.write(trigger=False)
    bench.write(trigger=True)
    assert bench.acquired == [1]


def test_mode_changes_only_while_disabled():
    """SequenceMode is looked at only while TriggerEnable is 0."""
    bench = Bench().start(sequence=False)
    bench.write(sequence_mode=True)
    bench.write(trigger_seq=5)
    assert bench.acquired == []
    bench.write(trigger_enable=False)
    bench.write(trigger_enable=True)
    bench.write(trigger_seq=6)
    assert bench.acquired == [1]


def test_trigger_while_exposing_is_missed_and_never_fires_later():
    """A refused trigger is counted, shows its number and reason, and its number is used up."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    (refused,) = bench.write(trigger_seq=2)
    assert refused == Refused(212, 2)
    assert (bench["MissedAcquisition"], bench["TriggerSeqRejected"], bench["RejectReason"]) == (True, 2, 212)
    assert (bench["Statistics.Missed"], bench["TriggerSeqAck"]) == (1, 1)
    bench.expose()
    bench.judge()
    bench.write()
    assert bench.acquired == [1]
    bench.write(trigger_seq=3)
    assert bench.acquired == [1, 2]
    assert (bench["MissedAcquisition"], bench["TriggerSeqRejected"], bench["Statistics.Missed"]) == (
        False,
        0,
        1,
    )


def test_trigger_enable_0_resets_ack_and_missed_only():
    """Parts in flight are still judged and published when TriggerEnable falls."""
    bench = Bench().start(sequence=False)
    bench.write(trigger=True)
    bench.write(trigger=False)
    bench.write(trigger=True)
    assert bench["MissedAcquisition"] is True
    bench.write(trigger_enable=False)
    assert (bench["MissedAcquisition"], bench["TriggerAck"], bench["SystemBusy"]) == (False, False, True)
    bench.expose()
    bench.judge()
    assert (bench["ResultsValid"], bench["Status.Ok"]) == (True, True)


def test_two_parts_in_flight_at_most():
    """The next part may come while one is judged, a third may not."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.expose()
    assert bench["TriggerReady"] is True
    bench.write(trigger_seq=2)
    bench.expose()
    assert bench["TriggerReady"] is False
    bench.write(trigger_seq=3)
    assert bench["RejectReason"] == 213


def test_full_queue_is_not_ready():
    """Queued and in flight stay below eight; one ack makes room, even in the write of the next trigger."""
    bench = Bench().start()
    for sequence in range(1, 9):
        bench.inspect(sequence)
    assert (bench["TriggerReady"], bench["ResultsQueued"], bench["ResultsFree"]) == (False, 8, 0)
    bench.write(trigger_seq=9)
    assert bench["RejectReason"] == 214
    bench.write(trigger_seq=10, result_ack_id=1)
    assert bench["TriggerSeqAck"] == 10


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        ({"starting": True}, 211),
        ({"maintenance": True}, 211),
        ({"camera_lost": True}, 302),
        ({"model": None}, 110),
        ({"recipe": 0}, 102),
        ({"discrete_input": True}, 211),
    ],
)
def test_station_that_cannot_judge_refuses(trouble: dict[str, object], code: int):
    """Whatever is missing, Ready is 0 and the reason says what."""
    bench = Bench().start()
    bench.observe(**trouble)
    assert (bench["TriggerReady"], bench["Online"]) == (False, False)
    bench.write(trigger_seq=1)
    assert (bench["RejectReason"], bench.acquired) == (code, [])


def test_expected_recipe_differs():
    """A part for another recipe gets a record, verdict 4 and code 101, and no frame is taken."""
    bench = Bench().start()
    bench.write(trigger_seq=1, expected_recipe=2)
    assert (bench.acquired, bench.answers) == ([], [(1, Verdict.ERROR, 101)])
    assert (bench["TriggerSeqAck"], bench["NotOk"], bench["ExposureComplete"]) == (1, True, True)


def test_part_present_where_required():
    """With require_part_present a trigger without part is refused with 218."""
    bench = Bench(HandshakeSettings(require_part_present=True)).start()
    bench.write(trigger_seq=1)
    assert bench["RejectReason"] == 218
    bench.write(trigger_seq=2, part_present=True)
    assert bench.acquired == [1]


def test_user_data_is_latched_for_the_next_foreign_trigger():
    """SetUserData gives serial and encoder to the next trigger that is not a Modbus one, once."""
    bench = Bench().start()
    bench.write(set_user_data=True, part_serial=b"S", encoder=3)
    assert bench["UserDataAck"] is True
    bench.write(set_user_data=False, part_serial=b"", encoder=0)
    assert bench["UserDataAck"] is False
    trigger, _ = bench.machine.trigger(TriggerSource.CAMERA_LINE, bench.now)
    assert (trigger.serial, trigger.encoder) == (b"S", 3)
    bench.expose()
    bench.judge()
    trigger, _ = bench.machine.trigger(TriggerSource.CAMERA_LINE, bench.now)
    assert (trigger.serial, trigger.encoder) == (b"", 0)


def test_callers_are_refused_while_a_plc_owns_the_station():
    """OPC UA and HMI need to be listed to trigger beside an owner; without one they may."""
    bench = Bench()
    trigger, actions = bench.machine.trigger(TriggerSource.HMI, bench.now, serial=b"H")
    assert (trigger.serial, len(actions)) == (b"H", 1)
    bench.expose()
    bench.judge(NG)
    bench.start()
    with pytest.raises(RefusedError) as refused:
        bench.machine.trigger(TriggerSource.HMI, bench.now)
    assert (refused.value.reason, bench["Statistics.Missed"]) == (217, 1)
    listed = Bench(HandshakeSettings(sources=frozenset({TriggerSource.HMI}))).start()
    listed.machine.trigger(TriggerSource.HMI, listed.now)
    assert listed["Status.AcquisitionId"] == 1


def test_sequences_wrap_past_zero():
    """Acquisition and inspection ids go from 65535 to 1."""
    bench = Bench(first_inspection_id=65535).start()
    bench.machine.triggers.acquisition_id = 65534
    for sequence in (65535, 1):
        bench.inspect(sequence)
        bench.write(result_ack_id=bench["Result.InspectionId"] if sequence == 65535 else 0)
    published = [(a.counter, a.record.inspection_id, a.record.acquisition_id) for a in bench.actions[1::2]]
    assert published == [(65535, 65535, 65535), (65536, 1, 1)]
