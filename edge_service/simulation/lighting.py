"""Light on a finished scene: diffuse key light, shadows, contact shade and mirrored lamps.

Deferred shading: the scene's heights give normals, normals give Lambert's cosine and an index into a small
picture of the surroundings (a "lit sphere": what a mirror ball at this spot would show), which is what makes
metal look like metal. The lamps move a little from part to part (``Light``).
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np

from edge_service.simulation.patch import Patch, Plane

_BALL = 256  # pixels across the mirror ball's picture
_METAL_MIRRORS = 0.68  # of a metal's light is mirrored, the rest scattered
_SHADOW_STEPS = (1.0, 2.0, 3.5, 5.0, 7.0, 9.5, 12.5, 16.0)  # pixels of the half-size relief


@dataclass(frozen=True, slots=True)
class Light:
    """Where the light comes from. Angles in degrees; 0 is from the right, 90 from the top of the picture."""

    azimuth_deg: float = 125.0
    elevation_deg: float = 52.0
    key: float = 0.95
    ambient: float = 0.40
    lamp_dx: float = 0.0  # how far the mirrored lamps moved, in units of the normal
    lamp_dy: float = 0.0

    @property
    def direction(self) -> tuple[float, float, float]:
        """Unit vector towards the lamp in picture axes: x right, y down, z to the camera."""
        azimuth, elevation = np.radians(self.azimuth_deg), np.radians(self.elevation_deg)
        flat = float(np.cos(elevation))
        return flat * float(np.cos(azimuth)), -flat * float(np.sin(azimuth)), float(np.sin(elevation))


def shade(scene: Patch, light: Light) -> Plane:
    """Return the light that leaves the scene towards the camera: linear BGR, (h, w, 3), lamps above 1."""
    height, gloss, polish, metal = cv2.split(scene.relief)
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    up = cv2.pow(1.0 + slope_x * slope_x + slope_y * slope_y, -0.5)
    x, y, z = light.direction
    cosine = cv2.max((z - slope_x * x - slope_y * y) * up, 0.0)
    lit, open_sky = _shadow(height, light)
    mirrored = _mirror(slope_x * up, slope_y * up, polish, light)
    mirrored *= gloss * (0.35 + 0.65 * open_sky)
    by_metal = mirrored * metal
    body = (light.key * cosine * lit + light.ambient * open_sky) * (1.0 - _METAL_MIRRORS * metal)
    body += 1.5 * by_metal
    white = mirrored - by_metal
    lit_colours = [channel * body + white for channel in cv2.split(scene.colour)]
    return np.asarray(cv2.merge(lit_colours), np.float32)


def _mirror(slope_x: Plane, slope_y: Plane, polish: Plane, light: Light) -> Plane:
    """Return what each pixel mirrors, sharp where polished; the slopes are the normal's x and y, negated."""
    half = _BALL / 2
    column = (light.lamp_dx - slope_x) * half + half
    row = (light.lamp_dy - slope_y) * half + half
    seen = cv2.remap(_surroundings(), column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    blurred, sharp = cv2.split(seen)
    return np.asarray(blurred + (sharp - blurred) * polish, np.float32)


@cache
def _surroundings() -> Plane:
    """Return the mirror ball: (256, 256, 2), blurred and sharp; index by the normal's x and y, -1..1."""
    axis = np.linspace(-1, 1, _BALL, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    tilt = np.hypot(x, y)
    room = 0.12 + 0.12 * (1 - y) * 0.5 - 0.10 * np.clip(tilt - 0.55, 0, 1)
    hood = 0.09 * np.exp(-((tilt / 0.10) ** 2))  # the camera's own dark front
    window = _panel(x + 0.27, y + 0.36, 0.17, 0.13) * 6.0
    second = _panel(x - 0.42, y + 0.12, 0.09, 0.20) * 1.3
    strip = _panel(x + 0.05, y - 0.52, 0.30, 0.05) * 0.9
    ceiling = 1.9 * np.clip((-0.6 * x - 0.8 * y - 0.05) / 0.16, 0, 1) * np.clip(1.6 - 2.2 * tilt, 0, 1)
    sharp = room - hood + ceiling + window + second + strip
    blurred = cv2.GaussianBlur(sharp, (0, 0), 22)
    return np.ascontiguousarray(np.dstack([blurred, sharp]), np.float32)


def _panel(x: Plane, y: Plane, half_width: float, half_height: float) -> Plane:
    """Return a soft-edged lamp panel, 0..1."""
    edge = np.maximum(np.abs(x) - half_width, np.abs(y) - half_height)
    return np.asarray(np.clip(0.5 - edge / 0.05, 0, 1), np.float32)


def _shadow(height: Plane, light: Light) -> tuple[Plane, Plane]:
    """Return how much of the key light and of the sky reach each pixel, 0..1, both (h, w).

    Worked out at half size: shadows of a wide lamp are soft anyway.
    """
    rows, columns = height.shape
    low = cv2.resize(height, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    x, y, z = light.direction
    flat = float(np.hypot(x, y))
    climb = 2.0 * z / flat  # pixels of height per half-size pixel
    blocked = np.zeros_like(low)
    for step in _SHADOW_STEPS:
        towards = np.array([[1, 0, -step * x / flat], [0, 1, -step * y / flat]], np.float32)
        higher = cv2.warpAffine(low, towards, (low.shape[1], low.shape[0]), borderMode=cv2.BORDER_REPLICATE)
        over = (higher - low - step * climb) * (1.0 / (1.5 + 0.25 * step))
        blocked = cv2.max(blocked, over)
    lit = 1.0 - 0.85 * cv2.GaussianBlur(cv2.min(blocked, 1.0), (0, 0), 1.2)
    pit = cv2.max(cv2.GaussianBlur(low, (0, 0), 5.0) - low, 0.0)
    open_sky = 1.0 / (1.0 + 0.11 * pit)
    size = (columns, rows)
    return (
        np.asarray(cv2.resize(lit, size, interpolation=cv2.INTER_LINEAR), np.float32),
        np.asarray(cv2.resize(open_sky, size, interpolation=cv2.INTER_LINEAR), np.float32),
    )


def draw(rng: np.random.Generator) -> Light:
    """Draw the light of one shot: lamps get knocked, doors open and daylight changes."""
    spread = rng.uniform(-1, 1, 5).tolist()  # Python floats: NumPy scalars would widen whole pictures
    return Light(
        azimuth_deg=125.0 + 10.0 * spread[0],
        elevation_deg=52.0 + 5.0 * spread[1],
        key=0.95 + 0.08 * spread[2],
        lamp_dx=0.015 * spread[3],
        lamp_dy=0.015 * spread[4],
    )
