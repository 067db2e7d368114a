"""A bottle from above: glass from shoulder to neck, leaning outwards off the middle, and its crown cap."""

from functools import cache
from itertools import pairwise

import cv2
import numpy as np

from edge_service.simulation.crate.perspective import MIDDLE_X, MIDDLE_Y, magnification
from edge_service.simulation.patch import GLOSS, HEIGHT, Material, Patch, Plane, Stamp
from edge_service.simulation.shapes import bevel, disc, dome, fill, grid, smoothstep
from edge_service.simulation.texture import grain

SIDE = 201
"""Pixels along a bottle's patch; the patch's middle is the bottle's axis at the rim's plane."""

CAP_RADIUS = 37.0
_SHOULDER, _NECK, _CAP_SEAT = 70.0, 24.0, -16.0
_PROFILE = (  # height, radius: body, shoulder, neck, from below
    (-80.0, 71.0), (-66.0, 70.0), (-57.0, 67.0), (-50.0, 62.0), (-44.0, 56.0), (-39.0, 49.5), (-35.0, 43.0),
    (-31.0, 37.0), (-27.0, 32.5), (-23.0, 29.5), (-19.0, 28.0),
)  # fmt: skip
GLASS = Material((10, 42, 92), gloss=0.20, polish=0.95)
CRIMPS = 21

CREAM = (190, 214, 224)
DESIGNS = {
    "crown": ((40, 30, 150), CREAM),
    "star": ((52, 104, 44), (206, 216, 214)),
    "stripes": ((150, 96, 40), CREAM),
}
"""The brand's own cap and those of other brands: base colour and ink."""


@cache
def glass(x: int, y: int) -> Stamp:
    """Return the bottle's glass for an axis at scene pixel (x, y) of the rim's plane."""
    patch = Patch.empty(SIDE, SIDE)
    across, down = grid(SIDE, SIDE)
    rng = np.random.default_rng([x, y])
    for (low, wide), (high, narrow) in pairwise(_PROFILE):
        for share in (0.0, 0.25, 0.5, 0.75):
            height, radius = low + (high - low) * share, wide + (narrow - wide) * share
            size = magnification(height)
            off = ((x - MIDDLE_X) * (size - 1), (y - MIDDLE_Y) * (size - 1))
            ring = disc(across - np.float32(off[0]), down - np.float32(off[1]), radius * size)
            glow = 0.75 + 0.35 * ((height + 80) / 61)
            tone = tuple(channel * glow for channel in GLASS.colour)
            patch.paint(fill(ring), Material((tone[0], tone[1], tone[2]), GLASS.gloss, GLASS.polish), height)
    patch.relief[..., HEIGHT] = cv2.GaussianBlur(patch.relief[..., HEIGHT], (0, 0), 2.5)
    body = cv2.erode(patch.coverage, np.ones((3, 3), np.uint8), iterations=3)
    edge = 1 - cv2.GaussianBlur(body, (0, 0), 2.0)
    patch.relief[..., GLOSS] *= np.clip(1 - 1.3 * edge, 0, 1)  # no sparkle where the glass falls off steeply
    away = np.hypot(across, down)
    swirl = 1 + 0.22 * np.sin(away * np.float32(0.23)) + 0.05 * grain(rng, SIDE, SIDE, 3, 8)
    through = smoothstep(40, 64, away) * smoothstep(-0.2, 1.0, (down + 0.6 * across) / 60)
    patch.tint(swirl + 2.2 * through)  # light that entered on the lamp's side leaves on the other, amber
    return Stamp.of(patch)


@cache
def cap(design: str, wear: int) -> Stamp:
    """Return a crown cap of ``design``, upright print, in one of its states of ``wear``."""
    rng = np.random.default_rng([sum(design.encode()), wear])
    side = 2 * int(CAP_RADIUS + 4) + 1
    patch = Patch.empty(side, side)
    x, y = grid(side, side)
    base, ink = DESIGNS[design]
    angle = np.arctan2(y, x)
    flute = np.cos(angle * CRIMPS)
    outline = disc(x, y, CAP_RADIUS) - np.asarray(1.1 * flute, np.float32)
    paint = Material((*base,), gloss=0.26, polish=0.8, metal=0.15)
    skirt = smoothstep(28.0, CAP_RADIUS + 1, np.hypot(x, y))
    height = _CAP_SEAT + 14.0 - 11.0 * skirt + skirt * (1 - skirt) * 6.0 * flute
    patch.paint(fill(outline), paint, np.asarray(height + dome(disc(x, y, 31), 5.0, 31), np.float32))
    patch.paint(fill(_PRINTS[design](x, y)), Material((*ink,), gloss=0.26, polish=0.8, metal=0.05))
    rubbed = smoothstep(1.7, 2.6, grain(rng, side, side, 2, 6)) * fill(outline)
    patch.paint(0.7 * rubbed, Material((176, 180, 184), gloss=0.6, polish=0.4, metal=0.8))
    patch.tint(1 - 0.35 * smoothstep(29.0, 36.5, np.hypot(x, y)) * np.asarray(0.5 - 0.5 * flute, np.float32))
    patch.tint(1 + 0.04 * grain(rng, side, side, 2, 5))
    return Stamp.of(patch)


def _crown(x: Plane, y: Plane) -> Plane:
    """Return the distance to a thin ring around a three-pointed crown."""
    ring = np.abs(disc(x, y, 25.0)) - 1.0
    points = np.abs(np.mod(x + 5.0, 10.0) - 5.0) * 2.0
    crown = np.maximum.reduce([np.abs(x) - 14.0, -(y + 2.0 + points), y - 8.0])
    return np.asarray(np.minimum(ring, crown), np.float32)


def _star(x: Plane, y: Plane) -> Plane:
    """Return the distance to a broad five-pointed star."""
    angle = np.mod(np.arctan2(x, -y) + np.pi / 5, 2 * np.pi / 5) - np.pi / 5
    return np.asarray(np.hypot(x, y) * np.cos(np.abs(angle) - np.pi / 5 * 0.9) - 13.0, np.float32)


def _stripes(x: Plane, y: Plane) -> Plane:
    """Return the distance to broad slanting stripes."""
    slant = np.mod(x + 0.5 * y, 15.0) - 7.5
    return np.asarray(np.maximum(np.abs(slant) - 3.6, disc(x, y, 30.0)), np.float32)


_PRINTS = {"crown": _crown, "star": _star, "stripes": _stripes}


@cache
def mouth() -> Stamp:
    """Return an open bottle's mouth: thick glass lip around the dark inside."""
    side = 2 * int(CAP_RADIUS + 4) + 1
    patch = Patch.empty(side, side)
    x, y = grid(side, side)
    lip = disc(x, y, 28)
    patch.paint(fill(lip), Material((16, 60, 120), gloss=0.3, polish=0.95), -18 + dome(lip, 12, 10))
    inside = disc(x, y, 16)
    patch.paint(fill(inside), Material((14, 44, 88), gloss=0.1), -14 - bevel(inside, 8, 4))
    return Stamp.of(patch)
