"""Halt, Reset, Abort, Stop, continuous execution and the command block, as the gateway asks for them."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edge_service.core.desk import Desk
from edge_service.core.jobs import Jobs
from edge_service.core.line_desk import LineDesk
from edge_service.core.moments import Moments
from edge_service.domain.inspection import TriggerSource, Verdict
from edge_service.domain.signal import Block
from edge_service.errors import NotOwnerError, RefusedError
from edge_service.fieldbus.memory import Memory
from edge_service.link import Command, Role
from tests.support.station_bench import Bench, running

pytestmark = pytest.mark.timeout(20)


class Names:
    """Gives a job its acquisition id as a name."""

    def job(self, acquisition_id: int) -> str:
        """Return the name."""
        return f"job-{acquisition_id}"


def line(bench: Bench) -> tuple[Callable[..., Any], Memory]:
    """Return a function that asks the desk as an operator, and the command block."""
    memory = Memory(bench.station)
    desk = Desk(bench.station, LineDesk(bench.station, memory, Names()).handlers)

    async def ask(name: str, role: Role = Role.OPERATOR, **arguments: Any) -> Any:
        return (await desk.handle(Command(1, name, arguments, role))).data

    return ask, memory


async def refused(asked: Any) -> int:
    """Return the code that a request is refused with."""
    with pytest.raises(RefusedError) as error:
        await asked
    return error.value.reason


async def test_a_job_has_its_name_before_its_result(tmp_path: Path):
    """start_job answers at accept; the inspection follows."""
    async with running(Bench(tmp_path)) as bench:
        ask, _ = line(bench)
        bench.camera.light.clear()
        assert await ask("start_job", serial="A1") == {"job": "job-1"}
        assert not bench.done
        assert await refused(ask("start_job")) == 212
        bench.camera.light.set()
        await bench.until(lambda: bool(bench.done))
    assert bench.done[0].inspection.trigger.serial == b"A1"
    assert bench.done[0].inspection.trigger.source is TriggerSource.OPC_UA


async def test_halt_gives_up_what_is_in_flight_and_reset_ends_it(tmp_path: Path):
    """The part gets verdict 4, code 220; state 2, and 6 again after Reset; twice is refused."""
    async with running(Bench(tmp_path)) as bench:
        ask, _ = line(bench)
        bench.camera.light.clear()
        await ask("start_job")
        await ask("halt")
        await bench.until(lambda: bool(bench.done))
        judged = bench.done[0].inspection.judgement
        assert (judged.verdict, judged.code) == (Verdict.ERROR, 220)
        assert bench["Station.StateNumber"] == 2
        assert await refused(ask("halt")) == 122
        assert await refused(ask("start_job")) == 211
        await ask("reset")
        assert bench["Station.StateNumber"] == 6


async def test_reset_and_abort_need_something_to_end(tmp_path: Path):
    """Offline there is nothing to reset, idle nothing to abort or to stop."""
    async with running(Bench(tmp_path)) as bench:
        ask, _ = line(bench)
        bench.write(set_offline=True)
        assert await refused(ask("reset")) == 122
        bench.write(set_offline=False)
        assert await refused(ask("abort")) == 122
        assert await refused(ask("stop")) == 122


async def test_abort_leaves_the_station_ready(tmp_path: Path):
    """The part in flight is answered with 220, the next one is taken."""
    async with running(Bench(tmp_path)) as bench:
        ask, _ = line(bench)
        bench.camera.light.clear()
        await ask("start_job")
        await bench.camera.exposing.wait()
        await ask("abort")
        bench.camera.light.set()
        await bench.until(lambda: len(bench.done) == 1)
        await ask("start_job")
        await bench.until(lambda: len(bench.done) == 2)
    assert [done.inspection.judgement.code for done in bench.done] == [220, 0]


async def test_continuous_execution_takes_part_after_part_until_stopped(tmp_path: Path):
    """State 8 while it runs; what is in flight at Stop is judged."""
    async with running(Bench(tmp_path)) as bench:
        ask, _ = line(bench)
        await ask("start_continuous", serial="RUN")
        assert await refused(ask("start_continuous")) == 122
        await bench.until(lambda: len(bench.done) >= 4)
        assert bench["Station.StateNumber"] == 8
        await ask("stop")
        await bench.shows("Station.StateNumber", 6)
        taken = bench.camera.grabs
        await bench.until(lambda: len(bench.done) == taken)
    assert {done.inspection.trigger.serial for done in bench.done} == {b"RUN"}
    assert {done.inspection.judgement.verdict for done in bench.done} == {Verdict.OK}


async def test_a_plc_that_takes_over_ends_continuous_execution(tmp_path: Path):
    """The owner's TriggerEnable bars other sources, and the run with them."""
    async with running(Bench(tmp_path)) as bench:
        ask, _ = line(bench)
        await ask("start_continuous")
        await bench.enable()
        await bench.until(lambda: not bench.station.machine.health.continuous)
        assert await refused(ask("start_job")) == 217


