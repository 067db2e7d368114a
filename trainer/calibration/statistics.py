"""What distance is usual at each place of a good part, per layer.

Edges, glints and textures that vary are always further from the student than plain surfaces. Every
place is therefore measured in spreads above what is usual there. A handful of photographs says little
of one place alone, so mean and variance are shared with its neighbourhood, and the spread never
falls below a part of the layer's own: a place that was calm by chance must not shout.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from trainer.domain import Maps

_FLOOR = 1.0  # of the layer's spread


@dataclass(frozen=True, slots=True)
class MapStatistics:
    """Usual distance and its spread for one layer, each float32 (h, w)."""

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]


def fit_statistics(layers: Sequence[Maps], neighbourhood: float) -> tuple[MapStatistics, ...]:
    """Measure good maps, one float32 (n, h, w) a layer, finest first.

    ``neighbourhood``: spread in places of the finest layer over which mean and variance are shared.
    """
    finest = layers[0].shape[1]
    return tuple(_fit(maps, neighbourhood * maps.shape[1] / finest) for maps in layers)


def _fit(maps: Maps, width: float) -> MapStatistics:
    mean = maps.mean(0, dtype=np.float64)
    variance = maps.astype(np.float64).var(0)
    shared = _smooth(mean, width)
    spread_out = _smooth(variance + (mean - shared) ** 2, width)
    spread = np.sqrt(spread_out + _FLOOR**2 * spread_out.mean() + np.finfo(np.float32).tiny)
    return MapStatistics(shared.astype(np.float32), spread.astype(np.float32))


def _smooth(picture: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    blurred = cv2.GaussianBlur(picture, (0, 0), max(width, 0.3), borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.float64)
