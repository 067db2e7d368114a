"""The engine: a frame in, raw score and raw anomaly map out, on the best device that works.

Devices are tried in the order given, and on each the fastest variant (``on_device.choose``) that passes
``examine``, the package's self-test. A device that is missing, cannot compile, does not pass, or fails later
on a frame is given up; the next takes over, the frame is tried again there, and ``fallback_reason`` says why.
So no device ever judges that was not examined. With ``retry_s`` the devices given up are tried again in the
background, at twice the distance each time; one that works and passes takes over between two frames.

``infer`` does its blocking work (resize, inference, changing devices) on one thread that the engine owns,
so the event loop stays free, and a caller that gives up waiting leaves nothing half-done.

::

    with OpenVinoEngine.load(graph.xml, graph.weights, devices=("GPU", "CPU")) as engine:
        raw = await engine.infer(frame)      # in the station
        raw = engine.score(pixels)           # in the trainer, in a self-test
"""

import threading
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import structlog
from numpy.typing import NDArray

from edge_service.domain.inspection import Frame, RawScore
from edge_service.errors import (
    BadImageError,
    InferenceError,
    OkngError,
    PackageError,
    ScoreNotFiniteError,
)
from edge_service.inference.graph import OpenVinoRuntime, Precision, Runtime
from edge_service.inference.on_device import Chosen, Examine, GraphOnDevice, choose
from edge_service.language import say
from edge_service.lifecycle import OwnedThread

__all__ = ["Examine", "GraphOnDevice", "Measurement", "OpenVinoEngine"]

log = structlog.get_logger()

_ALLOWANCE_S = 10.0  # for one frame, changing over to the next device included
_LONGEST_RETRY_S = 1800.0
_LAST_TRY_S = 10.0  # for a device that is being tried when the engine is closed


@dataclass(frozen=True, slots=True)
class Measurement:
    """How fast the engine is: ``runs`` pictures of the model's own size, resize included."""

    runs: int
    median_ms: float
    p99_ms: float
    device: str
    precision: str


