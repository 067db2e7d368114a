"""The empty crate on the conveyor: rim, walls, dividers and floor, drawn level by level from below, once."""

from functools import cache

import cv2
import numpy as np

from edge_service.simulation.crate.perspective import MIDDLE_X, MIDDLE_Y, magnification
from edge_service.simulation.exposure import SCENE_HEIGHT, SCENE_WIDTH
from edge_service.simulation.patch import HEIGHT, Material, Patch, Plane
from edge_service.simulation.shapes import bevel, fill, rounded_box
from edge_service.simulation.texture import cloud, grain, streaks, weave

COLUMNS, ROWS, PITCH = 5, 4, 155.0
FLOOR, DIVIDER_TOP = -110.0, -34.0
_RIM = 31.0
_LEVELS = 17

PLASTIC = Material((126, 62, 30), gloss=0.10, polish=0.25)
BELT = Material((206, 212, 210), gloss=0.06, polish=0.2)
SHADED_BELT = Material((184, 186, 184), gloss=0.02)
GAP = Material((22, 22, 24), gloss=0.0)
LOGO = Material((206, 214, 216), gloss=0.10, polish=0.25)


def slots() -> tuple[tuple[float, float], ...]:
    """Return the middle of every bottle's cell in the rim's plane, row by row."""
    return tuple(
        (MIDDLE_X + (column - (COLUMNS - 1) / 2) * PITCH, MIDDLE_Y + (row - (ROWS - 1) / 2) * PITCH)
        for row in range(ROWS)
        for column in range(COLUMNS)
    )


@cache
def empty_crate() -> Patch:
    """Return the scene (768 x 1008) with the empty crate on its conveyor. Never paint on it: copy first."""
    rng = np.random.default_rng(51)
    scene = Patch.empty(SCENE_WIDTH, SCENE_HEIGHT)
    _conveyor(scene, rng)
    for height in np.linspace(FLOOR, 0.0, _LEVELS):
        _level(scene, float(height))
    _rim(scene)
    worn = grain(rng, SCENE_WIDTH, SCENE_HEIGHT, 3, 9, 60)
    moulded = np.clip((scene.relief[..., HEIGHT] - FLOOR) / 8, 0, 1)
    scene.tint(1 + 0.04 * worn * moulded)
    scene.relief[..., HEIGHT] += 0.10 * moulded * cloud(rng, SCENE_WIDTH, SCENE_HEIGHT, 4)
    return scene


def _conveyor(scene: Patch, rng: np.random.Generator) -> None:
    """Paint the belt under the crate: light fabric-backed PVC, soiled along the way it runs."""
    scene.paint(np.ones_like(scene.coverage), BELT, -150.0)
    soiled = grain(rng, SCENE_WIDTH, SCENE_HEIGHT, 3, 30, 140) + 0.8 * streaks(
        rng, SCENE_WIDTH, SCENE_HEIGHT, length_px=401
    )
    scene.tint(0.9 + 0.035 * soiled)
    scene.relief[..., HEIGHT] += 0.25 * weave(SCENE_WIDTH, SCENE_HEIGHT, 5.0)


def _from_middle(height: float) -> tuple[Plane, Plane]:
    """Return where each scene pixel lies in the plane at ``height``, relative to the crate's middle."""
    share = 1.0 / magnification(height)
    x = (np.arange(SCENE_WIDTH, dtype=np.float32) - np.float32(MIDDLE_X)) * np.float32(share)
    y = (np.arange(SCENE_HEIGHT, dtype=np.float32) - np.float32(MIDDLE_Y)) * np.float32(share)
    across, down = np.meshgrid(x, y)
    return across, down


def _inner(x: Plane, y: Plane) -> Plane:
    return rounded_box(x, y, COLUMNS * PITCH + 4, ROWS * PITCH + 4, radius=16)


def _outer(x: Plane, y: Plane) -> Plane:
    return rounded_box(x, y, COLUMNS * PITCH + 2 * _RIM, ROWS * PITCH + 2 * _RIM, radius=34)


