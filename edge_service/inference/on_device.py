"""A compiled graph on one device, and the choice of the variant that is fastest there and right.

::

    chosen = choose(runtime, "CPU", examine, known="int8")
    chosen.graph.score(pixels), chosen.trials
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_service.domain.inspection import RawScore
from edge_service.errors import OkngError, PackageError, ScoreNotFiniteError
from edge_service.inference.graph import CompiledGraph, Runtime
from edge_service.inference.preprocess import to_model_input
from edge_service.language import say

_WARM_UP_RUNS = 3
_ROUNDS = 15  # variants take turns, so that a machine that slows down slows all of them


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
        """Run a few even pictures, so that the first part does not pay for lazy set-up; resize one, too."""
        to_model_input(
            np.full((4 * self.height, 4 * self.width + 1, 3), 127, np.uint8), self.height, self.width
        )
        for _ in range(_WARM_UP_RUNS):
            self.time_ms()

    def time_ms(self) -> float:
        """Run an even grey picture and return how long it took, in milliseconds."""
        grey = np.full((1, self.height, self.width, 3), 127, np.uint8)
        began = time.perf_counter()
        self.compiled(grey)
        return (time.perf_counter() - began) * 1000.0


Examine = Callable[[GraphOnDevice], object]
"""Tries a device before it may judge; raises an OkngError when it may not."""


@dataclass(frozen=True, slots=True)
class Trial:
    """How one variant did. ``median_ms``: None when it was not timed; ``problem``: why it may not judge."""

    variant: str
    median_ms: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The variant that judges on a device, and what every variant tried there came to."""

    variant: str
    graph: GraphOnDevice
    trials: tuple[Trial, ...]


def choose(runtime: Runtime, device: str, examine: Examine | None, known: str = "") -> Chosen:
    """Return the fastest variant that passes ``examine`` on ``device``.

    ``known``: the variant that was fastest here before; where it still passes, the others are not tried.
    Raises what ruled the last variant out (a PackageError before an InferenceError).
    """
    variants = runtime.variants(device)
    if known in variants:
        try:
            return Chosen(known, _ready(runtime, device, known, examine), (Trial(known),))
        except OkngError:
            if variants == (known,):
                raise
    able: dict[str, GraphOnDevice] = {}
    problems: dict[str, OkngError] = {}
    for variant in variants:
        try:
            able[variant] = _ready(runtime, device, variant, examine)
        except OkngError as error:
            problems[variant] = error
    if not able:
        raise next((e for e in problems.values() if isinstance(e, PackageError)), [*problems.values()][-1])
    medians = _race(able) if len(able) > 1 else {}
    best = min(able, key=lambda variant: medians.get(variant, 0.0))
    failed = tuple(Trial(variant, problem=error.what) for variant, error in problems.items())
    return Chosen(best, able[best], (*(Trial(each, medians.get(each)) for each in able), *failed))


def _ready(runtime: Runtime, device: str, variant: str, examine: Examine | None) -> GraphOnDevice:
    candidate = GraphOnDevice(device, runtime.compile(device, variant), runtime.height, runtime.width)
    candidate.warm_up()
    if examine is not None:
        examine(candidate)
    return candidate


def _race(able: dict[str, GraphOnDevice]) -> dict[str, float]:
    times: dict[str, list[float]] = {variant: [] for variant in able}
    for _ in range(_ROUNDS):
        for variant, graph in able.items():
            times[variant].append(graph.time_ms())
    return {variant: round(float(np.median(taken)), 3) for variant, taken in times.items()}
