"""The inspection loop, with a fake camera, engine and outfitter and a PLC that writes by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_service.domain.inspection import CameraSettings, TriggerSource, Verdict
from edge_service.errors import (
    BadImageError,
    CameraError,
    ConfigurationError,
    DiskFullError,
    InferenceError,
    NoFrameError,
    PackageError,
    RecipeError,
)
from edge_service.handshake.inputs import PlcInputs
from edge_service.handshake.machine import Machine
from edge_service.handshake.settings import HandshakeSettings
from edge_service.station import Done, Facts, Numbers, Reserve, Site, Station
from tests.support.fakes import FakeCamera, FakeEngine, FakeOutfitter

pytestmark = pytest.mark.timeout(20)

SETTINGS = HandshakeSettings(exposure_timeout_s=5.0, inspection_timeout_s=8.0)


class Bench:
    """A station on a table: its fakes, its PLC's command block, and what it handed over."""

    def __init__(self, tmp_path: Path, settings: HandshakeSettings = SETTINGS) -> None:
        self.camera, self.engine = FakeCamera(), FakeEngine()
        self.outfitter = FakeOutfitter(self.engine)
        self.reload_fault: ConfigurationError | None = None
        self.done: list[Done] = []
        self.step_fault: DiskFullError | None = None
        self.stop = asyncio.Event()
        self.started = asyncio.Event()
        self.inputs = PlcInputs(sequence_mode=True, buffer_results_enable=True)
        self._changed = asyncio.Event()
        claim = Numbers(tmp_path).claim()
        self.station = Station(
            Machine(settings, boot_id=claim.boot_id, first_inspection_id=claim.first),
            Facts("line-1", claim.boot_id, watchdog_s=60.0),
            make_camera=lambda: self.camera,
            outfitter=self.outfitter,
            site=Site(self._reload, lambda _: None),
            steps=(self._keep,),
            reserve=Reserve(Numbers(tmp_path), claim),
            changed=self._changed.set,
        )

    async def _keep(self, done: Done) -> None:
        if self.step_fault is not None:
            raise self.step_fault
        self.done.append(done)
        self._changed.set()

    async def _reload(self) -> None:
        if self.reload_fault is not None:
            raise self.reload_fault

    def write(self, **changes: Any) -> None:
        """Write the command block once, as a PLC does."""
        self.inputs = replace(self.inputs, **changes)
        self.station.update(self.inputs, "plc")

    def __getitem__(self, signal: str) -> Any:
        return self.station.outputs()[signal]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a state, looking whenever the station says that something changed."""
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def shows(self, signal: str, value: Any) -> None:
        """Wait until a signal has a value."""
        await self.until(lambda: self[signal] == value)

    async def enable(self) -> None:
        """Baseline, then TriggerEnable, then wait for Ready."""
        self.write()
        self.write(trigger_enable=True)
        await self.shows("Status.TriggerReady", True)

    async def part(self, sequence: int) -> dict[str, Any]:
        """Trigger a part, return the record, acknowledge it."""
        self.write(trigger_seq=sequence)
        await self.shows("Result.TriggerSeq", sequence)
        record = {name: value for name, value in self.station.outputs().items() if name.startswith("Result.")}
        self.write(result_ack_id=record["Result.InspectionId"])
        return record


@asynccontextmanager
async def running(bench: Bench, recipe: int = 1) -> AsyncIterator[Bench]:
    """Run the station around a test and stop it as SIGTERM does."""
    task = asyncio.create_task(bench.station.run(bench.stop, recipe, bench.started.set), name="station")
    waiting = asyncio.create_task(bench.started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield bench
    finally:
        bench.stop.set()
        bench.write(trigger_enable=False)
        await task


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A station that does not run yet."""
    return Bench(tmp_path)


async def test_a_good_part_is_ok_and_carries_what_it_belongs_to(bench: Bench) -> None:
    """The record names sequence, serial, recipe, verdict, score and the frame's time; then it is kept."""
    async with running(bench):
        await bench.enable()
        bench.inputs = replace(bench.inputs, part_serial=b"SN-1", encoder=77)
        record = await bench.part(5)
        assert record["Result.Verdict"] == Verdict.OK
        assert record["Result.ScoreX10000"] == 1000  # raw 0.2 of threshold 1.0
        assert record["Result.PartSerial"] == b"SN-1"
        assert (record["Result.Recipe"], record["Result.Encoder"]) == (1, 77)
        assert record["Result.CapturedAt"] == 1_700_000_001
        assert record["Result.Simulated"] is True
        await bench.until(lambda: len(bench.done) == 1)
        kept = bench.done[0].inspection
        assert kept.global_id == "line-1-1-1"
        assert kept.trigger.source is TriggerSource.SEQUENCE


