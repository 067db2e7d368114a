"""Surfaces are never even: grain, weave, smudges and dust, each a pure function of a random generator."""

import cv2
import numpy as np

from edge_service.simulation.patch import Plane


def cloud(rng: np.random.Generator, width: int, height: int, size_px: float) -> Plane:
    """Return smooth noise with features of about ``size_px``, deviation about 1, (height, width)."""
    columns, rows = max(2, round(width / size_px)) + 3, max(2, round(height / size_px)) + 3
    coarse = rng.standard_normal((rows, columns), np.float32)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(smooth * 1.3, np.float32)


def grain(rng: np.random.Generator, width: int, height: int, *sizes_px: float) -> Plane:
    """Return noise of several feature sizes, coarse ones strongest, deviation about 1, (height, width)."""
    layers = [
        cloud(rng, width, height, size) / (1 + index) for index, size in enumerate(sorted(sizes_px)[::-1])
    ]
    total = np.sum(layers, axis=0)
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)


def weave(width: int, height: int, pitch_px: float) -> Plane:
    """Return glass cloth, -1..1: threads over and under at ``pitch_px``, as FR4 shows through solder mask."""
    x = np.arange(width, dtype=np.float32) * (np.pi / pitch_px)
    y = np.arange(height, dtype=np.float32) * (np.pi / pitch_px)
    return np.asarray(np.sin(x)[None, :] * np.sin(y)[:, None], np.float32)


def streaks(rng: np.random.Generator, width: int, height: int, *, length_px: int) -> Plane:
    """Return fine horizontal brushing, deviation about 1, (height, width)."""
    noise = rng.standard_normal((height, width), np.float32)
    drawn = cv2.blur(noise, (length_px, 1), borderType=cv2.BORDER_REFLECT)
    return np.asarray(drawn / max(float(drawn.std()), 1e-6), np.float32)
