"""Links that the station itself keeps (a polled PLC, a serial port), and what a lost one means."""

from edge_service.domain.inspection import TriggerSource
from edge_service.handshake.actions import Acquire
from tests.support.plc_bench import Bench


def link(bench: Bench, name: str, *, there: bool) -> None:
    """Tell the machine of a link."""
    bench._keep(bench.machine.link(name, bench.now, there=there))


def test_lost_link_of_the_owner_is_a_lost_plc():
    """PlcLost, Ready 0, error 231; parts in flight end; back again, Ready is 1 and the error waits."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    link(bench, "plc", there=False)
    assert (bench["PlcLost"], bench["TriggerReady"], bench["ErrorCode"]) == (True, False, 231)
    bench.expose()
    bench.judge()
    assert (bench["ResultsValid"], bench["TriggerSeqAck"]) == (True, 1)
    link(bench, "plc", there=True)
    assert (bench["PlcLost"], bench["TriggerReady"], bench["ErrorCode"]) == (False, True, 231)
    bench.write(clear_error=True)
    assert (bench["Status.Error"], bench["ErrorCode"]) == (False, 0)


def test_trigger_over_a_lost_link_is_refused_with_216():
    """What still comes in the owner's name while its link is lost does not fire."""
    bench = Bench().start()
    link(bench, "plc", there=False)
    bench.write(trigger_seq=1)
    assert (bench["TriggerSeqRejected"], bench["RejectReason"], bench.acquired) == (1, 216, [])


def test_another_owner_does_not_feel_a_lost_link():
    """A PLC that owns the station over TCP goes on while the serial port is gone."""
    bench = Bench().start()
    link(bench, "/dev/ttyUSB0", there=False)
    assert (bench["PlcLost"], bench["TriggerReady"], bench["ErrorCode"]) == (False, True, 231)
    bench.write(trigger_enable=False)
    assert bench["PlcLost"] is True


def test_baseline_holds_nothing_new():
    """The first image after a reconnect sets the last values seen: no trigger, ack or command comes of it."""
    bench = Bench().start()
    bench.inspect(1)
    changes = {"trigger_seq": 7, "command_seq": 3, "command": 1, "param1": 2, "result_ack_id": 1}
    image = bench.image.__class__(
        trigger_enable=True, sequence_mode=True, buffer_results_enable=True, **changes
    )
    bench._keep(bench.machine.update(image, bench.now, "plc", baseline=True))
    bench.image = image
    assert (bench.acquired, bench["ResultsValid"], bench["CommandSeqAck"]) == ([1], True, 0)
    bench.write(trigger_seq=8)
    assert bench.acquired == [1, 2]


def test_client_mode_is_its_own_trigger_source():
    """A trigger that the station polled from the PLC says so in its record."""
    bench = Bench().start()
    image = bench.image.__class__(trigger_enable=True, sequence_mode=True, trigger_seq=1)
    source = TriggerSource.CLIENT_MODE
    bench._keep(bench.machine.update(image, bench.now, "plc", source=source))
    assert [action.trigger.source for action in bench.of(Acquire)] == [source]
