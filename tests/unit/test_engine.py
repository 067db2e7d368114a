"""The engine on a runtime of plain Python: device order, fallback, bad numbers, one frame at a time."""

import asyncio
import math
import threading
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from edge_service.domain.inspection import Frame
from edge_service.errors import BadImageError, InferenceError, ScoreNotFiniteError, SelfTestError
from edge_service.inference.engine import GraphOnDevice, OpenVinoEngine

GREY = np.full((16, 16, 3), 128, np.uint8)
WHITE = np.full((16, 16, 3), 255, np.uint8)
Behaviour = Callable[[NDArray[np.uint8]], float]


class FakeGraph:
    """Scores as its behaviour says."""

    precision = "f32"

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour

    def __call__(self, image: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
        """Return the behaviour's score and a map full of it."""
        score = self.behaviour(image)
        return score, np.full((2, 2), score, np.float32)


class FakeRuntime:
    """Devices by name; a device that is not listed cannot compile. ``GPU_int8`` is a variant of the GPU."""

    height = 16
    width = 16

    def __init__(self, **devices: Behaviour) -> None:
        self.devices = devices
        self.compiled: list[str] = []

    def variants(self, device: str) -> tuple[str, ...]:
        """Return the device's variants, "auto" where none is listed."""
        found = [name.partition("_")[2] for name in self.devices if name.startswith(f"{device}_")]
        return tuple(found) or ("auto",)

    def compile(self, device: str, variant: str) -> FakeGraph:
        """Return the device's graph."""
        name = device if variant == "auto" else f"{device}_{variant}"
        self.compiled.append(name)
        if name not in self.devices:
            raise InferenceError(f"there is no {device}")
        return FakeGraph(self.devices[name])


def brightness(image: NDArray[np.uint8]) -> float:
    """Score by brightness."""
    return float(image.mean()) / 255.0


def broken_on(value: int) -> Behaviour:
    """Return a behaviour that fails on pictures of one brightness."""

    def behave(image: NDArray[np.uint8]) -> float:
        if image[0, 0, 0, 0] == value:
            raise InferenceError("the driver said no")
        return brightness(image)

    return behave


def slowly(image: NDArray[np.uint8]) -> float:
    """Score by brightness, but take longer over it."""
    threading.Event().wait(0.003)
    return brightness(image)


def frame(pixels: NDArray[np.uint8]) -> Frame:
    """Return a frame of these pixels."""
    return Frame(pixels, 0.0, 0.0, 0.0, "test")


def test_the_first_device_that_works_is_used():
    """In order, with no fallback to tell of, and nothing else is compiled."""
    runtime = FakeRuntime(GPU=brightness, CPU=brightness)
    with OpenVinoEngine(runtime, ("GPU", "CPU")) as engine:
        assert (engine.device, engine.fallback_reason, runtime.compiled) == ("GPU", "", ["GPU"])


def test_a_missing_device_falls_back_and_says_why():
    """A GPU that is not there leaves the CPU, and the reason names the GPU."""
    with OpenVinoEngine(FakeRuntime(CPU=brightness), ("GPU", "CPU")) as engine:
        assert engine.device == "CPU"
        assert engine.fallback_reason == "GPU: there is no GPU"


def test_a_device_that_fails_its_warm_up_is_not_used():
    """A device that compiles but cannot run is found out before the first part."""
    with OpenVinoEngine(FakeRuntime(GPU=broken_on(127), CPU=brightness), ("GPU", "CPU")) as engine:
        assert engine.device == "CPU"
        assert "the driver said no" in engine.fallback_reason


def test_a_failure_on_a_frame_moves_that_frame_to_the_next_device():
    """The part in hand is still judged, on the next device, and the engine stays there."""
    with OpenVinoEngine(FakeRuntime(GPU=broken_on(255), CPU=brightness), ("GPU", "CPU")) as engine:
        assert engine.score(GREY).device == "GPU"
        raw = engine.score(WHITE)
        assert (raw.score, raw.device) == (1.0, "CPU")
        assert engine.score(GREY).device == "CPU"
        assert engine.fallback_reason == "GPU: the driver said no"


def only_on(*devices: str) -> Callable[[GraphOnDevice], None]:
    """Return an examination that these devices pass."""

    def examine(candidate: GraphOnDevice) -> None:
        if candidate.score(GREY).device not in devices:
            raise SelfTestError("golden/good-1.png: expected 0.5, got 0.7")

    return examine


def test_a_device_that_fails_its_examination_does_not_judge():
    """A GPU that disagrees with the server leaves the CPU, and the reason says what it got."""
    runtime = FakeRuntime(GPU=brightness, CPU=brightness)
    with OpenVinoEngine(runtime, ("GPU", "CPU"), examine=only_on("CPU")) as engine:
        assert engine.device == "CPU"
        assert engine.fallback_reason == "GPU: golden/good-1.png: expected 0.5, got 0.7"


def test_a_device_is_examined_before_it_takes_over():
    """When the device in use fails on a frame, one that disagrees with the server does not judge instead."""
    runtime = FakeRuntime(GPU=broken_on(255), NPU=brightness, CPU=brightness)
    with OpenVinoEngine(runtime, ("GPU", "NPU", "CPU"), examine=only_on("GPU", "CPU")) as engine:
        assert engine.score(WHITE).device == "CPU"
        assert "NPU: golden/good-1.png" in engine.fallback_reason


def test_when_no_device_passes_the_examination_that_is_the_error():
    """A self-test failed on the last device is reported as such, with its own code."""
    with pytest.raises(SelfTestError):
        OpenVinoEngine(FakeRuntime(CPU=brightness), ("GPU", "CPU"), examine=only_on())


async def test_a_failed_change_of_device_leaves_the_engine_usable():
    """When the next device fails too, that frame fails, and the frames after it are judged again."""
    with OpenVinoEngine(FakeRuntime(GPU=broken_on(255)), ("GPU", "CPU")) as engine:
        with pytest.raises(InferenceError):
            await engine.infer(frame(WHITE))
        assert (await engine.infer(frame(GREY))).device == "GPU"


def test_no_device_at_all_is_an_error_that_lists_every_reason():
    """Each device of the order is named with what it lacked."""
    with pytest.raises(InferenceError, match="GPU: there is no GPU; CPU: there is no CPU"):
        OpenVinoEngine(FakeRuntime(), ("GPU", "CPU"))
    with pytest.raises(InferenceError, match="no device is configured"):
        OpenVinoEngine(FakeRuntime(), ())


def test_a_failure_on_the_last_device_is_that_frames_error_alone():
    """With nothing to fall back to, the frame fails and the next one is judged again."""
    with OpenVinoEngine(FakeRuntime(CPU=broken_on(255)), ("CPU",)) as engine:
        with pytest.raises(InferenceError, match="the driver said no"):
            engine.score(WHITE)
        assert engine.score(GREY).device == "CPU"


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_refused(number: float):
    """NaN and infinities never leave the engine: code 403, and no device is given up for it."""
    behaviour: Behaviour = lambda image: number if image[0, 0, 0, 0] == 255 else 0.5  # noqa: E731
    with OpenVinoEngine(FakeRuntime(GPU=behaviour, CPU=brightness), ("GPU", "CPU")) as engine:
        with pytest.raises(ScoreNotFiniteError) as refused:
            engine.score(WHITE)
        assert refused.value.code == 403
        assert engine.device == "GPU"


async def test_the_event_loop_stays_free_while_a_frame_is_judged():
    """A frame that waits on its device for ever does not keep the loop from turning."""
    go = threading.Event()

    def behave(image: NDArray[np.uint8]) -> float:
        if image[0, 0, 0, 0] == 255:
            go.wait()
        return brightness(image)

    with OpenVinoEngine(FakeRuntime(CPU=behave), ("CPU",)) as engine:
        judging = asyncio.ensure_future(engine.infer(frame(WHITE)))
        for _ in range(100):
            await asyncio.sleep(0)
        assert not judging.done()
        go.set()
        assert (await judging).score == 1.0


async def test_frames_run_one_at_a_time_from_wherever_they_come():
    """Frames from the loop and from threads never meet on the device."""
    inside = threading.Semaphore(1)

    def behave(image: NDArray[np.uint8]) -> float:
        assert inside.acquire(blocking=False), "two frames on the device"
        try:
            return brightness(image)
        finally:
            inside.release()

    with OpenVinoEngine(FakeRuntime(CPU=behave), ("CPU",)) as engine:
        waiting = [engine.infer(frame(GREY)) for _ in range(20)]
        waiting += [asyncio.to_thread(engine.score, GREY) for _ in range(20)]
        results = await asyncio.gather(*waiting)
        assert len(results) == 40


async def test_giving_up_on_a_frame_does_not_spoil_the_next():
    """A caller whose time is over leaves; the next frame gets its own answer."""
    go = threading.Event()

    def behave(image: NDArray[np.uint8]) -> float:
        if image[0, 0, 0, 0] == 255:
            go.wait()
        return brightness(image)

    with OpenVinoEngine(FakeRuntime(CPU=behave), ("CPU",)) as engine:
        late = asyncio.ensure_future(engine.infer(frame(WHITE)))
        await asyncio.sleep(0)
        late.cancel()
        go.set()
        assert (await engine.infer(frame(GREY))).score == pytest.approx(128 / 255)
        with pytest.raises(asyncio.CancelledError):
            await late


async def test_a_picture_that_is_none_is_refused_where_it_was_asked():
    """BadImageError comes out of infer as it comes out of score, and no device is given up for it."""
    with OpenVinoEngine(FakeRuntime(GPU=brightness, CPU=brightness), ("GPU", "CPU")) as engine:
        with pytest.raises(BadImageError):
            await engine.infer(frame(np.zeros((0, 0, 3), np.uint8)))
        assert engine.device == "GPU"


def test_measuring_gives_a_median_and_a_tail():
    """A measurement says how many runs, on which device, in which precision."""
    with OpenVinoEngine(FakeRuntime(CPU=brightness), ("CPU",)) as engine:
        measured = engine.measure(20)
    assert (measured.runs, measured.device, measured.precision) == (20, "CPU", "f32")
    assert 0.0 < measured.median_ms <= measured.p99_ms


def test_the_fastest_variant_that_passes_is_chosen_and_the_others_are_told():
    """Variants are measured in turns; one that does not pass is out however fast it is."""
    runtime = FakeRuntime(CPU_int8=lambda _: 0.9, CPU_bf16=brightness, CPU_f32=slowly)

    def examine(candidate: GraphOnDevice) -> None:
        if candidate.score(GREY).score > 0.8:
            raise SelfTestError("golden/good-1.png: expected 0.5, got 0.9")

    with OpenVinoEngine(runtime, ("CPU",), examine=examine) as engine:
        trials = {trial.variant: trial for trial in engine.chosen.trials}
    assert engine.chosen.variant == "bf16"
    assert trials["int8"].problem == "golden/good-1.png: expected 0.5, got 0.9"
    assert (trials["bf16"].median_ms or 0) < (trials["f32"].median_ms or 0)


def test_a_variant_known_to_be_the_fastest_is_taken_without_measuring():
    """Only it is compiled; where it no longer works all are tried again."""
    runtime = FakeRuntime(CPU_int8=brightness, CPU_f32=brightness)
    with OpenVinoEngine(runtime, ("CPU",), known={"CPU": "f32"}) as engine:
        assert (engine.chosen.variant, runtime.compiled) == ("f32", ["CPU_f32"])
    runtime = FakeRuntime(CPU_int8=brightness, CPU_f32=broken_on(127))
    with OpenVinoEngine(runtime, ("CPU",), known={"CPU": "f32"}) as engine:
        assert engine.chosen.variant == "int8"


def test_a_device_that_works_again_takes_over_in_the_background():
    """A GPU that failed on a frame is examined again later and judges from then on; the warning goes."""
    runtime = FakeRuntime(GPU=broken_on(255), CPU=brightness)
    examined = threading.Event()

    def examine(candidate: GraphOnDevice) -> None:
        if candidate.device == "GPU" and runtime.compiled.count("GPU") > 1:
            examined.set()

    with OpenVinoEngine(runtime, ("GPU", "CPU"), examine=examine, retry_s=0.01) as engine:
        assert engine.score(WHITE).device == "CPU"
        assert engine.fallback_reason
        runtime.devices["GPU"] = brightness
        assert examined.wait(10)
        for _ in range(1000):
            if not engine.fallback_reason:
                break
            threading.Event().wait(0.01)
        assert (engine.score(WHITE).device, engine.fallback_reason) == ("GPU", "")


def test_an_engine_on_its_first_device_looks_for_none():
    """No thread wakes up for nothing."""
    with OpenVinoEngine(FakeRuntime(GPU=brightness, CPU=brightness), ("GPU", "CPU"), retry_s=30.0) as engine:
        assert engine._comeback is None