async def test_a_strange_part_is_not_ok(bench: Bench) -> None:
    """A score above the threshold is NG with the place of the strangest spot."""
    bench.engine.scores = [1.4]
    async with running(bench):
        await bench.enable()
        record = await bench.part(1)
    assert record["Result.Verdict"] == Verdict.NG
    assert record["Result.DefectX"] < 64


async def test_the_answer_comes_before_everything_else(tmp_path: Path) -> None:
    """The PLC has its record while the first step of the aftermath still waits for the disk."""
    bench = Bench(tmp_path)
    disk = asyncio.Event()

    async def slow(_: Done) -> None:
        await disk.wait()

    bench.station.aftermath._steps = (slow, bench._keep)
    async with running(bench):
        await bench.enable()
        for sequence in range(1, 5):
            assert (await bench.part(sequence))["Result.Verdict"] == Verdict.OK
        assert bench.done == []
        disk.set()
        await bench.until(lambda: len(bench.done) == 4)


async def test_one_part_is_exposed_while_the_one_before_is_measured(bench: Bench) -> None:
    """Two in flight: the second's exposure overlaps the first's inference, answers come in order."""
    bench.engine.scores = [0.2, 1.5]
    async with running(bench):
        await bench.enable()
        bench.engine.power.clear()
        bench.write(trigger_seq=1)
        await bench.until(lambda: len(bench.engine.seen) == 1)
        assert bench["Status.TriggerReady"]
        bench.camera.light.clear()
        bench.write(trigger_seq=2)
        await bench.camera.exposing.wait()
        assert not bench["Status.TriggerReady"]
        bench.write(trigger_seq=3)
        assert (bench["Status.TriggerSeqRejected"], bench["Statistics.Missed"]) == (3, 1)
        bench.camera.light.set()
        bench.engine.power.set()
        await bench.shows("Result.TriggerSeq", 1)
        assert bench["Result.Verdict"] == Verdict.OK
        bench.write(result_ack_id=bench["Result.InspectionId"])
        await bench.shows("Result.TriggerSeq", 2)
        assert bench["Result.Verdict"] == Verdict.NG


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (NoFrameError("none"), 301),
        (BadImageError("torn"), 304),
        (CameraError("gone"), 302),
        (InferenceError("device"), 401),
    ],
)
async def test_what_cannot_be_judged_is_an_error_never_ok(bench: Bench, fault: Any, code: int) -> None:
    """A camera or engine that fails gives verdict 4 with its code."""
    async with running(bench):
        await bench.enable()
        if isinstance(fault, InferenceError):
            bench.engine.fault = fault
        else:
            bench.camera.fault = fault
        record = await bench.part(1)
    assert (record["Result.Verdict"], record["Result.Code"]) == (Verdict.ERROR, code)


async def test_a_frame_exposed_before_its_trigger_is_refused(bench: Bench) -> None:
    """Code 303, whatever the model would have said."""
    bench.camera.early_s = 0.001
    async with running(bench):
        await bench.enable()
        record = await bench.part(1)
    assert (record["Result.Verdict"], record["Result.Code"]) == (Verdict.ERROR, 303)
    assert bench.engine.seen == []


async def test_a_lost_camera_is_opened_again(bench: Bench) -> None:
    """Loss takes Ready away with reason 6; once the camera answers, the station is Ready again by itself."""
    async with running(bench):
        await bench.enable()
        bench.camera.fault = CameraError("unplugged")
        bench.camera.refuses = CameraError("unplugged")
        await bench.part(1)
        await bench.shows("Status.OfflineReason", 6)
        assert bench["Status.CameraLost"]
        bench.camera.fault = bench.camera.refuses = None
        await bench.shows("Status.CameraLost", False)
        bench.write(clear_error=True)
        await bench.shows("Status.TriggerReady", True)
        assert (await bench.part(2))["Result.Verdict"] == Verdict.OK


