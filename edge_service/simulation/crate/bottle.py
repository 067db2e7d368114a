"""A bottle from above: glass from shoulder to neck, leaning outwards off the middle, and its crown cap."""

from functools import cache
from itertools import pairwise

import cv2
import numpy as np

from edge_service.simulation.crate.perspective import MIDDLE_X, MIDDLE_Y, magnification
from edge_service.simulation.patch import Material, Patch, Plane
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
GLASS = Material((14, 40, 84), gloss=0.55, polish=0.85)
CRIMPS = 21

CREAM, RED = (196, 220, 230), (44, 36, 178)
DESIGNS = {
    "crown": (RED, CREAM),
    "green": ((58, 120, 40), (206, 216, 214)),
    "gold": ((64, 158, 196), (40, 74, 110)),
    "black": ((38, 36, 36), (64, 160, 200)),
}


@cache
def glass(x: int, y: int) -> Patch:
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
            glow = 0.55 + 0.9 * ((height + 80) / 61) ** 1.5
            tone = tuple(channel * glow for channel in GLASS.colour)
            patch.paint(fill(ring), Material((tone[0], tone[1], tone[2]), GLASS.gloss, GLASS.polish), height)
    patch.relief[..., 0] = cv2.GaussianBlur(patch.relief[..., 0], (0, 0), 1.5)
    away = np.hypot(across, down)
    patch.tint(
        np.asarray(
            1 + 0.35 * np.sin(away * np.float32(0.21)) + 0.05 * grain(rng, SIDE, SIDE, 3, 8), np.float32
        )
    )
    return patch


@cache
def cap(design: str, wear: int) -> Patch:
    """Return a crown cap of ``design``, upright print, in one of its states of ``wear``."""
    rng = np.random.default_rng([sum(design.encode()), wear])
    side = 2 * int(CAP_RADIUS + 4) + 1
    patch = Patch.empty(side, side)
    x, y = grid(side, side)
    base, ink = DESIGNS[design]
    angle = np.arctan2(y, x)
    flute = np.cos(angle * CRIMPS)
    outline = disc(x, y, CAP_RADIUS) - np.asarray(1.1 * flute, np.float32)
    paint = Material((*base,), gloss=0.30, polish=0.75, metal=0.15)
    skirt = smoothstep(28.0, CAP_RADIUS + 1, np.hypot(x, y))
    height = _CAP_SEAT + 14.0 - 11.0 * skirt + skirt * (1 - skirt) * 6.0 * flute
    patch.paint(fill(outline), paint, np.asarray(height + dome(disc(x, y, 31), 2.2, 31), np.float32))
    _printed(patch, x, y, Material((*ink,), gloss=0.30, polish=0.75, metal=0.05))
    rubbed = smoothstep(1.7, 2.6, grain(rng, side, side, 2, 6)) * fill(outline)
    patch.paint(0.7 * rubbed, Material((176, 180, 184), gloss=0.6, polish=0.4, metal=0.8))
    patch.tint(1 - 0.35 * smoothstep(29.0, 36.5, np.hypot(x, y)) * np.asarray(0.5 - 0.5 * flute, np.float32))
    patch.tint(1 + 0.04 * grain(rng, side, side, 2, 5))
    return patch


def _printed(patch: Patch, x: Plane, y: Plane, ink: Material) -> None:
    """Print the design: a ring, a crown with three points, a bar with letters below."""
    ring = np.abs(disc(x, y, 26.0)) - 1.6
    patch.paint(fill(ring), ink)
    points = np.abs(np.mod(x + 6.0, 12.0) - 6.0) * np.float32(1.7) - 11.0
    crown = np.maximum.reduce([np.abs(x) - 18.0, -(y + 1.0 + points + 8.0), y - 3.0])
    patch.paint(fill(np.asarray(crown, np.float32)), ink)
    bar = np.maximum(np.abs(x) - 18.0, np.abs(y - 8.5) - 2.0)
    patch.paint(fill(np.asarray(bar, np.float32)), ink)
    star = disc(x, y - 17.0, 3.0)
    patch.paint(fill(star), ink)
    patch.relief[..., 0] += 0.25 * bevel(ring, 1.0, 1)
