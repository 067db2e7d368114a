"""The simulated camera: which part it shows, when its exposure begins, what it records."""

import asyncio
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge_service.camera import make_camera
from edge_service.camera.simulated import SimulatedCamera
from edge_service.config import SimulatedCamera as Section
from edge_service.config import parse
from edge_service.domain.inspection import CameraSettings
from edge_service.errors import ConfigurationError, NoFrameError
from edge_service.simulation import PlannedPart, RenderedPart

MASK = np.zeros((4, 4), bool)


def quick(part: PlannedPart) -> RenderedPart:
    """Render nothing: pixels that tell the seed."""
    return RenderedPart(
        np.full((4, 4, 3), part.seed % 251, np.uint8), MASK, part.product, part.defect, part.seed
    )


def section(**keys: object) -> Section:
    """Return a section with the keys given."""
    return Section.model_validate({"kind": "simulated", **keys})


async def test_exposure_begins_after_the_trigger_and_pixels_cannot_be_written():
    """A rendered frame is as fresh as a photograph, and says that it is simulated."""
    async with SimulatedCamera(section(), render=quick) as camera:
        after = time.monotonic()
        frame = await camera.grab(after, 5.0)
    assert frame.exposure_began >= after
    assert frame.exposure_ended >= frame.exposure_began
    assert frame.simulated
    assert not frame.pixels.flags.writeable


async def test_parts_come_in_order_without_repetition():
    """Each trigger shows the next part."""
    async with SimulatedCamera(section(seed=0), render=quick) as camera:
        seeds = [int((await camera.grab(0.0, 5.0)).pixels[0, 0, 0]) for _ in range(5)]
    assert seeds == [0, 1, 2, 3, 4]


async def test_the_product_follows_the_recipe(tmp_path: Path):
    """With products: the active recipe decides what comes by; the record tells what was shown."""
    recipe = [1]
    keys = {"products": {1: "pcb", 2: "crate"}, "record": "shown.jsonl"}
    camera = SimulatedCamera(section(**keys), tmp_path.joinpath, lambda: recipe[0], render=quick)
    async with camera:
        first = await camera.grab(0.0, 5.0)
        recipe[0] = 2
        await camera.grab(0.0, 5.0)
    shown = [json.loads(line) for line in (tmp_path / "shown.jsonl").read_text().splitlines()]
    assert [(line["product"], line["recipe"]) for line in shown] == [("pcb", 1), ("crate", 2)]
    assert shown[0]["captured_at"] == first.captured_at


async def test_a_full_disk_does_not_stop_the_record_camera(tmp_path: Path):
    """A record that cannot be written costs the record, not the frame."""
    camera = SimulatedCamera(section(record="."), lambda _: tmp_path, render=quick)
    async with camera:
        await camera.grab(0.0, 5.0)
        await camera.grab(0.0, 5.0)


async def test_pre_rendered_frames_are_shown_in_turn():
    """For benchmarks: nothing is rendered while the station runs."""
    rendered: list[int] = []

    def count(part: PlannedPart) -> RenderedPart:
        rendered.append(part.seed)
        return quick(part)

    async with SimulatedCamera(section(seed=0, pre_rendered=3), render=count) as camera:
        seeds = [int((await camera.grab(0.0, 5.0)).pixels[0, 0, 0]) for _ in range(6)]
    assert seeds == [0, 1, 2, 0, 1, 2]
    assert rendered == [0, 1, 2]


async def test_a_render_that_is_late_is_no_frame_and_the_part_comes_next():
    """The time-out holds, and the part that was late is shown to the next trigger."""
    gate = threading.Event()

    def slow(part: PlannedPart) -> RenderedPart:
        if part.seed == 1:
            gate.wait(10)
        return quick(part)

    async with SimulatedCamera(section(seed=0), render=slow) as camera:
        await camera.grab(0.0, 5.0)
        with pytest.raises(NoFrameError):
            await camera.grab(0.0, 0.01)
        gate.set()
        assert (await camera.grab(0.0, 5.0)).pixels[0, 0, 0] == 1


async def test_a_cancelled_grab_leaves_no_task():
    """Stopping the station in the middle of a part ends cleanly."""
    gate = threading.Event()

    def slow(part: PlannedPart) -> RenderedPart:
        if part.seed == 1:
            gate.wait(10)
        return quick(part)

    async with SimulatedCamera(section(seed=0), render=slow) as camera:
        await camera.grab(0.0, 5.0)
        grab = asyncio.create_task(camera.grab(0.0, 5.0))
        await asyncio.sleep(0)
        grab.cancel()
        with pytest.raises(asyncio.CancelledError):
            await grab
        gate.set()


async def test_a_broken_plan_stops_the_start(tmp_path: Path):
    """A plan that is none is told before the line runs."""
    camera = SimulatedCamera(section(plan="plan.json"), tmp_path.joinpath, render=quick)
    with pytest.raises(ConfigurationError):
        await camera.__aenter__()


async def test_the_configured_camera_renders_real_parts():
    """From YAML to pixels, with the real renderer."""
    config = parse(b"station: {id: a}\ncamera: {kind: simulated}\n", "edge.yaml", Path("/"))
    async with make_camera(config) as camera:
        frame = await camera.grab(0.0, 10.0)
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.ndim == 3
    assert frame.pixels.std() > 10


async def test_exposure_and_gain_make_parts_brighter_or_darker():
    """Half the nominal exposure halves every pixel, 6.02 dB double it again; the next frame has it."""
    async with SimulatedCamera(section(seed=100, pre_rendered=1), render=quick) as camera:
        rendered = int((await camera.grab(0.0, 5.0)).pixels[0, 0, 0])
        await camera.set_up(CameraSettings(exposure_us=5000.0))
        assert (await camera.grab(0.0, 5.0)).pixels[0, 0, 0] == rendered // 2
        await camera.set_up(CameraSettings(exposure_us=5000.0, gain=6.0206))
        frame = await camera.grab(0.0, 5.0)
        assert frame.pixels[0, 0, 0] == rendered
        assert not frame.pixels.flags.writeable
