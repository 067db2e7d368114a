"""The engine: a frame in, raw score and raw anomaly map out, on the best device that works.

Devices are tried in the order given. One that is missing, cannot compile, does not pass ``examine`` (the
package's self-test), or fails later on a frame is given up for this run; the next takes over, the frame is
tried again there, and ``fallback_reason`` says why. So no device ever judges that was not examined.

``infer`` does its blocking work (resize, inference, changing devices) on one thread that the engine owns,
so the event loop stays free, and a caller that gives up waiting leaves nothing half-done.

::

    with OpenVinoEngine.load(graph.xml, graph.weights, devices=("GPU", "CPU")) as engine:
        raw = await engine.infer(frame)      # in the station
        raw = engine.score(pixels)           # in the trainer, in a self-test
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_service.domain.inspection import Frame, RawScore
from edge_service.errors import InferenceError, OkngError, PackageError, ScoreNotFiniteError
from edge_service.inference.graph import CompiledGraph, OpenVinoRuntime, Precision, Runtime
from edge_service.inference.preprocess import to_model_input
from edge_service.language import say
from edge_service.lifecycle import OwnedThread

_ALLOWANCE_S = 10.0  # for one frame, changing over to the next device included
_WARM_UP_RUNS = 3


@dataclass(frozen=True, slots=True)
class Measurement:
    """How fast the engine is: ``runs`` pictures of the model's own size, resize included."""

    runs: int
    median_ms: float
    p99_ms: float
    device: str
    precision: str


@dataclass(frozen=True, slots=True)
class GraphOnDevice:
    """A compiled graph and the pictures it takes; one call at a time."""

    device: str
    compiled: CompiledGraph
    height: int
    width: int

    def score(self, pixels: NDArray[np.uint8]) -> RawScore:
        """Resize, infer, check. Raises BadImageError, InferenceError, ScoreNotFiniteError."""
        began = time.perf_counter()
        score, anomaly_map = self.compiled(to_model_input(pixels, self.height, self.width))
        if not (math.isfinite(score) and np.isfinite(anomaly_map).all()):
            raise ScoreNotFiniteError(
                say("the model's score is not a number", "模型输出的分数不是有限数"),
                remedy=say(
                    "look at the frame; if it is a normal picture: okng-edge model rollback",
                    "请查看该帧图像；若图像正常，请执行 okng-edge model rollback",
                ),
            )
        anomaly_map.flags.writeable = False
        return RawScore(score, anomaly_map, (time.perf_counter() - began) * 1000.0, self.device)

    def warm_up(self) -> None:
        """Run a few even pictures, so that the first part does not pay for lazy set-up."""
        grey = np.full((1, self.height, self.width, 3), 127, np.uint8)
        for _ in range(_WARM_UP_RUNS):
            self.compiled(grey)


Examine = Callable[[GraphOnDevice], object]
"""Tries a device before it may judge; raises an OkngError when it may not."""


class OpenVinoEngine:
    """Implements ``ports.Engine``. Build it with ``load``, or from a ``Runtime``; close it.

    Blocks while it compiles and warms up (up to a minute on a GPU without cache). Raises InferenceError
    when no device works, and what ``examine`` raised when that ruled the last one out.
    """

    def __init__(
        self, runtime: Runtime, devices: Sequence[str] = ("GPU", "CPU"), *, examine: Examine | None = None
    ) -> None:
        self._runtime = runtime
        self._examine = examine
        self._waiting = list(devices)
        self._reasons: list[str] = []
        self._one_at_a_time = threading.Lock()
        self._in_use = self._next_device()
        self._thread = OwnedThread("inference")

    @classmethod
    def load(
        cls,
        xml: bytes,
        weights: bytes,
        *,
        devices: Sequence[str] = ("GPU", "CPU"),
        cache_folder: Path | None = None,
        precision: Precision = "auto",
        threads: int = 0,
        examine: Examine | None = None,
    ) -> Self:
        """Load an OpenVINO IR. ``threads``: most CPU threads, 0 = OpenVINO's choice.

        Raises PackageError when the graph is none of ours, else like the class.
        """
        runtime = OpenVinoRuntime(
            xml, weights, cache_folder=cache_folder, precision=precision, threads=threads
        )
        return cls(runtime, devices, examine=examine)

    @property
    def device(self) -> str:
        """The device in use: "GPU", "CPU"."""
        return self._in_use.device

    @property
    def precision(self) -> str:
        """What the graph is executed in: "f32", "f16", "bf16"."""
        return self._in_use.compiled.precision

    @property
    def fallback_reason(self) -> str:
        """Why the devices before the one in use are not; empty when it is the first."""
        return "; ".join(self._reasons)

    async def infer(self, frame: Frame) -> RawScore:
        """Measure a frame without holding up the event loop.

        Raises BadImageError (304), ScoreNotFiniteError (403), InferenceError (401: every device failed).
        """
        return await self._thread.call(self.score, frame.pixels, allowance_s=_ALLOWANCE_S)

    def score(self, pixels: NDArray[np.uint8]) -> RawScore:
        """Measure a picture (uint8, BGR or grey, any size); blocks. Raises like ``infer``."""
        with self._one_at_a_time:
            while True:
                try:
                    return self._in_use.score(pixels)
                except ScoreNotFiniteError:
                    raise
                except InferenceError as error:
                    if not self._waiting:
                        raise
                    self._reasons.append(f"{self.device}: {error.what}")
                    self._in_use = self._next_device()

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
        """Let the frame in hand finish and end the thread."""
        self._thread.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _next_device(self) -> GraphOnDevice:
        """Return the next device that works and passes. Raises when none is left."""
        ruled_out: PackageError | None = None
        while self._waiting:
            device = self._waiting.pop(0)
            try:
                compiled = self._runtime.compile(device)
                candidate = GraphOnDevice(device, compiled, self._runtime.height, self._runtime.width)
                candidate.warm_up()
                if self._examine is not None:
                    self._examine(candidate)
            except OkngError as error:
                self._reasons.append(f"{device}: {error.what}")
                ruled_out = error if isinstance(error, PackageError) else ruled_out
            else:
                return candidate
        if ruled_out is not None:
            raise ruled_out
        raise InferenceError(
            say(
                f"no device can run the model: {self.fallback_reason or 'no device is configured'}",
                f"没有设备能运行模型：{self.fallback_reason or '未配置设备'}",
            ),
            remedy=say("okng-edge doctor tells what is missing", "okng-edge doctor 会指出缺少什么"),
        )
