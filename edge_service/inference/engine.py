"""The engine: a frame in, raw score and raw anomaly map out, on the best device that works.

Devices are tried in the order given. One that is missing, cannot compile, or fails later on a frame is
given up for this run, the next takes over, the frame is tried again there, and ``fallback_reason`` says
why. ``infer`` does its blocking work (resize, inference, compiling for the next device) on one thread that
the engine owns, so the event loop stays free, and a caller that gives up waiting leaves nothing half-done.

::

    with OpenVinoEngine.load(graph.xml, graph.weights, devices=("GPU", "CPU")) as engine:
        raw = await engine.infer(frame)      # in the station
        raw = engine.score(pixels)           # in the trainer, in a self-test
"""

import math
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from edge_service.domain.inspection import Frame, RawScore
from edge_service.errors import InferenceError, ScoreNotFiniteError
from edge_service.inference.graph import CompiledGraph, OpenVinoRuntime, Precision, Runtime
from edge_service.inference.preprocess import to_model_input
from edge_service.language import say
from edge_service.lifecycle import OwnedThread

_ALLOWANCE_S = 10.0  # for one frame, compiling for the next device included
_WARM_UP_RUNS = 3


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

    Blocks while it compiles and warms up (up to a minute on a GPU without cache). Raises InferenceError
    when no device works.
    """

    def __init__(self, runtime: Runtime, devices: Sequence[str] = ("GPU", "CPU")) -> None:
        self._runtime = runtime
        self._waiting = list(devices)
        self._reasons: list[str] = []
        self._device = ""
        self._compiled: CompiledGraph | None = None
        self._one_at_a_time = threading.Lock()
        self._next_device()
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
    ) -> Self:
        """Load an OpenVINO IR. ``threads``: most CPU threads, 0 = OpenVINO's choice.

        Raises PackageError when the graph is none of ours, InferenceError when no device works.
        """
        runtime = OpenVinoRuntime(
            xml, weights, cache_folder=cache_folder, precision=precision, threads=threads
        )
        return cls(runtime, devices)

    @property
    def device(self) -> str:
        """The device in use: "GPU", "CPU"."""
        return self._device

    @property
    def fallback_reason(self) -> str:
        """Why the first device of the order is not in use; empty when it is."""
        return "; ".join(self._reasons)

    @property
    def precision(self) -> str:
        """What the graph is executed in: "f32", "f16", "bf16"."""
        return self._compiled.precision if self._compiled else ""

    async def infer(self, frame: Frame) -> RawScore:
        """Measure a frame without holding up the event loop.

        Raises BadImageError (304), ScoreNotFiniteError (403), InferenceError (401: every device failed).
        """
        return await self._thread.call(self.score, frame.pixels, allowance_s=_ALLOWANCE_S)

    def score(self, pixels: NDArray[np.uint8]) -> RawScore:
        """Measure a picture (uint8, BGR or grey, any size); blocks. Raises like ``infer``."""
        with self._one_at_a_time:
            return self._measured(pixels)

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

    def _measured(self, pixels: NDArray[np.uint8]) -> RawScore:
        """Resize, infer, check."""
        began = time.perf_counter()
        image = to_model_input(pixels, self._runtime.height, self._runtime.width)
        score, anomaly_map = self._infer_somewhere(image)
        if not (math.isfinite(score) and np.isfinite(anomaly_map).all()):
            raise ScoreNotFiniteError(
                say("the model's score is not a number", "模型输出的分数不是有限数"),
                remedy=say(
                    "look at the frame; if it is a normal picture: okng-edge model rollback",
                    "请查看该帧图像；若图像正常，请执行 okng-edge model rollback",
                ),
            )
        anomaly_map.flags.writeable = False
        return RawScore(score, anomaly_map, (time.perf_counter() - began) * 1000.0, self._device)

    def _infer_somewhere(self, image: NDArray[np.uint8]) -> tuple[float, NDArray[np.float32]]:
        """Infer on the device in use; when it fails, give it up and go on with the next."""
        while True:
            if self._compiled is None:
                self._next_device()
            assert self._compiled is not None
            try:
                return self._compiled(image)
            except InferenceError as error:
                self._reasons.append(f"{self._device}: {error.what}")
                if not self._waiting:
                    raise
                self._compiled = None

    def _next_device(self) -> None:
        """Compile for the next device that works and warm it up. Raises InferenceError when none is left."""
        blank = np.full((1, self._runtime.height, self._runtime.width, 3), 127, np.uint8)
        while self._waiting:
            device = self._waiting.pop(0)
            try:
                compiled = self._runtime.compile(device)
                for _ in range(_WARM_UP_RUNS):
                    compiled(blank)
            except InferenceError as error:
                self._reasons.append(f"{device}: {error.what}")
                continue
            self._device, self._compiled = device, compiled
            return
        raise InferenceError(
            say(
                f"no device can run the model: {self.fallback_reason or 'no device is configured'}",
                f"没有设备能运行模型：{self.fallback_reason or '未配置设备'}",
            ),
            remedy=say("okng-edge doctor tells what is missing", "okng-edge doctor 会指出缺少什么"),
        )
