"""The bare board on its carrier: copper, solder mask, pads, vias and silkscreen. Drawn once and kept."""

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.simulation.exposure import SCENE_HEIGHT, SCENE_WIDTH
from edge_service.simulation.patch import Material, Patch, Plane
from edge_service.simulation.pcb.layout import (
    BOARD_HEIGHT,
    BOARD_WIDTH,
    FOOTPRINTS,
    LABELS,
    Pad,
    Placement,
    placements,
    size_of,
)
from edge_service.simulation.pcb.routing import Route, route
from edge_service.simulation.pcb.strokes import GOLD
from edge_service.simulation.shapes import bevel, disc, dome, fill, rounded_box
from edge_service.simulation.texture import cloud, grain, streaks, weave

GLUED = frozenset({"soic8", "soic16", "dpak", "electrolytic", "tantalum", "diode", "inductor", "button"})
LEFT, TOP = (SCENE_WIDTH - BOARD_WIDTH) // 2, (SCENE_HEIGHT - BOARD_HEIGHT) // 2
"""Where the board's corner lies in the scene."""

CARRIER = Material((216, 216, 214), gloss=0.30, polish=0.2, metal=0.3)
MASK_ON_COPPER = Material((46, 94, 24), gloss=0.16, polish=0.55)
MASK_ON_GLASS = Material((27, 60, 13), gloss=0.14, polish=0.55)
SILK = Material((212, 216, 214), gloss=0.06, polish=0.2)
GLUE = Material((36, 30, 196), gloss=0.25, polish=0.6)
HOLE = Material((18, 20, 20), gloss=0.0)

_ZOOM = 2  # copper and print are drawn this much larger


@cache
def bare_board() -> Patch:
    """Return the scene (768 x 1008) with carrier and unpopulated board. Never paint on it: copy first."""
    rng = np.random.default_rng(41)
    scene = Patch.empty(SCENE_WIDTH, SCENE_HEIGHT)
    x, y = scene_grid()
    scene.paint(np.ones_like(scene.coverage), CARRIER, -16.0)
    scene.tint(1 + 0.06 * streaks(rng, SCENE_WIDTH, SCENE_HEIGHT, length_px=61))
    middle_x, middle_y = LEFT + BOARD_WIDTH / 2, TOP + BOARD_HEIGHT / 2
    outline = rounded_box(x - middle_x, y - middle_y, BOARD_WIDTH, BOARD_HEIGHT, radius=20)
    scene.paint(fill(outline), MASK_ON_GLASS, -1.0 + bevel(outline, 1.0, 2))
    routes = route(_pads())
    copper = _copper(outline, routes)
    scene.paint(copper, MASK_ON_COPPER)
    scene.relief[..., 0] += 1.1 * cv2.GaussianBlur(copper, (0, 0), 1.0)
    inside = fill(outline)
    scene.tint(1 + inside * 0.045 * weave(SCENE_WIDTH, SCENE_HEIGHT, 7.0))
    scene.tint(1 + inside * 0.05 * grain(rng, SCENE_WIDTH, SCENE_HEIGHT, 3, 40, 160))
    scene.relief[..., 0] += inside * 0.10 * cloud(rng, SCENE_WIDTH, SCENE_HEIGHT, 5)
    edge = np.clip(1 - np.abs(outline + 1.5) / 2, 0, 1)
    scene.paint(edge * 0.8, Material((96, 150, 150), gloss=0.05))
    _print(scene)
    for via in routes.vias:
        _via(scene, *via)
    for pad in _pads():
        _pad(scene, pad)
    for part in placements():
        _glue(scene, part)
    _corners(scene)
    return scene


@cache
def scene_grid() -> tuple[Plane, Plane]:
    """Return x and y of every scene pixel, (768, 1008) each."""
    x, y = np.meshgrid(np.arange(SCENE_WIDTH, dtype=np.float32), np.arange(SCENE_HEIGHT, dtype=np.float32))
    return x, y


