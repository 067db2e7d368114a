"""Time-outs: every accepted part gets one answer, and what comes late is discarded."""

import pytest

from edge_service.domain.inspection import TriggerSource, Verdict
from edge_service.errors import RefusedError
from edge_service.handshake.settings import HandshakeSettings, HeartbeatWatch
from tests.support.plc_bench import NG, OK, Bench


def test_exposure_timeout():
    """No exposure within its time: verdict 4, code 301, the station is told to leave the part."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.wait(0.999)
    assert bench.answers == []
    bench.wait(0.002)
    assert (bench.answers, bench.abandoned) == ([(1, Verdict.ERROR, 301)], [1])
    assert (bench["ErrorCode"], bench["Status.Error"], bench["TriggerReady"]) == (301, True, True)


def test_late_result_is_discarded():
    """A score that comes after the inspection time-out changes nothing: verdict 5, code 402 stands."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.expose()
    bench.wait(2.001)
    bench.judge(OK)
    assert (bench.answers, bench["Verdict"]) == ([(1, Verdict.TIMEOUT, 402)], 5)


def test_result_at_the_deadline_is_late_even_before_the_tick():
    """A due time-out goes first, so a late tick never lets a late OK through."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.expose()
    bench.now += 2.5
    bench.judge(OK)
    assert bench.answers == [(1, Verdict.TIMEOUT, 402)]


def test_failures_answer_the_part():
    """A camera or model that fails gives verdict 4 with its code; a second answer is discarded."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.actions += bench.machine.failed(1, 401, bench.now)
    bench.judge(OK)
    assert bench.answers == [(1, Verdict.ERROR, 401)]
    assert bench["ExposureComplete"] is True


def test_unknown_acquisition_is_ignored():
    """Answers for parts that never were change nothing."""
    bench = Bench().start()
    bench.expose(7)
    bench.judge(OK, acquisition_id=7)
    assert (bench.answers, bench["ResultsValid"]) == ([], False)


def test_abort_answers_everything():
    """Abort gives each part in flight verdict 4, code 220."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.expose()
    bench.write(trigger_seq=2)
    bench.actions += bench.machine.abort(bench.now)
    assert bench.answers == [(1, Verdict.ERROR, 220), (2, Verdict.ERROR, 220)]


def test_unacked_record_warns_and_stays():
    """After ack_warn_s warning 251 rises, nothing is dropped; it clears itself with the ack."""
    bench = Bench().start()
    bench.inspect(1)
    bench.wait(5.001)
    assert (bench["WarningCode"], bench["Status.Warning"], bench["ResultsValid"]) == (251, True, True)
    bench.write(result_ack_id=1)
    assert (bench["WarningCode"], bench["Status.Warning"]) == (0, False)


def test_held_bit_warns():
    """A handshake bit held long after its answer raises warning 252 until it is 0."""
    bench = Bench().start(sequence=False)
    bench.write(trigger=True)
    bench.expose()
    bench.judge()
    bench.write(trigger=True, results_ack=True)
    bench.write(results_ack=False)
    bench.wait(5.001)
    assert bench["WarningCode"] == 252
    bench.write(trigger=False)
    assert bench["WarningCode"] == 0


def test_plc_heartbeat_auto_is_watched_from_its_first_change():
    """A PLC without heartbeat works; one that stops its heartbeat is lost: Ready 0, parts still end."""
    bench = Bench().start()
    bench.wait(60)
    assert (bench["PlcLost"], bench["TriggerReady"]) == (False, True)
    bench.write(plc_heartbeat=1)
    bench.write(trigger_seq=1)
    bench.expose()
    bench.wait(1.5)
    bench.judge(NG)
    bench.wait(1.501)
    assert (bench["PlcLost"], bench["TriggerReady"], bench["ResultsValid"]) == (True, False, True)
    bench.write(trigger_seq=2)
    assert bench["RejectReason"] == 216
    assert bench.machine.obstacle(from_plc=False) == 0
    bench.write(plc_heartbeat=2)
    assert (bench["PlcLost"], bench["TriggerReady"]) == (False, True)


def test_plc_heartbeat_required():
    """`required` asks for a change before any trigger; `off` never looks."""
    bench = Bench(HandshakeSettings(plc_heartbeat=HeartbeatWatch.REQUIRED)).start()
    assert (bench["PlcLost"], bench["TriggerReady"]) == (True, False)
    bench.write(plc_heartbeat=1)
    assert bench["TriggerReady"] is True
    off = Bench(HandshakeSettings(plc_heartbeat=HeartbeatWatch.OFF)).start()
    off.write(plc_heartbeat=1)
    off.wait(60)
    assert off["TriggerReady"] is True


def test_station_heartbeat_counts_turns():
    """Each turn of the inspection loop's watchdog adds one; it wraps at 65535."""
    bench = Bench()
    bench.machine.heartbeat = 65535
    bench.machine.beat()
    assert bench["Heartbeat"] == 0


def test_actions_owed_by_a_refused_call_are_not_lost():
    """A trigger refused in the moment a part times out raises; what was due comes with the next call."""
    bench = Bench()
    bench.machine.trigger(TriggerSource.HMI, bench.now)
    bench.expose()
    bench.machine.trigger(TriggerSource.HMI, bench.now)
    bench.now += 1.5
    with pytest.raises(RefusedError):
        bench.machine.trigger(TriggerSource.HMI, bench.now)
    bench.wait(0)
    assert bench.abandoned == [2]
    bench.judge(OK, acquisition_id=1)
    assert bench.answers == [(1, Verdict.OK, 0), (2, Verdict.ERROR, 301)]