class OpenVinoEngine:
    """Implements ``ports.Engine``. Build it with ``load``, or from a ``Runtime``; close it.

    Blocks while it compiles, measures and warms up (up to a minute on a GPU without cache). ``known``:
    device -> variant that is known to be the fastest there. Raises InferenceError when no device works, and
    what ``examine`` raised when that ruled the last one out.
    """

    def __init__(
        self,
        runtime: Runtime,
        devices: Sequence[str] = ("GPU", "CPU"),
        *,
        examine: Examine | None = None,
        known: Mapping[str, str] | None = None,
        retry_s: float = 0.0,
    ) -> None:
        self._runtime, self._devices = runtime, tuple(devices)
        self._examine, self._known, self._retry_s = examine, known or {}, retry_s
        self._reasons: dict[str, str] = {}
        self._one_at_a_time = threading.Lock()
        self._closing = threading.Event()
        self._comeback: threading.Thread | None = None
        self._in_use = self._first_from(0)
        self._thread = OwnedThread("inference")
        self._look_for_better()

    @classmethod
    def load(
        cls,
        xml: bytes,
        weights: bytes,
        *,
        int8: tuple[bytes, bytes] | None = None,
        allowed: tuple[str, ...] = (),
        devices: Sequence[str] = ("GPU", "CPU"),
        cache_folder: Path | None = None,
        precision: Precision = "auto",
        threads: int = 0,
        examine: Examine | None = None,
        known: Mapping[str, str] | None = None,
        retry_s: float = 0.0,
    ) -> Self:
        """Load an OpenVINO IR. ``threads``: most CPU threads, 0 = OpenVINO's choice.

        ``allowed``: the variants to choose the fastest of; none: the graph at ``precision``.
        Raises PackageError when the graph is none of ours, else like the class.
        """
        runtime = OpenVinoRuntime(
            xml,
            weights,
            int8=int8,
            allowed=allowed,
            cache_folder=cache_folder,
            precision=precision,
            threads=threads,
        )
        return cls(runtime, devices, examine=examine, known=known, retry_s=retry_s)

    @property
    def device(self) -> str:
        """The device in use: "GPU", "CPU"."""
        return self._in_use.graph.device

    @property
    def precision(self) -> str:
        """What the graph is executed in: "f32", "f16", "bf16", "int8"."""
        return self._in_use.graph.compiled.precision

    @property
    def chosen(self) -> Chosen:
        """The variant in use on the device in use, and what the others there came to."""
        return self._in_use

    @property
    def fallback_reason(self) -> str:
        """Why the devices before the one in use are not; empty when it is the first."""
        before = self._devices[: self._devices.index(self.device)]
        return "; ".join(f"{device}: {self._reasons[device]}" for device in before if device in self._reasons)

    def infer(self, frame: Frame) -> Awaitable[RawScore]:
        """Begin to measure a frame, without holding up the event loop, and return what to await.

        Raises BadImageError (304), ScoreNotFiniteError (403), InferenceError (401: every device failed).
        """
        return self._thread.begin(self._score_frame, frame, allowance_s=_ALLOWANCE_S)

    def _score_frame(self, frame: Frame) -> RawScore:
        try:
            pixels = frame.in_bgr().pixels
        except ValueError as error:
            raise BadImageError(
                say(f"the picture cannot be judged: {error}", f"图像无法判定：{error}"),
                remedy=say("set the camera to BGR8 or Mono8", "请将相机设置为 BGR8 或 Mono8"),
            ) from error
        return self.score(pixels)

    def score(self, pixels: NDArray[np.uint8]) -> RawScore:
        """Measure a picture (uint8, BGR or grey, any size); blocks. Raises like ``infer``."""
        with self._one_at_a_time:
            while True:
                try:
                    return self._in_use.graph.score(pixels)
                except ScoreNotFiniteError:
                    raise
                except InferenceError as error:
                    following = self._devices.index(self.device) + 1
                    if following == len(self._devices):
                        raise
                    self._reasons[self.device] = error.what
                    self._in_use = self._first_from(following)
                    log.warning("device_given_up", device=self.device, reasons=self.fallback_reason)
                    self._look_for_better()

    def measure(self, runs: int = 50) -> Measurement:
        """Time ``runs`` pictures one after the other; blocks."""
        pixels = np.full((self._runtime.height, self._runtime.width, 3), 127, np.uint8)
        times = [self.score(pixels).inference_ms for _ in range(runs)]
        return Measurement(
            runs, float(np.median(times)), float(np.percentile(times, 99)), self.device, self.precision
        )

    def alive(self) -> bool:
        """Return False when a frame has been on the device for longer than any device needs."""
        return self._thread.alive()

    def close(self) -> None:
        """Let the frame in hand finish and end the threads."""
        self._closing.set()
        self._thread.close()
        if (comeback := self._comeback) is not None:
            comeback.join(_LAST_TRY_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first_from(self, start: int) -> Chosen:
        """Return the first device from number ``start`` on that works and passes. Raises when none does."""
        ruled_out: PackageError | None = None
        for device in self._devices[start:]:
            try:
                return choose(self._runtime, device, self._examine, self._known.get(device, ""))
            except OkngError as error:
                self._reasons[device] = error.what
                ruled_out = error if isinstance(error, PackageError) else ruled_out
        if ruled_out is not None:
            raise ruled_out
        reasons = "; ".join(f"{device}: {reason}" for device, reason in self._reasons.items())
        raise InferenceError(
            say(
                f"no device can run the model: {reasons or 'no device is configured'}",
                f"没有设备能运行模型：{reasons or '未配置设备'}",
            ),
            remedy=say("okng-edge doctor tells what is missing", "okng-edge doctor 会指出缺少什么"),
        )

    def _look_for_better(self) -> None:
        """Try the devices before the one in use again from time to time, on a thread of its own."""
        if not self._retry_s or not self._devices.index(self.device):
            return
        if self._comeback is None:
            self._comeback = threading.Thread(target=self._try_again, name="device-retry", daemon=True)
            self._comeback.start()

    def _try_again(self) -> None:
        while not self._closing.wait(self._retry_s):
            self._retry_s = min(2 * self._retry_s, _LONGEST_RETRY_S)
            better = self._better()
            if better is not None:
                with self._one_at_a_time:
                    self._in_use = better
                    done = not self._devices.index(better.graph.device)
                    if done:
                        self._comeback = None
                log.info("device_back", device=better.graph.device, variant=better.variant)
                if done:
                    return

    def _better(self) -> Chosen | None:
        for device in self._devices[: self._devices.index(self.device)]:
            try:
                return choose(self._runtime, device, self._examine, self._known.get(device, ""))
            except OkngError as error:
                self._reasons[device] = error.what
        return None
