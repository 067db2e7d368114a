"""Variations of a good photograph that are still good: small moves, other light, noise.

A few photographs show a part in a few places under a few lights; on the line it comes a degree
turned, some pixels aside, a little brighter. Every variation is drawn from a seeded generator, so a
run can be repeated exactly.

Photographs of differing formats (sides' proportions) come from parts, or from crops, of differing formats,
and a new one may be stretched like any of them: each variation is then cut to the format of one of them,
drawn by chance, before it is brought to the model's.

The photograph is turned and shifted at its own size (a very large one is halved first, as the edge would),
and brought to the input size by the edge's own ``to_model_input`` afterwards: a variation is as sharp as a
frame on the line.
"""

from dataclasses import astuple, dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.inference.preprocess import to_model_input
from trainer.domain import Picture

_SAME_FORMAT = 1.15  # largest over smallest: less comes from cutting by hand
_FORMAT_SPREAD = 0.1  # standard deviation of the logarithm
_OVERSIZE = 2  # a turned picture keeps at least this many pixels to one of the input


@dataclass(frozen=True, slots=True)
class VariationRange:
    """How far a good part may differ from its photograph. Spreads are standard deviations of logarithms."""

    turn_degrees: float = 1.5  # most, either way
    shift: float = 0.02  # most, as a part of the side
    scale: float = 0.015  # most, either way
    brightness: float = 0.10
    colour: float = 0.02
    gamma: float = 0.08
    slope: float = 0.06  # of the light, from one side of the picture to the other
    noise: float = 0.015  # most, of full scale
    blur_pixels: float = 0.8  # most; every third picture gets some

    def times(self, factor: float) -> "VariationRange":
        """Return the range with every reach multiplied."""
        return VariationRange(*(factor * reach for reach in astuple(self)))


DEFAULT_RANGE = VariationRange()


@dataclass(frozen=True, slots=True)
class VariedPictures:
    """Variations, uint8 (n, height, width, 3), and the number of the photograph that each came from."""

    pixels: Picture
    owners: NDArray[np.int64]


class Varier:
    """Makes variations of one size from photographs. Not thread-safe: it draws from one generator."""

    def __init__(self, height: int, width: int, *, seed: int, reach: VariationRange = DEFAULT_RANGE) -> None:
        self._height = height
        self._width = width
        self._reach = reach
        self._random = np.random.default_rng(seed)

    def vary(self, photographs: list[Picture], count: int) -> VariedPictures:
        """Return ``count`` variations; every photograph gives as many as the others, give or take one."""
        masters = [self._master(pixels) for pixels in photographs]
        formats = [master.shape[1] / master.shape[0] for master in masters]
        differing = max(formats) / min(formats) > _SAME_FORMAT
        owners = np.arange(count) % len(masters)
        pictures = []
        for owner in owners:
            master = masters[owner]
            if differing:
                master = self._cut(master, formats[int(self._random.integers(len(formats)))])
            pictures.append(self._one(master))
        return VariedPictures(np.stack(pictures), owners)

    def _master(self, pixels: Picture) -> Picture:
        """Halve a photograph while the model would not see it: ``to_model_input`` begins so too."""
        master = pixels
        while _can_halve(master.shape[0], self._height) and _can_halve(master.shape[1], self._width):
            half = (master.shape[1] // 2, master.shape[0] // 2)
            master = np.asarray(cv2.resize(master, half, interpolation=cv2.INTER_AREA), np.uint8)
        return master

    def _cut(self, master: Picture, wanted: float) -> Picture:
        """Return a largest window of this format (width over height), give or take a tenth."""
        height, width = master.shape[:2]
        across_to_down = wanted * np.exp(self._random.normal(0.0, _FORMAT_SPREAD))
        across = max(1, round(min(width, height * across_to_down)))
        down = max(1, round(min(height, width / across_to_down)))
        left = int(self._random.integers(width - across + 1))
        top = int(self._random.integers(height - down + 1))
        return np.ascontiguousarray(master[top : top + down, left : left + across])

    def _one(self, master: Picture) -> Picture:
        moved = self._move(master)
        small = to_model_input(moved, self._height, self._width)[0].astype(np.float32) / 255.0
        lit = self._light(small)
        return np.asarray(np.clip(self._sensor(lit) * 255.0 + 0.5, 0.0, 255.0), np.uint8)

    def _move(self, picture: Picture) -> Picture:
        """Turn, scale and shift about the middle; what comes in at the edge is mirrored."""
        height, width = picture.shape[:2]
        draw, reach = self._random.uniform, self._reach
        turn = draw(-reach.turn_degrees, reach.turn_degrees)
        zoom = 1.0 + draw(-reach.scale, reach.scale)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, zoom)
        matrix[:, 2] += draw(-reach.shift, reach.shift, 2) * (width, height)
        moved = cv2.warpAffine(
            picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )
        return np.asarray(moved, np.uint8)

    def _light(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Change exposure, colour, contrast and the side the light comes from. Pixels are 0..1."""
        height, width = picture.shape[:2]
        normal, reach = self._random.normal, self._reach
        gain = np.exp(normal(0, reach.brightness) + normal(0, reach.colour, 3))
        gamma = np.exp(normal(0, reach.gamma))
        angle = self._random.uniform(0, 2 * np.pi)
        across = np.linspace(-1, 1, width) * np.cos(angle) + np.linspace(-1, 1, height)[:, None] * np.sin(
            angle
        )
        slope = 1.0 + normal(0, reach.slope) * across
        lit = np.clip(picture, 1e-4, 1.0) ** gamma * gain * slope[:, :, None]
        return np.asarray(lit, np.float32)

    def _sensor(self, picture: NDArray[np.float32]) -> NDArray[np.float32]:
        """Defocus a little now and then, and add the camera's noise."""
        if self._random.random() < 1 / 3:
            width = self._random.uniform(0.0, self._reach.blur_pixels)
            picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), max(width, 0.1)), np.float32)
        noise = self._random.standard_normal(picture.shape, np.float32)
        return picture + noise * np.float32(self._random.uniform(0, self._reach.noise))


def _can_halve(length: int, wanted: int) -> bool:
    return length % 2 == 0 and length >= 2 * _OVERSIZE * wanted
