"""How small a defect would still be seen: drawn spots of graded size and contrast, judged at the threshold.

Good pictures get one round spot each, in a random place, darker or brighter than what it covers by a stated
part of full scale. For every contrast the size is found from which on nine spots in ten are NG. It asks for
nothing but a function from picture to score, so it holds for any algorithm, and for the exported graph.

What it is not: a promise. Real defects have shapes and colours of their own, and the pictures are variations
of photographs that the model has learned, which score a little lower than new parts do.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from trainer.domain import Picture

CONTRASTS = (0.1, 0.25, 0.5)  # of full scale: faint, clear, strong
DIAMETERS = (0.24, 0.16, 0.11, 0.075, 0.05, 0.033, 0.022)  # of the shorter side, largest first
SEEN = 0.9
_PICTURES = 10  # spots of each size and contrast
_HOPELESS = 0.2  # seen by less: smaller ones are not tried


@dataclass(frozen=True, slots=True)
class Contrast:
    """One contrast's result.

    ``shares``: what part was seen of each of ``diameters`` tried, largest first. ``smallest``: the diameter,
    in parts of the model's shorter side, from which on ``SEEN`` of them are; None when not even the largest.
    """

    contrast: float
    diameters: tuple[float, ...]
    shares: tuple[float, ...]
    smallest: float | None


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What was found on pictures of ``height`` x ``width``; photographs are ``scale`` times as large."""

    contrasts: tuple[Contrast, ...]
    height: int
    width: int
    scale: float

    @property
    def blind(self) -> bool:
        """Whether no spot of any size and contrast is seen reliably."""
        return all(each.smallest is None for each in self.contrasts)

    def area_percent(self, diameter: float) -> float:
        """Return a spot's area in percent of the frame."""
        return 100 * math.pi / 4 * (diameter * self._side) ** 2 / (self.height * self.width)

    def pixels(self, diameter: float) -> float:
        """Return a spot's diameter in pixels of the photographs."""
        return diameter * self._side * self.scale

    @property
    def _side(self) -> int:
        return min(self.height, self.width)

    def figures(self) -> list[dict[str, object]]:
        """Return what the manifest states, contrast by contrast."""
        return [
            {
                "contrast": each.contrast,
                "seen": SEEN,
                "diameter_px": None if each.smallest is None else round(self.pixels(each.smallest), 1),
                "area_percent": None if each.smallest is None else round(self.area_percent(each.smallest), 4),
                "tried": [
                    {"diameter_px": round(self.pixels(diameter), 1), "seen": share}
                    for diameter, share in zip(each.diameters, each.shares, strict=True)
                ],
            }
            for each in self.contrasts
        ]


def find_sensitivity(
    score: Callable[[Picture], float], pictures: Picture, threshold: float, *, scale: float, seed: int
) -> Sensitivity:
    """Judge good ``pictures``, uint8 (n, height, width, 3), with spots. ``scale``: of ``Sensitivity``.

    Those that are NG without any spot are left out: a spot on them would pass for seen.
    """
    plain = np.array([score(picture) for picture in pictures])
    pictures = pictures[plain < max(threshold, np.nextafter(plain.min(), np.inf))]
    found = []
    for contrast in CONTRASTS:
        shares: list[float] = []
        for diameter in DIAMETERS:
            random = np.random.default_rng(seed)  # the same places at every size: curves that can be compared
            seen = [
                score(draw_spot(pictures[number % len(pictures)], diameter, contrast, random)) >= threshold
                for number in range(_PICTURES)
            ]
            shares.append(float(np.mean(seen)))
            if shares[-1] < _HOPELESS:
                break
        tried = DIAMETERS[: len(shares)]
        found.append(Contrast(contrast, tried, tuple(shares), _smallest(tried, shares)))
    height, width = pictures.shape[1:3]
    return Sensitivity(tuple(found), height, width, scale)


def draw_spot(picture: Picture, diameter: float, contrast: float, random: np.random.Generator) -> Picture:
    """Return a copy of ``picture`` (height, width, 3) with a round spot, towards the farther end of grey."""
    height, width = picture.shape[:2]
    radius = diameter * min(height, width) / 2
    x, y = (random.uniform(0.1, 0.9) * length for length in (width, height))
    inside = np.zeros((height, width), np.float32)
    shift = 4  # cv2 draws with sixteenths of a pixel
    cv2.circle(
        inside,
        (round(x * 2**shift), round(y * 2**shift)),
        round(radius * 2**shift),
        1.0,
        -1,
        cv2.LINE_8,
        shift,
    )
    inside = np.asarray(cv2.GaussianBlur(inside, (0, 0), 0.6), np.float32)  # no lens is sharper
    under = picture[max(0, int(y)) : int(y) + 1, max(0, int(x)) : int(x) + 1].mean()
    towards = 1.0 if under < 128 else -1.0  # noqa: PLR2004 - half of white
    spotted = picture.astype(np.float32) + (towards * contrast * 255.0) * inside[:, :, None]
    return np.clip(spotted + 0.5, 0.0, 255.0).astype(np.uint8)


def _smallest(diameters: Sequence[float], shares: Sequence[float]) -> float | None:
    """Return the diameter at which the share falls below ``SEEN``, on a line between the two around it.

    All larger ones are seen as often. On the logarithm of the diameter; the last when none falls below.
    """
    if shares[0] < SEEN:
        return None
    for larger, smaller, above, below in zip(diameters, diameters[1:], shares, shares[1:], strict=False):
        if below < SEEN:
            way = (above - SEEN) / (above - below)
            return float(larger * (smaller / larger) ** way)
    return diameters[len(shares) - 1]
