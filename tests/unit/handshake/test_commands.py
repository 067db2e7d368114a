"""Commands: one at a time, after the parts in flight, answered once; and the conditions of the station."""

import pytest

from edge_service.domain.inspection import Judgement, Verdict
from edge_service.errors import RefusedError
from edge_service.handshake.actions import Acquire, CancelCommand, CommandAnswered, Execute
from tests.support.plc_bench import NG, OK, Bench


def test_command_waits_for_parts_in_flight():
    """Ready drops at once, the part ends on the old recipe, then the station switches."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.expose()
    bench.write(command=1, param1=2, command_seq=1)
    assert (bench["CommandSeqAck"], bench["CommandExecuting"], bench["TriggerReady"]) == (1, True, False)
    assert bench.of(Execute) == []
    bench.judge()
    (order,) = bench.of(Execute)
    assert (order.command, order.parameters, order.from_plc) == (1, (2, 0, 0, 0), True)
    bench.observe(recipe=2)
    bench.done()
    assert (bench["CommandCompleted"], bench["CommandResult"], bench["ActiveRecipe"]) == (True, 1, 2)
    assert bench["TriggerReady"] is True
    bench.write(command_seq=2)
    assert (bench["CommandCompleted"], bench["CommandResult"], bench["CommandExecuting"]) == (False, 0, True)


def test_command_bit_is_held_until_answered():
    """Bit mode: Completed stands until ExecuteCommand 0; a held bit does not execute again."""
    bench = Bench().start(sequence=False)
    bench.write(command=4, execute_command=True)
    bench.write()
    assert len(bench.of(Execute)) == 1
    bench.done(104)
    bench.write()
    assert (bench["CommandFailed"], bench["CommandCompleted"], bench["CommandResult"]) == (True, False, 104)
    bench.write(execute_command=False)
    assert (bench["CommandFailed"], bench["CommandResult"]) == (False, 104)
    bench.write(execute_command=True)
    assert len(bench.of(Execute)) == 2


@pytest.mark.parametrize(
    ("command", "parameter", "code"),
    [(0, 0, 120), (9, 0, 120), (99, 0, 120), (200, 0, 120), (1, 0, 121), (1, 1000, 121), (7, 0, 121)],
)
def test_senseless_commands_fail_at_once(command: int, parameter: int, code: int):
    """An unknown command is 120, a parameter out of range 121; the station never hears of it."""
    bench = Bench().start()
    bench.write(command=command, param1=parameter, command_seq=1)
    assert (bench["CommandFailed"], bench["CommandResult"], bench.of(Execute)) == (True, code, [])


@pytest.mark.parametrize(("command", "limit"), [(1, 10), (2, 60), (5, 120), (6, 120), (4, 5), (100, 5)])
def test_command_out_of_time(command: int, limit: float):
    """Each command has its time; then Failed with 123, the station cancels, a late answer is discarded."""
    bench = Bench().start()
    bench.write(command=command, param1=1, command_seq=1)
    bench.wait(limit - 0.001)
    assert bench["CommandExecuting"] is True
    bench.wait(0.002)
    assert (bench["CommandFailed"], bench["CommandResult"]) == (True, 123)
    (order,) = bench.of(Execute)
    assert bench.of(CancelCommand) == [CancelCommand(order.ticket)]
    bench.done()
    assert bench["CommandResult"] == 123


def test_second_command_while_one_runs_is_used_up():
    """A command during another is refused with 215 and never executes later."""
    bench = Bench().start()
    bench.write(command=4, command_seq=1)
    bench.write(command=6, command_seq=2)
    bench.done()
    bench.write()
    assert (bench["CommandSeqAck"], bench["RejectReason"], len(bench.of(Execute))) == (1, 215, 1)


def test_commands_work_offline_and_without_trigger_enable():
    """SetOffline and TriggerEnable 0 do not stop commands."""
    bench = Bench()
    bench.write(sequence_mode=True, set_offline=True)
    bench.write(command=1, param1=3, command_seq=9)
    assert len(bench.of(Execute)) == 1


def test_commands_of_others_leave_the_plcs_answer_alone():
    """A command from a screen shows as executing only; the PLC's Completed and result stand."""
    bench = Bench().start()
    bench.write(command=4, command_seq=1)
    bench.done()
    ticket, actions = bench.machine.command(1, (2, 0, 0, 0), bench.now)
    bench.actions += actions
    assert (bench["CommandExecuting"], bench["CommandCompleted"], bench["CommandSeqAck"]) == (True, True, 1)
    with pytest.raises(RefusedError) as refused:
        bench.machine.command(1, (3, 0, 0, 0), bench.now)
    assert refused.value.reason == 215
    bench.done(103)
    assert bench.of(CommandAnswered)[-1] == CommandAnswered(ticket, 103)
    assert (bench["CommandCompleted"], bench["CommandFailed"], bench["CommandResult"]) == (True, False, 1)


