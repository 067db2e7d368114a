"""What goes wrong on a board: missing, shifted, rotated or wrong component, solder bridge, scratch.

Each returns the finished scene and the region that is wrong (0..1, as large as the scene).
"""

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from edge_service.simulation.patch import Material, Patch, Plane
from edge_service.simulation.pcb.assembly import Mounted, build, mount_all, moved
from edge_service.simulation.pcb.board import LEFT, TOP, on_board, scene_grid
from edge_service.simulation.pcb.layout import BOARD_HEIGHT, BOARD_WIDTH, FOOTPRINTS, placements
from edge_service.simulation.pcb.strokes import SOLDER
from edge_service.simulation.shapes import dome, fill, smoothstep
from edge_service.simulation.texture import cloud

Scene = tuple[Patch, Plane]
_Shape = tuple[int, int]

_SURFACE_MOUNTED = ("soic8", "soic16", "dpak", "electrolytic", "tantalum", "diode", "inductor", "button")
_REMOVABLE = (*_SURFACE_MOUNTED, "crystal", "header", "wire_socket")
_MISTAKEN_FOR = {
    "electrolytic": "trimmer",
    "inductor": "trimmer",
    "tantalum": "film",
    "diode": "film",
    "soic8": "film",
    "dpak": "trimmer",
    "button": "trimmer",
}

BARE_FIBRE = Material((120, 176, 186), gloss=0.05)
BARE_COPPER = Material((96, 142, 206), gloss=0.5, polish=0.35, metal=0.8)


def good(part: np.random.Generator, _defect: np.random.Generator) -> Scene:
    """Return a board with nothing wrong."""
    scene = build(mount_all(part), part)
    return scene, np.zeros_like(scene.coverage)


def missing(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a board that lacks one component; its pads show."""
    mounted = mount_all(part)
    lost = mounted.pop(_choose(mounted, defect, _REMOVABLE))
    scene = build(mounted, part)
    return scene, lost.outline(_shape(scene))


def shifted(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a board with one component 2.1 to 3.1 mm off its pads."""
    way = defect.uniform(0, 2 * np.pi)
    far = defect.uniform(25, 37)
    return _replaced(
        part,
        defect,
        _SURFACE_MOUNTED,
        lambda was: moved(
            was, far * float(np.cos(way)), far * float(np.sin(way)), float(defect.normal(0, 4))
        ),
    )


def rotated(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a board with one component turned by 30 to 60 or by 90 degrees."""
    turn = float(defect.choice([-1, 1]) * defect.choice([90.0, defect.uniform(30, 60)]))
    kinds = ("soic8", "soic16", "dpak", "tantalum", "diode")
    return _replaced(part, defect, kinds, lambda was: moved(was, turn_deg=turn))


def wrong_component(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a board with a component of another kind in one place."""

    def mistake(was: Mounted) -> Mounted:
        return replace(was, kind=_MISTAKEN_FOR[was.kind], marking="1u0 63")

    return _replaced(part, defect, tuple(_MISTAKEN_FOR), mistake)


def solder_bridge(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a board with solder run together over several pins of one IC."""
    scene = build(mount_all(part), part)
    pins = [
        [
            on_board(where, pad)
            for pad in FOOTPRINTS[where.kind].pads
            if (pad.y < 0) == upper and abs(pad.y) > abs(pad.x) / 3
        ]
        for where in placements()
        if where.kind in {"soic8", "soic16", "qfp"}
        for upper in (False, True)
    ]
    row = pins[int(defect.integers(len(pins)))]
    middle = row[int(defect.integers(1, len(row) - 1))]
    along_x = row[0].width < row[0].height
    half_long, half_short = defect.uniform(42, 58), defect.uniform(20, 25)
    half_w, half_h = (half_long, half_short) if along_x else (half_short, half_long)
    blob = _blob(scene, (middle.x, middle.y), (half_w, half_h), defect)
    height, width = scene.coverage.shape
    crown = dome(blob, 13.0, half_short) + 1.5 * cloud(defect, width, height, 9)
    scene.paint(fill(blob), SOLDER, 5.0 + crown)
    return scene, fill(blob)


def scratch(part: np.random.Generator, defect: np.random.Generator) -> Scene:
    """Return a board scraped by a tool: solder mask torn down to fibre and copper."""
    scene = build(mount_all(part), part)
    height, width = scene.coverage.shape
    length, turn = defect.uniform(280, 430), defect.uniform(0, np.pi)
    x = LEFT + defect.uniform(0.3, 0.7) * BOARD_WIDTH
    y = TOP + defect.uniform(0.3, 0.7) * BOARD_HEIGHT
    steps = np.linspace(-0.5, 0.5, 16)
    bow = defect.uniform(-0.12, 0.12) * length * (1 - 4 * steps**2) + np.cumsum(defect.normal(0, 1.2, 16))
    path_x = x + length * steps * np.cos(turn) - bow * np.sin(turn)
    path_y = y + length * steps * np.sin(turn) + bow * np.cos(turn)
    line = np.full((height, width), 255, np.uint8)
    points = np.round(np.stack([path_x, path_y], axis=1) * 16).astype(np.int32)
    cv2.polylines(line, [points], False, 0, 1, cv2.LINE_8, 4)
    away = cv2.distanceTransform(line, cv2.DIST_L2, 5)
    ragged = defect.uniform(5.8, 7.4) + 1.4 * cloud(defect, width, height, 9)
    groove = np.asarray(away - ragged, np.float32)
    torn = fill(groove)
    bare = smoothstep(-0.3, 0.9, cloud(defect, width, height, 16))
    scene.paint(torn, BARE_FIBRE)
    scene.paint(torn * bare, BARE_COPPER)
    furrow = smoothstep(0.0, 4.0, -groove)
    scene.relief[..., 0] += 1.6 * fill(np.abs(groove) - 1.2) - 2.4 * furrow
    return scene, torn


DEFECTS: dict[str, Callable[[np.random.Generator, np.random.Generator], Scene]] = {
    "missing": missing,
    "shifted": shifted,
    "rotated": rotated,
    "wrong_component": wrong_component,
    "solder_bridge": solder_bridge,
    "scratch": scratch,
}


def _replaced(
    part: np.random.Generator,
    defect: np.random.Generator,
    kinds: tuple[str, ...],
    change: Callable[[Mounted], Mounted],
) -> Scene:
    """Return a board with one component changed; wrong is where it is and where it should have been."""
    mounted = mount_all(part)
    index = _choose(mounted, defect, kinds)
    was = mounted.pop(index)
    now = change(was)
    scene = build([*mounted, now], part)
    return scene, np.maximum(was.outline(_shape(scene)), now.outline(_shape(scene)))


def _choose(mounted: list[Mounted], rng: np.random.Generator, kinds: tuple[str, ...]) -> int:
    kind = str(rng.choice([kind for kind in kinds if any(part.kind == kind for part in mounted)]))
    return int(rng.choice([index for index, part in enumerate(mounted) if part.kind == kind]))


def _blob(
    scene: Patch, at: tuple[float, float], half: tuple[float, float], rng: np.random.Generator
) -> Plane:
    """Return the distance to an uneven drop, in pixels, as large as the scene."""
    height, width = scene.coverage.shape
    across, down = scene_grid()
    round_ = np.hypot((across - at[0]) / half[0], (down - at[1]) / half[1])
    return np.asarray((round_ - 1 + 0.13 * cloud(rng, width, height, 26)) * min(half), np.float32)


def _shape(scene: Patch) -> _Shape:
    return scene.coverage.shape[0], scene.coverage.shape[1]