async def test_a_camera_unplugged_between_two_parts_is_noticed(bench: Bench) -> None:
    """No part has to be lost first: Ready goes as soon as the camera says so, and comes back with it."""
    async with running(bench):
        await bench.enable()
        bench.camera.refuses = CameraError("unplugged")
        bench.camera.unplugged.set()
        await bench.shows("Status.CameraLost", True)
        assert not bench["Status.TriggerReady"]
        assert bench.camera.grabs == 0
        bench.camera.unplugged.clear()
        bench.camera.refuses = None
        await bench.shows("Status.CameraLost", False)
        bench.write(clear_error=True)
        await bench.shows("Status.TriggerReady", True)


async def test_a_camera_that_never_answers_is_timed_out(tmp_path: Path) -> None:
    """The machine's own deadline gives verdict 4, code 301, and the part's task ends."""
    bench = Bench(tmp_path, replace(SETTINGS, exposure_timeout_s=0.05, inspection_timeout_s=0.2))
    async with running(bench):
        await bench.enable()
        bench.camera.light.clear()
        record = await bench.part(1)
        assert (record["Result.Verdict"], record["Result.Code"]) == (Verdict.ERROR, 301)
        assert not bench.camera.exposing.is_set()


async def test_a_model_that_is_too_slow_is_timed_out_and_its_score_discarded(tmp_path: Path) -> None:
    """Verdict 5, code 402; the late score changes nothing."""
    bench = Bench(tmp_path, replace(SETTINGS, exposure_timeout_s=0.05, inspection_timeout_s=0.1))
    async with running(bench):
        await bench.enable()
        bench.engine.power.clear()
        record = await bench.part(1)
        bench.engine.power.set()
        assert (record["Result.Verdict"], record["Result.Code"]) == (Verdict.TIMEOUT, 402)
        assert bench["Statistics.Ok"] == 0


async def test_the_wrong_recipe_is_not_judged(bench: Bench) -> None:
    """EXPECTED_RECIPE 2 with recipe 1 active: verdict 4, code 101, no frame taken."""
    async with running(bench):
        await bench.enable()
        bench.inputs = replace(bench.inputs, expected_recipe=2)
        record = await bench.part(1)
    assert (record["Result.Verdict"], record["Result.Code"]) == (Verdict.ERROR, 101)
    assert bench.camera.grabs == 0


async def order(bench: Bench, command: int, param1: int = 0) -> int:
    """Have the PLC order a command and return COMMAND_RESULT."""
    sequence = bench["Status.CommandSeqAck"] + 1
    bench.write(command=command, param1=param1, command_seq=sequence)
    await bench.until(
        lambda: bench["Status.CommandSeqAck"] == sequence and not bench["Status.CommandExecuting"]
    )
    return int(bench["Status.CommandResult"])


async def test_a_recipe_is_selected_or_the_old_one_stays(bench: Bench) -> None:
    """Command 1 switches; an unknown recipe or one without model fails with its code, nothing changed."""
    async with running(bench):
        await bench.enable()
        assert await order(bench, 1, 2) == 1
        assert bench["Station.ActiveRecipe"] == 2
        assert await order(bench, 1, 9) == 103
        bench.outfitter.fault = PackageError("none installed")
        assert await order(bench, 1, 1) == 110
        assert bench["Station.ActiveRecipe"] == 2
        await bench.shows("Status.TriggerReady", True)


SHORT, LONG = CameraSettings(exposure_us=1000.0), CameraSettings(exposure_us=9000.0, gain=2.0)


async def test_the_camera_is_set_up_before_the_next_recipe_is_ready(bench: Bench) -> None:
    """Not ready, and judging by neither recipe, until the camera has the new one's settings."""
    bench.outfitter.settings = {1: SHORT, 2: LONG}
    async with running(bench):
        await bench.enable()
        assert bench.camera.settings == [SHORT]
        bench.camera.settling.clear()
        change = asyncio.create_task(order(bench, 1, 2))
        await bench.shows("Status.CommandExecuting", True)
        assert not bench["Status.TriggerReady"]
        bench.camera.settling.set()
        assert await change == 1
        assert bench.camera.settings == [SHORT, LONG]
        assert (await bench.part(1))["Result.Recipe"] == 2