def test_collect_takes_the_next_parts_as_samples():
    """Command 3 with n makes samples of the next n parts: verdict 6, in total only, no NG in a row."""
    bench = Bench().start()
    bench.write(command=3, param1=1, command_seq=1)
    bench.done()
    bench.write(trigger_seq=1)
    assert bench.of(Acquire)[-1].trigger.collect is True
    bench.expose()
    bench.judge(Judgement(Verdict.SAMPLE))
    assert (bench["Verdict"], bench["Sample"], bench["NotOk"], bench["NgLatch"]) == (6, True, True, False)
    assert (bench["Total"], bench["YieldX100"], bench["ConsecutiveNg"]) == (1, 0, 0)
    bench.write(trigger_seq=2)
    assert bench.of(Acquire)[-1].trigger.collect is False


def test_an_ok_for_a_sample_is_an_error():
    """A part that was to be a sample can never read OK."""
    bench = Bench().start()
    bench.write(command=3, param1=1, command_seq=1)
    bench.done()
    bench.inspect(1, OK)
    assert bench.answers == [(1, Verdict.ERROR, 901)]


def test_set_offline_ends_parts_first():
    """SetOffline: Ready 0 at once, Online 0 when nothing is in flight."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    bench.expose()
    bench.write(set_offline=True)
    assert (bench["TriggerReady"], bench["Online"], bench["OfflineReason"]) == (False, True, 0)
    bench.judge()
    assert (bench["Online"], bench["OfflineReason"], bench["StateNumber"]) == (False, 3, 1)
    bench.write(set_offline=False)
    assert (bench["Online"], bench["TriggerReady"], bench["StateNumber"]) == (True, True, 6)


def test_error_stays_until_cleared_and_gone():
    """Error needs both ClearError and the end of its cause, in either order."""
    bench = Bench().start()
    bench.observe(camera_lost=True)
    assert (bench["ErrorCode"], bench["CameraLost"], bench["OfflineReason"]) == (302, True, 6)
    bench.write(clear_error=True)
    assert bench["ErrorCode"] == 302
    bench.observe(camera_lost=False)
    assert (bench["ErrorCode"], bench["TriggerReady"]) == (0, True)
    bench.write(clear_error=False)
    bench.observe(camera_lost=True)
    bench.observe(camera_lost=False)
    assert (bench["ErrorCode"], bench["TriggerReady"]) == (302, True)
    bench.write(clear_error=True)
    assert bench["ErrorCode"] == 0


def test_blocking_error_stops_the_station_until_cleared():
    """A bug of ours blocks: no part is taken until somebody writes ClearError."""
    bench = Bench().start()
    bench.actions += bench.machine.raise_condition(501, bench.now)
    assert bench["TriggerReady"] is True
    bench.actions += bench.machine.raise_condition(901, bench.now, lasting=False)
    assert (bench["ErrorCode"], bench["OfflineReason"], bench["StateNumber"]) == (901, 7, 3)
    bench.write(clear_error=True)
    assert (bench["ErrorCode"], bench["TriggerReady"]) == (501, True)
    bench.machine.clear_condition(501, bench.now)
    assert bench["ErrorCode"] == 0


def test_warnings_clear_themselves_oldest_first():
    """WARNING_CODE is the oldest active one."""
    bench = Bench()
    bench.observe(cpu_fallback=True)
    bench.observe(golden_test_due=True)
    assert (bench["WarningCode"], bench["CpuFallback"], bench["GoldenTestDue"]) == (450, True, True)
    bench.observe(cpu_fallback=False)
    assert bench["WarningCode"] == 255


def test_ng_in_a_row_raises_alarm_and_stop_request():
    """Three parts in a row that are not OK ask the line to stop; AlarmAck starts anew, the latch stays."""
    bench = Bench().start()
    bench.inspect(1, NG)
    bench.inspect(2, OK)
    bench.inspect(3, NG)
    bench.inspect(4, NG)
    assert (bench["ConsecutiveNgAlarm"], bench["ConsecutiveNg"], bench["NgLatch"]) == (False, 2, True)
    bench.write(trigger_seq=5)
    bench.wait(1.1)
    assert (bench["ConsecutiveNgAlarm"], bench["StopRequest"], bench["WarningCode"]) == (True, True, 254)
    bench.write(alarm_ack=True, ng_latch_reset=True)
    assert (bench["ConsecutiveNgAlarm"], bench["StopRequest"], bench["ConsecutiveNg"]) == (False, False, 0)
    assert bench["NgLatch"] is False


def test_statistics_count_and_reset():
    """Counters by verdict, yield and times; StatisticsReset begins anew and says since when."""
    bench = Bench(epoch=1000.0).start()
    for sequence, verdict in enumerate((OK, OK, NG), 1):
        bench.write(trigger_seq=sequence)
        bench.expose()
        bench.now += 0.01 * sequence
        bench.judge(verdict)
    assert (bench["Total"], bench["Statistics.Ok"], bench["Ng"], bench["YieldX100"]) == (3, 2, 1, 6666)
    assert (bench["MinMs"], bench["MeanMs"], bench["MaxMs"]) == (10, 20, 30)
    bench.write(statistics_reset=True)
    assert (bench["Total"], bench["Since"], bench["MaxMs"]) == (0, 1100, 0)


def test_exposure_complete_stands_until_cleared():
    """ExposureComplete says the part may move, until ClearExposureComplete or the next accept."""
    bench = Bench().start()
    bench.write(trigger_seq=1)
    assert bench["ExposureComplete"] is False
    bench.expose()
    assert bench["ExposureComplete"] is True
    bench.write(clear_exposure_complete=True)
    assert bench["ExposureComplete"] is False
