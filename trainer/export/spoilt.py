"""Good pictures with drawn defects: scratches, blots, dents, missing patches.

Not to learn from, and not like real defects; they only bring a graph to where its scores are high, so that
two variants of it can be compared there.
"""

from collections.abc import Callable

import cv2
import numpy as np

from trainer.domain import Picture

_Random = np.random.Generator


def spoil(pictures: Picture, *, seed: int) -> Picture:
    """Return each of ``pictures``, uint8 (n, height, width, 3), with one defect, the kinds in turn."""
    random = np.random.default_rng(seed)
    return np.stack([_KINDS[n % len(_KINDS)](each.copy(), random) for n, each in enumerate(pictures)])


def _scratch(picture: Picture, random: _Random) -> Picture:
    (x, y), side = _place(picture, random), min(picture.shape[:2])
    angle, length = random.uniform(0, np.pi), side * random.uniform(0.15, 0.35)
    end = (round(x + length * np.cos(angle)), round(y + length * np.sin(angle)))
    shade = 255 if picture[y, x].mean() < 128 else 0  # noqa: PLR2004 - half of white
    cv2.line(picture, (x, y), end, (shade,) * 3, max(1, side // 100), cv2.LINE_AA)
    return picture


def _blot(picture: Picture, random: _Random) -> Picture:
    centre, side = _place(picture, random), min(picture.shape[:2])
    axes = (
        max(2, round(side * random.uniform(0.02, 0.06))),
        max(2, round(side * random.uniform(0.02, 0.06))),
    )
    colour = tuple(int(value) for value in random.integers(0, 256, 3))
    cv2.ellipse(picture, centre, axes, random.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
    return picture


def _smear(picture: Picture, random: _Random) -> Picture:
    top, left, side = _window(picture, random)
    part = picture[top : top + side, left : left + side]
    part[:] = cv2.GaussianBlur(part, (0, 0), max(1.0, side / 6))
    return picture


def _swap(picture: Picture, random: _Random) -> Picture:
    top, left, side = _window(picture, random)
    other_top, other_left, _ = _window(picture, random)
    taken = picture[other_top : other_top + side, other_left : other_left + side][::-1].copy()
    picture[top : top + taken.shape[0], left : left + taken.shape[1]] = taken
    return picture


_KINDS: tuple[Callable[[Picture, _Random], Picture], ...] = (_scratch, _blot, _smear, _swap)


def _place(picture: Picture, random: _Random) -> tuple[int, int]:
    height, width = picture.shape[:2]
    return int(random.uniform(0.2, 0.8) * width), int(random.uniform(0.2, 0.8) * height)


def _window(picture: Picture, random: _Random) -> tuple[int, int, int]:
    height, width = picture.shape[:2]
    side = max(4, round(min(height, width) * 0.15))
    return int(random.integers(0, height - side)), int(random.integers(0, width - side)), side