async def test_one_write_of_the_command_block(tmp_path: Path):
    """A client of tags drives the handshake: several signals in one write, the others stay."""
    async with running(Bench(tmp_path)) as bench:
        ask, memory = line(bench)
        await ask("write_command", values={}, writer="opcua:kepware")
        mode = {
            "Command.TriggerEnable": True,
            "Command.SequenceMode": True,
            "Command.BufferResultsEnable": True,
        }
        await ask("write_command", values=mode, writer="opcua:kepware")
        assert bench.station.owner() == "opcua:kepware"
        part = {"Command.TriggerSeq": 7, "Command.PartSerial": "A7", "Command.Encoder": 70_000}
        await ask("write_command", values=part, writer="opcua:kepware")
        await bench.shows("Result.TriggerSeq", 7)
        assert bench["Result.Encoder"] == 70_000
        assert memory.words(Block.COMMAND)[0] == 0x25
        with pytest.raises(NotOwnerError):
            await ask("write_command", values={"Command.TriggerSeq": 8}, writer="opcua:other")
        await ask("heard", writer="opcua:kepware")
        await ask("write_command", values={"Command.TriggerEnable": False}, writer="opcua:kepware")
        assert bench.station.owner() is None


@pytest.mark.parametrize(
    "values",
    [
        {"Command.TriggerSeq": 65_536},
        {"Command.TriggerSeq": -1},
        {"Command.TriggerSeq": "7"},
        {"Command.Trigger": 2},
        {"Command.PartSerial": "x" * 41},
        {"Command.PartSerial": "部品"},
        {"Status.TriggerReady": True},
        {"Nothing": 1},
        [1, 2],
    ],
)
async def test_a_write_that_does_not_fit_changes_nothing(tmp_path: Path, values: Any):
    """Refused with 121, whatever else the write holds."""
    async with running(Bench(tmp_path)) as bench:
        ask, memory = line(bench)
        mixed = {"Command.Command": 1, **values} if isinstance(values, dict) else values
        assert await refused(ask("write_command", values=mixed)) == 121
        assert not any(memory.words(Block.COMMAND))


async def test_an_observer_may_do_none_of_it(tmp_path: Path):
    """Every one of these commands needs the operator's role."""
    async with running(Bench(tmp_path)) as bench:
        memory = Memory(bench.station)
        handlers = LineDesk(bench.station, memory, Names()).handlers
        desk = Desk(bench.station, handlers)
        for name in handlers:
            assert await refused(desk.handle(Command(1, name, {}, Role.OBSERVER))) == 217


def test_job_numbers_go_on_when_acquisition_ids_come_round():
    """65535, then 1: the names stay unique; parts of one continuous execution share theirs."""
    jobs = Jobs("line-1", 12)
    for number in range(1, 65_536):
        jobs.note(number)
    assert jobs.name(65_535) == "line-1-12-65535"
    assert jobs.note(1) == "line-1-12-65536"
    assert jobs.note(1) is None
    assert jobs.note(2, continuous=True) == "line-1-12-65537"
    assert jobs.note(3, continuous=True) is None
    assert jobs.name(3) == jobs.name(2)
    assert jobs.note(4) == "line-1-12-65539"
    assert jobs.name(9) == ""


async def test_every_moment_of_a_part_is_told_in_order(tmp_path: Path):
    """Begun in state 7, exposed, ready again: however short each stands."""
    seen: list[dict[str, Any]] = []
    async with running(Bench(tmp_path)) as bench:
        moments = Moments(Jobs("line-1", 1), lambda: 1.0)
        moments.note(bench.station.machine)
        moments.take()
        bench.station._changed = lambda: (moments.note(bench.station.machine), seen.extend(moments.take()))
        await bench.station.trigger(TriggerSource.HMI)
        await asyncio.sleep(0)
    assert seen[0] == {"at": 1.0, "job": "line-1-1-1", "state": 7}
    assert seen[1] == {"at": 1.0, "exposed": "line-1-1-1", "state": 6}
