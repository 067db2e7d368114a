"""Things that have no business in a crate: a bolt, a scrap of cardboard, a plastic lid."""

from collections.abc import Callable
from functools import cache

import numpy as np

from edge_service.simulation.patch import Material, Patch, Stamp
from edge_service.simulation.shapes import bevel, disc, dome, fill, grid, rounded_box
from edge_service.simulation.texture import cloud, grain

_ZINC = Material((104, 106, 108), gloss=0.6, polish=0.4, metal=0.8)
_CARDBOARD = Material((58, 92, 126), gloss=0.04, polish=0.1)
_LID = Material((96, 100, 96), gloss=0.20, polish=0.6)


@cache
def bolt() -> Stamp:
    """Return a hexagon bolt lying on its side, 130 pixels long."""
    patch = Patch.empty(151, 71)
    x, y = grid(151, 71)
    shank = rounded_box(x - 16, y, 100, 27, radius=4)
    thread = 1.4 * np.sin(x * np.float32(1.15) + y * np.float32(0.12)) * (x > -2)
    patch.paint(fill(shank), _ZINC, np.asarray(4 + dome(shank, 13, 13.5) + thread, np.float32))
    head = rounded_box(x + 50, y, 27, 54, radius=3)
    facets = 4.0 * np.abs(np.abs(y) - 14) / 14
    patch.paint(fill(head), _ZINC, np.asarray(10 + bevel(head, 12, 4) - facets, np.float32))
    return Stamp.of(patch)


@cache
def cardboard() -> Stamp:
    """Return a torn scrap of corrugated cardboard."""
    rng = np.random.default_rng(8)
    patch = Patch.empty(151, 121)
    x, y = grid(151, 121)
    torn = rounded_box(x + 0.12 * y, y - 0.08 * x, 122, 84, radius=4) + 3.5 * cloud(rng, 151, 121, 12)
    flutes = 0.7 * np.sin(x * np.float32(0.75))
    curl = np.asarray((x / 60) ** 2 * 7, np.float32)
    patch.paint(fill(np.asarray(torn, np.float32)), _CARDBOARD, np.asarray(8 + curl + flutes, np.float32))
    patch.tint(1 + 0.07 * grain(rng, 151, 121, 2, 5, 30))
    crease = np.clip(1.4 - np.abs(x * 0.3 + y - 6), 0, 1)
    patch.tint(np.asarray(1 - 0.3 * crease, np.float32))
    return Stamp.of(patch)


@cache
def lid() -> Stamp:
    """Return a grey screw lid lying upside down."""
    patch = Patch.empty(91, 91)
    x, y = grid(91, 91)
    outline = disc(x, y, 40) - np.asarray(0.8 * np.cos(np.arctan2(y, x) * 40), np.float32)
    patch.paint(fill(outline), _LID, 4 + bevel(outline, 14, 5))
    inside = disc(x, y, 34)
    patch.relief[..., 0] -= bevel(inside, 11, 3)
    liner = np.abs(disc(x, y, 24)) - 1.5
    patch.relief[..., 0] += 1.5 * fill(liner)
    return Stamp.of(patch)


OBJECTS: dict[str, Callable[[], Stamp]] = {"bolt": bolt, "cardboard": cardboard, "lid": lid}
