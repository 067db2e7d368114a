"""How the station begins, stops, and shows that it is alive."""

import asyncio

import pytest

from edge_service.domain.inspection import Verdict
from edge_service.errors import (
    ConfigurationError,
    PackageError,
)
from tests.support.station_bench import Bench, running

pytestmark = pytest.mark.timeout(20)


async def test_without_a_model_the_station_runs_and_says_why(bench: Bench) -> None:
    """Reason 5 and the error's code; selecting a recipe that has a model puts it right."""
    bench.outfitter.fault = PackageError("none installed")
    async with running(bench):
        bench.write()
        bench.write(trigger_enable=True)
        assert (bench["Status.OfflineReason"], bench["Status.ErrorCode"]) == (5, 110)
        bench.outfitter.fault = None
        assert await bench.order(1, 1) == 1
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
