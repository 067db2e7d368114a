"""What goes wrong with a crate: missing bottle, wrong cap, foreign object, dirt.

Each returns the finished scene and the region that is wrong (0..1, as large as the scene).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from edge_service.simulation.crate.bottle import DESIGNS
from edge_service.simulation.crate.box import COLUMNS, PITCH, ROWS
from edge_service.simulation.crate.filling import OPEN, build, stand_all
from edge_service.simulation.crate.objects import OBJECTS
from edge_service.simulation.crate.perspective import MIDDLE_X, MIDDLE_Y
from edge_service.simulation.patch import Material, Patch, Plane, covered, place
from edge_service.simulation.shapes import fill, smoothstep
from edge_service.simulation.texture import cloud, grain

Scene = tuple[Patch, Plane]

_SOIL = Material((34, 56, 84), gloss=0.03, polish=0.1)


def good(part: np.random.Generator, _defect: np.random.Generator) -> Scene:
    """Return a crate with nothing wrong."""
    scene = build(stand_all(part), part)
    return scene, np.zeros_like(scene.coverage)


def missing_bottle(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a crate with one empty cell."""
    bottles = stand_all(part)
    lost = bottles.pop(int(defect.integers(len(bottles))))
    scene = build(bottles, part)
    return scene, lost.outline(_shape(scene))


def wrong_cap(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a crate with another brand's cap, or none, on one bottle."""
    bottles = stand_all(part)
    index = int(defect.integers(len(bottles)))
    other = str(defect.choice([OPEN, *(design for design in DESIGNS if design != "crown")]))
    bottles[index] = replace(bottles[index], design=other)
    scene = build(bottles, part)
    return scene, bottles[index].cap_outline(_shape(scene))


def foreign_object(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a crate with something dropped on the bottles."""
    scene = build(stand_all(part), part)
    thing = OBJECTS[str(defect.choice(tuple(OBJECTS)))]()
    x, y = _spot(defect)
    turn = float(defect.uniform(0, 360))
    place(scene, thing, x, y, angle_deg=turn)
    return scene, covered(_shape(scene), thing, x, y, angle_deg=turn)


def dirt(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a crate splashed with mud: one cake with drops around it."""
    scene = build(stand_all(part), part)
    height, width = scene.coverage.shape
    x, y = _spot(defect)
    across, down = np.meshgrid(
        np.arange(width, dtype=np.float32) - x, np.arange(height, dtype=np.float32) - y
    )
    reach = defect.uniform(42, 68)
    ragged = (
        np.hypot(across, down) / reach
        + 0.30 * cloud(defect, width, height, 22)
        + 0.12 * cloud(defect, width, height, 7)
    )
    cake = smoothstep(-0.06, 0.06, np.asarray(1 - ragged, np.float32))
    for _ in range(int(defect.integers(4, 9))):
        turn, far, size = defect.uniform(0, 2 * np.pi), reach * defect.uniform(1.1, 1.7), defect.uniform(3, 8)
        drop = np.hypot(across - far * np.cos(turn), down - far * np.sin(turn)) - size
        cake = np.maximum(cake, fill(np.asarray(drop, np.float32)))
    scene.paint(np.asarray(cake * 0.93, np.float32), _SOIL)
    scene.relief[..., 0] += cake * np.asarray(1.6 + 0.8 * cloud(defect, width, height, 4), np.float32)
    scene.tint(np.asarray(1 + 0.16 * cake * grain(defect, width, height, 2, 6, 15), np.float32))
    return scene, np.asarray(cake, np.float32)


DEFECTS: dict[str, Callable[[np.random.Generator, np.random.Generator], Scene]] = {
    "missing_bottle": missing_bottle,
    "wrong_cap": wrong_cap,
    "foreign_object": foreign_object,
    "dirt": dirt,
}


def _spot(rng: np.random.Generator) -> tuple[float, float]:
    """Return a place well inside the crate."""
    return (
        MIDDLE_X + float(rng.uniform(-0.42, 0.42)) * COLUMNS * PITCH,
        MIDDLE_Y + float(rng.uniform(-0.40, 0.40)) * ROWS * PITCH,
    )


def _shape(scene: Patch) -> tuple[int, int]:
    return scene.coverage.shape[0], scene.coverage.shape[1]
