"""From trigger to answer: what is judged, what never is, and what comes after."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_service.domain.inspection import TriggerSource, Verdict
from edge_service.errors import (
    BadImageError,
    CameraError,
    DiskFullError,
    InferenceError,
    NoFrameError,
)
from edge_service.station import Done
from tests.support.station_bench import SETTINGS, Bench, running

pytestmark = pytest.mark.timeout(20)


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


async def test_collecting_takes_samples_instead_of_judging(bench: Bench) -> None:
    """Command 3 makes the next n parts samples: verdict 6, not measured, handed over with their frame."""
    async with running(bench):
        await bench.enable()
        assert await bench.order(3, 2) == 1
        verdicts = [(await bench.part(n))["Result.Verdict"] for n in (1, 2, 3)]
        assert verdicts == [Verdict.SAMPLE, Verdict.SAMPLE, Verdict.OK]
        assert len(bench.engine.seen) == 1
        await bench.until(lambda: len(bench.done) == 3)
        assert bench.done[0].frame is not None


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
