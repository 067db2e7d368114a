"""Shapes as signed distances: negative inside, 0 on the outline, in pixels.

From one distance come a smooth outline (``fill``), a bevelled or domed body (``bevel``, ``dome``) and a ring
(``abs(distance) - half_width``)::

    x, y = grid(80, 60)
    body = rounded_box(x, y, 60, 40, radius=6)
    patch.paint(fill(body), BLACK_EPOXY, bevel(body, height=12, width=3))
"""

import numpy as np

from edge_service.simulation.patch import Field, Plane


def grid(width: int, height: int) -> tuple[Plane, Plane]:
    """Return the pixel coordinates x and y, each (height, width), with the origin in the middle."""
    x = np.arange(width, dtype=np.float32) - (width - 1) / 2
    y = np.arange(height, dtype=np.float32) - (height - 1) / 2
    across, down = np.meshgrid(x, y)
    return across.astype(np.float32), down.astype(np.float32)


def disc(x: Field, y: Field, radius: float) -> Plane:
    """Return the distance to a disc around the origin."""
    return np.asarray(np.hypot(x, y) - np.float32(radius), np.float32)


def rounded_box(x: Field, y: Field, width: float, height: float, *, radius: float = 0.0) -> Plane:
    """Return the distance to a box around the origin with rounded corners."""
    across = np.abs(x) - np.float32(width / 2 - radius)
    down = np.abs(y) - np.float32(height / 2 - radius)
    outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
    inside = np.minimum(np.maximum(across, down), 0)
    return np.asarray(outside + inside - np.float32(radius), np.float32)


def capsule(x: Field, y: Field, start: tuple[float, float], end: tuple[float, float], radius: float) -> Plane:
    """Return the distance to a line of round ends from ``start`` to ``end``, ``radius`` thick."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    length = along_x * along_x + along_y * along_y or 1.0
    share = np.clip(((x - start[0]) * along_x + (y - start[1]) * along_y) / length, 0, 1)
    away = np.hypot(x - start[0] - share * along_x, y - start[1] - share * along_y)
    return np.asarray(away - np.float32(radius), np.float32)


def fill(distance: Field) -> Plane:
    """Return coverage 0..1 with an outline one pixel soft."""
    return np.asarray(np.clip(0.5 - distance, 0, 1), np.float32)


def smoothstep(low: float, high: float, value: Field) -> Plane:
    """Return 0 below ``low``, 1 above ``high`` and a smooth S between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), np.float32)


def bevel(distance: Field, height: float, width: float) -> Plane:
    """Return a flat top ``height`` above the seat whose edge falls off over ``width`` pixels."""
    return np.asarray(height * smoothstep(0.0, width, -distance), np.float32)


def dome(distance: Field, height: float, width: float) -> Plane:
    """Return a round top: a quarter ellipse from the outline to ``width`` pixels inside."""
    share = np.clip(-distance / np.float32(width), 0, 1)
    return np.asarray(height * np.sqrt(share * (2 - share)), np.float32)
