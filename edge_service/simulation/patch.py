"""A piece of the visible world as layers of material: what it is made of, not yet how it is lit.

A ``Patch`` carries for every pixel its colour, its coverage (0 where one looks through it) and its relief:
height, gloss, polish and metal. Scenes and components are both painted as patches; a component becomes a
``Stamp``, ``place`` lays it on the scene, and only the finished scene is lit (``lighting.shade``). So a
component turned by a quarter still gets its highlight and its shadow from the lamp's side.

Colours are linear light (not sRGB), BGR, 0..1. Heights are in pixels of the scene.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""float32, (height, width) or (height, width, channels)."""

Field = NDArray[np.floating[Any]]
"""What arithmetic leaves: any float type; every function here takes it and gives back a Plane."""

HEIGHT, GLOSS, POLISH, METAL = range(4)


@dataclass(frozen=True, slots=True)
class Material:
    """What a surface is made of.

    ``colour``: (B, G, R) as a paint chart has it, sRGB 0..255. ``gloss``: how much of the lamps it mirrors.
    ``polish``: 0 mirrors a blur, 1 a sharp lamp. ``metal``: 1 tints what it mirrors and has no colour beside.
    """

    colour: tuple[float, float, float]
    gloss: float = 0.05
    polish: float = 0.3
    metal: float = 0.0


@cache
def linear(colour: tuple[float, float, float]) -> Plane:
    """Return an sRGB colour (B, G, R, 0..255) as linear light 0..1, float32 of shape (3,); IEC 61966-2-1."""
    unit = np.asarray(colour, np.float64) / 255.0
    low, high = unit / 12.92, ((unit + 0.055) / 1.055) ** 2.4
    return np.where(unit <= 0.04045, low, high).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Patch:
    """Layers of equal height and width.

    ``colour``: (h, w, 3) linear BGR; ``coverage``: (h, w) 0..1; ``relief``: (h, w, 4) as HEIGHT, GLOSS,
    POLISH and METAL index it.
    """

    colour: Plane
    coverage: Plane
    relief: Plane

    @classmethod
    def empty(cls, width: int, height: int) -> "Patch":
        """Return a patch that covers nothing yet."""
        return cls(
            np.zeros((height, width, 3), np.float32),
            np.zeros((height, width), np.float32),
            np.zeros((height, width, 4), np.float32),
        )

    def copy(self) -> "Patch":
        """Return a patch that can be painted on without touching this one."""
        return Patch(self.colour.copy(), self.coverage.copy(), self.relief.copy())

    def paint(self, where: Field, material: Material, height: Field | float | None = None) -> None:
        """Lay ``material`` over the patch where ``where`` (h, w; 0..1) says; ``height`` None keeps relief."""
        hit = where > 0
        share = where[hit]
        old = self.relief[hit]
        new = np.empty_like(old)
        new[:, GLOSS:] = (material.gloss, material.polish, material.metal)
        if height is None:
            new[:, HEIGHT] = old[:, HEIGHT]
        else:
            new[:, HEIGHT] = height[hit] if isinstance(height, np.ndarray) else height
        self.relief[hit] = old + (new - old) * share[:, None]
        under = self.colour[hit]
        self.colour[hit] = under + (linear(material.colour) - under) * share[:, None]
        self.coverage[hit] = np.maximum(self.coverage[hit], share)

    def tint(self, factor: Field) -> None:
        """Multiply the colour by ``factor`` (h, w), as print, stain or grain do."""
        self.colour[:] *= factor[..., None]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A finished patch, made ready to be placed many times: colour and relief times coverage.

    ``solid``: (h, w, 4) colour and coverage; ``relief``: (h, w, 4).
    """

    solid: Plane
    relief: Plane

    @classmethod
    def of(cls, patch: Patch) -> "Stamp":
        """Make a stamp of ``patch``."""
        share = patch.coverage[..., None]
        return cls(np.dstack([patch.colour * share, patch.coverage]), patch.relief * share)


def place(
    scene: Patch,
    stamp: Stamp,
    x: float,
    y: float,
    *,
    angle_deg: float = 0.0,
    tilt: tuple[float, float] = (0.0, 0.0),
    tone: float = 1.0,
) -> None:
    """Lay ``stamp`` on ``scene`` with its centre at (x, y), turned counter-clockwise.

    Positions may lie between pixels. ``tilt`` is its slope to the right and downwards (pixels of height a
    pixel), which moves its highlights; ``tone`` multiplies its colour. What hangs over the scene's edge is
    cut off.
    """
    rows, columns, matrix = _window(scene.coverage.shape, stamp, x, y, angle_deg)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    if size[0] <= 0 or size[1] <= 0:
        return
    solid = cv2.warpAffine(stamp.solid, matrix, size, flags=cv2.INTER_LINEAR)
    relief = cv2.warpAffine(stamp.relief, matrix, size, flags=cv2.INTER_LINEAR)
    share = solid[..., 3]
    if tilt != (0.0, 0.0):
        across = np.arange(columns.start, columns.stop, dtype=np.float32) - np.float32(x)
        down = np.arange(rows.start, rows.stop, dtype=np.float32) - np.float32(y)
        relief[..., HEIGHT] += share * (tilt[0] * across[None, :] + tilt[1] * down[:, None])
    rest = (1.0 - share)[..., None]
    colour = scene.colour[rows, columns]
    colour *= rest
    colour += solid[..., :3] * np.float32(tone)
    under = scene.relief[rows, columns]
    under *= rest
    under += relief
    np.maximum(scene.coverage[rows, columns], share, out=scene.coverage[rows, columns])


def covered(shape: tuple[int, int], stamp: Stamp, x: float, y: float, *, angle_deg: float = 0.0) -> Plane:
    """Return what ``place`` would cover on a scene of ``shape`` (h, w): 0..1, as large as the scene."""
    rows, columns, matrix = _window(shape, stamp, x, y, angle_deg)
    region = np.zeros(shape, np.float32)
    size = (columns.stop - columns.start, rows.stop - rows.start)
    if size[0] > 0 and size[1] > 0:
        region[rows, columns] = cv2.warpAffine(stamp.solid[..., 3], matrix, size, flags=cv2.INTER_LINEAR)
    return region


def _window(
    shape: tuple[int, ...], stamp: Stamp, x: float, y: float, angle_deg: float
) -> tuple[slice, slice, NDArray[np.float64]]:
    """Return rows and columns of the scene that a placed stamp touches, and the matrix into that window."""
    height, width = stamp.solid.shape[:2]
    turn = np.radians(angle_deg)
    reach_x = 0.5 * (width * abs(np.cos(turn)) + height * abs(np.sin(turn))) + 2
    reach_y = 0.5 * (width * abs(np.sin(turn)) + height * abs(np.cos(turn))) + 2
    rows = slice(max(0, int(y - reach_y)), min(shape[0], int(y + reach_y) + 2))
    columns = slice(max(0, int(x - reach_x)), min(shape[1], int(x + reach_x) + 2))
    middle = ((width - 1) / 2, (height - 1) / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, angle_deg, 1.0), np.float64)
    matrix[:, 2] += (x - columns.start - middle[0], y - rows.start - middle[1])
    return rows, columns, matrix
