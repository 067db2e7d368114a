"""The camera that photographs a part: pose, light level, lens and sensor, different from shot to shot.

``draw`` chooses the conditions of one shot, ``expose`` takes the picture: part moved and turned, uneven
light, vignetting, colour temperature, slight defocus, tone curve, shot and read noise, 8 bits.
"""

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.simulation.patch import Plane

WIDTH, HEIGHT, MARGIN = 960, 720, 24
"""Pixels of a frame, and how far a scene reaches beyond it on each side."""

SCENE_WIDTH, SCENE_HEIGHT = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN

_SENSITIVITY = 1.75  # the sensor's answer 1 - exp(-light * sensitivity): a straight start and a soft shoulder
_NOISE = 0.0075  # deviation in the dark, of white
_NOISE_SIDE, _NOISE_STEPS = 1536, 32


@dataclass(frozen=True, slots=True)
class Shot:
    """The conditions of one photograph."""

    shift_px: tuple[float, float]
    angle_deg: float
    scale: float
    level: float  # of the nominal light
    gradient: tuple[float, float]  # share of the light gained from left to right and from top to bottom
    vignetting: float  # share of the light lost in the corners
    warmth: float  # share by which red gains and blue loses
    blur_px: float


def draw(rng: np.random.Generator) -> Shot:
    """Draw the conditions of one shot."""
    spread = rng.uniform(
        -1, 1, 8
    ).tolist()  # Python floats: NumPy scalars would widen whole pictures to float64
    return Shot(
        shift_px=(10.0 * spread[0], 9.0 * spread[1]),
        angle_deg=0.7 * spread[2],
        scale=1.0 + 0.006 * spread[3],
        level=float(np.exp(0.14 * spread[4])),
        gradient=(0.09 * spread[5], 0.08 * spread[6]),
        vignetting=float(rng.uniform(0.16, 0.24)),
        warmth=0.035 * spread[7],
        blur_px=float(rng.uniform(0.55, 0.95)),
    )


def expose(scene: Plane, shot: Shot, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return the photograph, uint8 BGR (720, 960, 3), of a lit scene (768, 1008, 3) in linear light."""
    seen = cv2.warpAffine(
        scene, _pose(shot), (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    seen = cv2.GaussianBlur(seen, (0, 0), shot.blur_px)
    light = _light_across(shot)
    seen *= np.dstack([light * (1 - shot.warmth), light, light * (1 + shot.warmth)])
    recorded = 1.0 - cv2.exp(seen * -_SENSITIVITY)
    toned = cv2.sqrt(cv2.max(recorded, 0.0))
    # The square root of the tone curve makes shot noise (which grows with the root of the light) even.
    toned += _noise(rng) * (_NOISE * (1.0 - 0.75 * recorded))
    return np.asarray(cv2.LUT(cv2.convertScaleAbs(cv2.max(toned, 0.0), alpha=255.0), _contrast()), np.uint8)


def project(where: Plane, shot: Shot) -> NDArray[np.bool_]:
    """Return where a region of the scene (768, 1008; 0..1) lies in the photograph: bool (720, 960)."""
    seen = cv2.warpAffine(where, _pose(shot), (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    return np.asarray(seen > 0.5, np.bool_)


@cache
def _contrast() -> NDArray[np.uint8]:
    """Return the camera's picture style as 256 values: a mild S, dark deeper and light lighter."""
    tone = np.arange(256) / 255
    curve = tone + 0.45 * (tone * tone * (3 - 2 * tone) - tone)
    return np.asarray(np.round(curve * 255), np.uint8)


def _pose(shot: Shot) -> NDArray[np.float64]:
    """Return the affine matrix from scene to photograph."""
    middle = ((SCENE_WIDTH - 1) / 2, (SCENE_HEIGHT - 1) / 2)
    matrix = np.asarray(cv2.getRotationMatrix2D(middle, shot.angle_deg, shot.scale), np.float64)
    matrix[:, 2] += np.subtract(shot.shift_px, MARGIN)
    return matrix


def _light_across(shot: Shot) -> Plane:
    """Return the light over the frame, (720, 960): level, gradient and the lens's vignetting (cos^4 law)."""
    x = np.linspace(-1, 1, WIDTH, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, HEIGHT, dtype=np.float32)[:, None]
    even = 1.0 + shot.gradient[0] * x + shot.gradient[1] * y
    tangent_squared = (x * x + y * y) / 2 * ((1 - shot.vignetting) ** -0.5 - 1)
    return np.asarray(shot.level * even / (1 + tangent_squared) ** 2, np.float32)


def _noise(rng: np.random.Generator) -> Plane:
    """Return sensor noise of deviation 1, (720, 960, 3): two windows of a stored sheet, added."""
    rows = rng.integers(0, _NOISE_SIDE - HEIGHT, 2)
    columns = rng.integers(0, _NOISE_SIDE - WIDTH, 2)
    sheet = _noise_sheet()
    windows = [
        sheet[row : row + HEIGHT, column : column + WIDTH] for row, column in zip(rows, columns, strict=True)
    ]
    total = cv2.addWeighted(windows[0], 1.0, windows[1][::-1], 1.0, 0.0, dtype=cv2.CV_32F)
    return np.asarray(total * np.float32(1 / (_NOISE_STEPS * np.sqrt(2))), np.float32)


@cache
def _noise_sheet() -> NDArray[np.int8]:
    """Return noise, (1536, 1536, 3), in 32nds of a deviation; neighbours correlate, as after demosaicing."""
    rng = np.random.default_rng(20)
    raw = rng.standard_normal((_NOISE_SIDE, _NOISE_SIDE, 3), np.float32)
    soft = cv2.GaussianBlur(raw, (0, 0), 0.55)
    return np.asarray(np.clip(soft / soft.std() * _NOISE_STEPS, -127, 127), np.int8)
