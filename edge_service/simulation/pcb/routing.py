"""Traces between pads: straight runs and 45 degree bends that keep clear of everything else."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.simulation.exposure import SCENE_HEIGHT, SCENE_WIDTH
from edge_service.simulation.pcb.layout import Pad

Point = tuple[float, float]

_STEP = 2  # scene pixels per pixel of the sheet that tells what is taken
_WANTED = 260


@dataclass(frozen=True, slots=True)
class Trace:
    """A copper trace: corner points in scene pixels and its width."""

    points: tuple[Point, ...]
    width: float


@dataclass(frozen=True, slots=True)
class Route:
    """All traces and vias of the board."""

    traces: tuple[Trace, ...]
    vias: tuple[Point, ...]


def route(pads: tuple[Pad, ...]) -> Route:
    """Join pads to pads, or to a via, as long as there is room; always the same for the same pads."""
    rng = np.random.default_rng(11)
    taken = np.zeros((SCENE_HEIGHT // _STEP, SCENE_WIDTH // _STEP), np.uint8)
    for pad in pads:
        _block(taken, pad, 255)
    traces: list[Trace] = []
    vias: list[Point] = []
    for _ in range(4000):
        start = pads[int(rng.integers(len(pads)))]
        to_via = rng.uniform() < 0.22
        end = _free_spot(start, rng) if to_via else pads[int(rng.integers(len(pads)))]
        reach = abs(end.x - start.x) + abs(end.y - start.y)
        if not 30 < reach < 420:
            continue
        width = float(rng.choice([3.0, 3.0, 3.5, 6.0]))
        trace = _laid(taken, start, end, width)
        if trace is None:
            continue
        traces.append(trace)
        if to_via:
            vias.append((end.x, end.y))
        if len(traces) >= _WANTED:
            break
    return Route(tuple(traces), tuple(vias))


def _free_spot(start: Pad, rng: np.random.Generator) -> Pad:
    return Pad(
        float(np.clip(start.x + rng.uniform(-110, 110), 110, SCENE_WIDTH - 110)),
        float(np.clip(start.y + rng.uniform(-110, 110), 100, SCENE_HEIGHT - 100)),
        14,
        14,
    )


def _laid(taken: NDArray[np.uint8], start: Pad, end: Pad, width: float) -> Trace | None:
    """Return the first way from ``start`` to ``end`` that touches nothing, and mark it taken."""
    for pad in (start, end):
        _block(taken, pad, 0)
    for points in _ways((start.x, start.y), (end.x, end.y)):
        line = np.zeros_like(taken)
        corners = np.round(np.asarray(points) / _STEP).astype(np.int32)
        cv2.polylines(line, [corners], False, 255, max(1, round((width + 9) / _STEP)))
        if not np.any(line & taken):
            np.maximum(taken, line, out=taken)
            for pad in (start, end):
                _block(taken, pad, 255)
            return Trace(points, width)
    _block(taken, start, 255)
    if end.width != 14:
        _block(taken, end, 255)
    return None


def _ways(start: Point, end: Point) -> list[tuple[Point, ...]]:
    """Return ways with one slanted run: straight, slanted, straight; slant early or late."""
    across, down = end[0] - start[0], end[1] - start[1]
    slant = min(abs(across), abs(down))
    step = (np.sign(across) * slant, np.sign(down) * slant)
    rest = (across - step[0], down - step[1])
    ways: list[tuple[Point, ...]] = []
    for share in (0.0, 1.0, 0.5, 0.25, 0.75):
        first = (start[0] + rest[0] * share, start[1] + rest[1] * share)
        second = (first[0] + step[0], first[1] + step[1])
        ways.append((start, first, second, end))
    return ways


def _block(taken: NDArray[np.uint8], pad: Pad, value: int) -> None:
    corner = (round((pad.x - pad.width / 2 - 3) / _STEP), round((pad.y - pad.height / 2 - 3) / _STEP))
    other = (round((pad.x + pad.width / 2 + 3) / _STEP), round((pad.y + pad.height / 2 + 3) / _STEP))
    cv2.rectangle(taken, corner, other, value, -1)