async def test_a_camera_that_refuses_the_settings_keeps_recipe_and_settings(bench: Bench) -> None:
    """Code 103, the recipe before goes on, and the camera is opened again with what is in force."""
    bench.outfitter.settings = {1: SHORT, 2: LONG}
    async with running(bench):
        await bench.enable()
        bench.camera.settings_fault = RecipeError("the camera knows no gain")
        assert await order(bench, 1, 2) == 103
        assert bench["Station.ActiveRecipe"] == 1
        assert (await bench.part(1))["Result.Recipe"] == 1
        bench.camera.settings_fault = None
        bench.camera.unplugged.set()
        await bench.shows("Status.CameraLost", True)
        bench.camera.unplugged.clear()
        await bench.shows("Status.TriggerReady", True)
        assert bench.camera.settings == [SHORT, SHORT]


async def test_a_change_that_is_cut_short_leaves_no_camera_between_two_settings(tmp_path: Path) -> None:
    """Out of time while the camera is being set up: it is opened anew, as the recipe in force wants it."""
    bench = Bench(tmp_path, replace(SETTINGS, recipe_command_s=0.05))
    bench.outfitter.settings = {1: SHORT, 2: LONG}
    async with running(bench):
        await bench.enable()
        bench.camera.settling.clear()
        assert await order(bench, 1, 2) == 123
        bench.camera.settling.set()
        await bench.shows("Status.TriggerReady", True)
        assert bench["Station.ActiveRecipe"] == 1
        assert bench.camera.opened == 2
        assert bench.camera.settings == [SHORT, SHORT]


async def test_a_model_that_the_station_went_back_to_is_shown_until_another_is_chosen(bench: Bench) -> None:
    """Warning 150 stands while such a model judges, and parts are taken all the same."""
    bench.outfitter.retreated = True
    async with running(bench):
        await bench.enable()
        assert bench["Status.Warning"]
        assert bench["Station.WarningCode"] == 150
        assert (await bench.part(1))["Result.Verdict"] == Verdict.OK
        bench.outfitter.retreated = False
        assert await order(bench, 5) == 1
        assert bench["Station.WarningCode"] == 0


async def test_collecting_takes_samples_instead_of_judging(bench: Bench) -> None:
    """Command 3 makes the next n parts samples: verdict 6, not measured, handed over with their frame."""
    async with running(bench):
        await bench.enable()
        assert await order(bench, 3, 2) == 1
        verdicts = [(await bench.part(n))["Result.Verdict"] for n in (1, 2, 3)]
        assert verdicts == [Verdict.SAMPLE, Verdict.SAMPLE, Verdict.OK]
        assert len(bench.engine.seen) == 1
        await bench.until(lambda: len(bench.done) == 3)
        assert bench.done[0].frame is not None


async def test_the_threshold_changes_at_once(bench: Bench) -> None:
    """Command 7 with 1500 (0.15 of the scale) makes a score of 0.4 NG that 5000 let pass."""
    bench.engine.scores = [0.4]
    async with running(bench):
        await bench.enable()
        assert (await bench.part(1))["Result.Verdict"] == Verdict.OK
        assert await order(bench, 7, 1500) == 1
        assert (await bench.part(2))["Result.Verdict"] == Verdict.NG


async def test_commands_end_with_their_codes(bench: Bench) -> None:
    """Golden test, reload, activate, roll back: done, or the code of what stood in the way."""
    async with running(bench):
        await bench.enable()
        assert [await order(bench, command) for command in (2, 4, 5, 6)] == [1, 1, 1, 1]
        bench.reload_fault = ConfigurationError("line 3: unknown key")
        bench.outfitter.fault = PackageError("nothing to go back to")
        assert [await order(bench, command) for command in (2, 4, 5, 6)] == [110, 104, 110, 110]
        assert await order(bench, 150) == 120


async def test_a_command_out_of_time_leaves_the_old_state(tmp_path: Path) -> None:
    """Code 123, the recipe stays, and what the command was waiting for is cancelled."""
    bench = Bench(tmp_path, replace(SETTINGS, recipe_command_s=0.05))
    async with running(bench):
        await bench.enable()
        bench.outfitter.hold = asyncio.Event()
        assert await order(bench, 1, 2) == 123
        assert bench["Station.ActiveRecipe"] == 1