def _level(scene: Patch, height: float) -> None:
    """Paint the cross-section at ``height``: floor lattice, dividers up to their top, walls all the way."""
    x, y = _from_middle(height)
    shade = 0.85 + 0.15 * (1 + height / -FLOOR)
    tone = tuple(channel * shade for channel in PLASTIC.colour)
    plastic = Material((tone[0], tone[1], tone[2]), gloss=0.08, polish=0.25)
    outer, inner = _outer(x, y), _inner(x, y)
    if height <= FLOOR:
        scene.paint(fill(inner), plastic, height)
        holes = _cell(x, 26.0, 15.0) * _cell(y, 26.0, 15.0) * fill(inner + 12)
        scene.paint(holes, SHADED_BELT, height - 15)
        return
    wall = np.maximum(outer, -inner)
    ribs = np.abs(np.mod(x, 39.25) - 19.6) - 3.0
    inside_rib = np.maximum(np.maximum(-(inner + 7), inner), ribs)
    scene.paint(fill(np.minimum(wall, inside_rib)), plastic, height)
    if height <= DIVIDER_TOP:
        thick = 4.5 if height < DIVIDER_TOP - 8 else 5.5
        bars = np.minimum(_divider(x, COLUMNS), _divider(y, ROWS)) - thick
        scene.paint(fill(np.maximum(bars, inner)), plastic, height)


def _cell(axis: Plane, pitch: float, width: float) -> Plane:
    return fill(np.asarray(np.abs(np.mod(axis, pitch) - pitch / 2) - width / 2, np.float32))


def _divider(axis: Plane, cells: int) -> Plane:
    """Return the distance to the nearest line between cells."""
    offset = axis + np.float32(0.0 if cells % 2 == 0 else PITCH / 2)
    return np.asarray(np.abs(offset - np.round(offset / PITCH) * PITCH), np.float32)


def _rim(scene: Patch) -> None:
    """Shape the rim: rounded edges, a groove along it, handles in the short sides and the raised name."""
    x, y = _from_middle(0.0)
    wall = np.maximum(_outer(x, y), -_inner(x, y))
    scene.paint(fill(wall), PLASTIC, -5.0 + bevel(wall, 5.0, 5))
    groove = np.abs(_outer(x, y) + _RIM / 2) - 5.0
    for side in (-1, 1):
        grip_x = x - side * (COLUMNS * PITCH / 2 + _RIM / 2)
        grip = rounded_box(grip_x, y, 17, 190, radius=8)
        scene.paint(fill(grip), GAP, -60.0)
        scene.relief[..., 0] += 2.0 * fill(np.abs(grip - 4) - 2.5)
        groove = np.maximum(groove, -(grip - 12))
    lettered = np.abs(x) < 150
    scene.relief[..., 0] -= bevel(groove, 2.2, 3) * ~lettered
    ink = _lettering()
    scene.paint(0.92 * ink, LOGO)
    scene.relief[..., 0] += 1.2 * cv2.GaussianBlur(ink, (0, 0), 0.8)


def _lettering() -> Plane:
    """Return the crate's name, printed on both long sides."""
    zoom = 2
    sheet = np.zeros((SCENE_HEIGHT * zoom, SCENE_WIDTH * zoom), np.uint8)
    for side in (-1, 1):
        y = MIDDLE_Y + side * (ROWS * PITCH / 2 + _RIM / 2 + 1)
        words = "OKNG  QUELLE"
        (wide, tall), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, 2.2, 4)
        origin = (round(MIDDLE_X * zoom - wide / 2), round(y * zoom + tall / 2))
        cv2.putText(sheet, words, origin, cv2.FONT_HERSHEY_SIMPLEX, 2.2, 255, 5, cv2.LINE_AA)
    small = cv2.resize(sheet, (SCENE_WIDTH, SCENE_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)