def on_board(placement: Placement, pad: Pad) -> Pad:
    """Return a pad of a placed component in scene coordinates."""
    quarter = (placement.angle_deg // 90) % 4
    x, y = pad.x, pad.y
    for _ in range(quarter):
        x, y = y, -x
    turned = quarter % 2 == 1
    width, height = (pad.height, pad.width) if turned else (pad.width, pad.height)
    return Pad(LEFT + placement.x + x, TOP + placement.y + y, width, height, drilled=pad.drilled)


@cache
def _pads() -> tuple[Pad, ...]:
    return tuple(on_board(part, pad) for part in placements() for pad in FOOTPRINTS[part.kind].pads)


def _copper(outline: Plane, routes: Route) -> Plane:
    """Return where copper lies under the mask: traces, and a ground pour that keeps clear of them."""
    sheet = np.zeros((SCENE_HEIGHT * _ZOOM, SCENE_WIDTH * _ZOOM), np.uint8)
    sheet[cv2.resize(outline, sheet.shape[::-1]) < -9] = 255
    for pad in _pads():
        _pad_outline(sheet, pad, 5, 0)
    for value, extra in ((0, 9), (255, 0)):
        for trace in routes.traces:
            points = np.round(np.asarray(trace.points) * _ZOOM).astype(np.int32)
            cv2.polylines(sheet, [points], False, value, round((trace.width + extra) * _ZOOM), cv2.LINE_AA)
    for via in routes.vias:
        cv2.circle(sheet, _zoomed(*via), round(10 * _ZOOM), 0, -1, cv2.LINE_AA)
        cv2.circle(sheet, _zoomed(*via), round(7 * _ZOOM), 255, -1, cv2.LINE_AA)
    return _reduced(sheet)


def _zoomed(x: float, y: float) -> tuple[int, int]:
    return round(x * _ZOOM), round(y * _ZOOM)


def _reduced(sheet: NDArray[np.uint8]) -> Plane:
    small = cv2.resize(sheet, (SCENE_WIDTH, SCENE_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)


def _pad_outline(sheet: NDArray[np.uint8], pad: Pad, extra: float, value: int) -> None:
    corner = _zoomed(pad.x - pad.width / 2 - extra, pad.y - pad.height / 2 - extra)
    other = _zoomed(pad.x + pad.width / 2 + extra, pad.y + pad.height / 2 + extra)
    cv2.rectangle(sheet, corner, other, value, -1)


def _local(scene: Patch, x: float, y: float, reach: float) -> tuple[Patch, Plane, Plane]:
    """Return a view of the scene around a point, with coordinates that count from the point."""
    rows, columns = slice(int(y - reach), int(y + reach) + 2), slice(int(x - reach), int(x + reach) + 2)
    across, down = scene_grid()
    view = Patch(scene.colour[rows, columns], scene.coverage[rows, columns], scene.relief[rows, columns])
    return view, across[rows, columns] - np.float32(x), down[rows, columns] - np.float32(y)


def _via(scene: Patch, x: float, y: float) -> None:
    view, across, down = _local(scene, x, y, 12)
    ring = disc(across, down, 6.5)
    view.paint(0.75 * fill(ring), Material((70, 128, 96), gloss=0.25, polish=0.5, metal=0.3))
    hole = disc(across, down, 3.0)
    view.paint(fill(hole), HOLE)
    view.relief[..., 0] -= bevel(hole, 5, 2)


def _pad(scene: Patch, pad: Pad) -> None:
    view, across, down = _local(scene, pad.x, pad.y, max(pad.width, pad.height) / 2 + 5)
    if pad.drilled:
        ring = disc(across, down, pad.width / 2 + 5)
        view.paint(fill(ring), GOLD, 1.0 + bevel(ring, 1.2, 2))
        hole = disc(across, down, pad.width * 0.28)
        view.paint(fill(hole), HOLE)
        view.relief[..., 0] -= bevel(hole, 8, 2)
        return
    opening = rounded_box(across, down, pad.width + 3, pad.height + 3, radius=2)
    view.paint(fill(opening), MASK_ON_GLASS, -0.4)
    shape = rounded_box(across, down, pad.width, pad.height, radius=2)
    view.paint(fill(shape), GOLD, 0.4 + dome(shape, 0.8, 4.0))


def _glue(scene: Patch, part: Placement) -> None:
    """Lay the dots of red adhesive that hold large surface-mounted components until they are soldered."""
    if part.kind not in GLUED:
        return
    for offset in (-13, 13):
        upright = part.angle_deg % 180 != 0
        x, y = (0, offset) if upright else (offset, 0)
        view, across, down = _local(scene, LEFT + part.x + x, TOP + part.y + y, 14)
        dot = disc(across, down, 9.5)
        view.paint(fill(dot), GLUE, dome(dot, 4.0, 9.5))


def _corners(scene: Patch) -> None:
    for x in (LEFT + 33, LEFT + BOARD_WIDTH - 33):
        for y in (TOP + 33, TOP + BOARD_HEIGHT - 33):
            view, across, down = _local(scene, x, y, 32)
            ring = disc(across, down, 27)
            view.paint(fill(ring), GOLD, 1.0 + bevel(ring, 0.8, 2))
            hole = disc(across, down, 16)
            view.paint(fill(hole), HOLE, -16.0)


def _print(scene: Patch) -> None:
    """Print outlines, designators, pin-1 marks and the board's name."""
    sheet = np.zeros((SCENE_HEIGHT * _ZOOM, SCENE_WIDTH * _ZOOM), np.uint8)
    for part in placements():
        _print_part(sheet, part)
    for label in LABELS:
        _write(sheet, label.words, LEFT + label.x, TOP + label.y, label.size, thick=label.size / 8)
    ink = cv2.GaussianBlur(_reduced(sheet), (0, 0), 0.5)
    rng = np.random.default_rng(3)
    worn = np.clip(0.93 + 0.05 * grain(rng, SCENE_WIDTH, SCENE_HEIGHT, 2, 6), 0, 1)
    scene.paint(np.asarray(ink * worn, np.float32), SILK)
    scene.relief[..., 0] += 0.5 * ink


def _print_part(sheet: NDArray[np.uint8], part: Placement) -> None:
    width, height = size_of(part)
    x, y = LEFT + part.x, TOP + part.y
    corner, other = (
        _zoomed(x - width / 2 - 4, y - height / 2 - 4),
        _zoomed(x + width / 2 + 4, y + height / 2 + 4),
    )
    small = max(width, height) < 70
    if not small:
        cv2.rectangle(sheet, corner, other, 255, round(1.2 * _ZOOM), cv2.LINE_AA)
    size = 9 if small else 12
    if small and part.angle_deg % 180 == 0:
        _write(sheet, part.reference, x, y - height / 2 - 11, size)
    elif not small:
        _write(sheet, part.reference, x - width / 2 + 14, y - height / 2 - 14, size)
    if part.kind in {"soic8", "soic16", "qfp", "electrolytic", "tantalum"}:
        cv2.circle(sheet, _zoomed(x - width / 2 - 10, y + height / 2 + 2), 3 * _ZOOM, 255, -1, cv2.LINE_AA)


def _write(
    sheet: NDArray[np.uint8], words: str, x: float, y: float, size_px: float, *, thick: float = 1.3
) -> None:
    scale = size_px * _ZOOM / 22
    (wide, tall), _ = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    origin = (round(x * _ZOOM - wide / 2), round(y * _ZOOM + tall / 2))
    cv2.putText(
        sheet, words, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, round(thick * _ZOOM * 0.8), cv2.LINE_AA
    )