async def test_without_a_model_the_station_runs_and_says_why(bench: Bench) -> None:
    """Reason 5 and the error's code; selecting a recipe that has a model puts it right."""
    bench.outfitter.fault = PackageError("none installed")
    async with running(bench):
        bench.write()
        bench.write(trigger_enable=True)
        assert (bench["Status.OfflineReason"], bench["Status.ErrorCode"]) == (5, 110)
        bench.outfitter.fault = None
        assert await order(bench, 1, 1) == 1
        await bench.shows("Status.TriggerReady", True)


async def test_a_camera_refused_by_its_configuration_ends_the_start(bench: Bench) -> None:
    """An empty folder is not a lost camera: the start fails with the message."""
    bench.camera.refuses = ConfigurationError("the folder holds no image", remedy="put some there")
    with pytest.raises(ExceptionGroup) as group:
        await bench.station.run(bench.stop, 1)
    assert group.group_contains(ConfigurationError, match="no image")


async def test_an_unexpected_failure_ends_the_run(bench: Bench) -> None:
    """A bug in the engine is not turned into a verdict and lived with: the run ends with it."""
    bench.engine.fault = ZeroDivisionError("bug")  # type: ignore[assignment]
    task = asyncio.create_task(bench.station.run(bench.stop, 1, bench.started.set))
    await bench.started.wait()
    await bench.enable()
    bench.write(trigger_seq=1)
    with pytest.raises(ExceptionGroup) as group:
        await task
    assert group.group_contains(ZeroDivisionError)


async def test_stopping_finishes_the_part_in_hand(bench: Bench) -> None:
    """Asked to stop: Ready 0 at once, the part in flight still gets its verdict, is kept, then it ends."""
    task = asyncio.create_task(bench.station.run(bench.stop, 1, bench.started.set))
    await bench.started.wait()
    await bench.enable()
    bench.engine.power.clear()
    bench.write(trigger_seq=1)
    await bench.until(lambda: len(bench.engine.seen) == 1)
    bench.stop.set()
    await bench.shows("Status.TriggerReady", False)
    bench.write(trigger_seq=2)
    assert bench["Status.TriggerSeqRejected"] == 2
    bench.engine.power.set()
    await bench.shows("Result.Verdict", Verdict.OK)
    bench.write(result_ack_id=bench["Result.InspectionId"])
    await task
    assert len(bench.done) == 1


async def test_other_sources_get_their_own_answer(bench: Bench) -> None:
    """A trigger or command that is not the PLC's is answered to its caller."""
    async with running(bench):
        inspection = await bench.station.trigger(TriggerSource.HMI, serial=b"by hand")
        assert (inspection.judgement.verdict, inspection.trigger.serial) == (Verdict.OK, b"by hand")
        assert await bench.station.command(1, (2, 0, 0, 0)) == 1
        assert await bench.station.command(1, (9, 0, 0, 0)) == 103


async def test_a_step_that_fails_shows_as_an_error_until_it_works_again(bench: Bench) -> None:
    """A full disk after the answer: judging goes on, error 501 shows, and it can be cleared afterwards."""
    async with running(bench):
        await bench.enable()
        bench.step_fault = DiskFullError("no room")
        assert (await bench.part(1))["Result.Verdict"] == Verdict.OK
        await bench.shows("Status.ErrorCode", 501)
        bench.step_fault = None
        assert (await bench.part(2))["Result.Verdict"] == Verdict.OK
        await bench.until(lambda: len(bench.done) == 1)
        bench.write(clear_error=True)
        await bench.shows("Status.ErrorCode", 0)


async def test_the_heart_stops_with_the_engine_s_thread(bench: Bench) -> None:
    """The heartbeat steps on while camera, engine and loop turn, and stands still when one does not."""
    async with running(bench):
        before = bench["Status.Heartbeat"]
        bench.station._watchdog.turn()
        assert bench["Status.Heartbeat"] == before + 1
        bench.engine.living = False
        bench.station._watchdog.turn()
        bench.engine.living, bench.camera.living = True, False
        bench.station._watchdog.turn()
        assert bench["Status.Heartbeat"] == before + 1
        bench.camera.living = True
