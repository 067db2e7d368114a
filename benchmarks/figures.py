"""The figures by which judgement is compared, computed from scores and maps alone.

AUPRO (Bergmann et al., The MVTec Anomaly Detection Dataset, IJCV 2021, section 4): the share of each defect's
region that lies above a threshold, averaged over regions, over the share of defect-free pixels above it, from
0 to ``MOST_FALSE``, divided by ``MOST_FALSE``.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 256  # maps and masks are compared at this size, whatever a method's own
MOST_FALSE = 0.3
_LEVELS = 200  # thresholds between 0 and MOST_FALSE

Scores = NDArray[np.float64]
Maps = NDArray[np.float32]
Masks = NDArray[np.bool_]


def auroc(good: Scores, bad: Scores) -> float:
    """Return the share of pairs in which the defective one scores higher; ties count half."""
    both = np.concatenate([good, bad]).astype(np.float64)
    _, places, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    above = ranks[len(good) :].sum() - len(bad) * (len(bad) + 1) / 2
    return float(above / (len(good) * len(bad)))


def rates(good: Scores, bad: Scores, threshold: float) -> tuple[float, float]:
    """Return the shares of good parts rejected and of defective parts missed at ``threshold``."""
    return float(np.mean(good >= threshold)), float(np.mean(bad < threshold))


def misses_at(good: Scores, bad: Scores, false_rejects: float) -> float:
    """Return the share of ``bad`` missed with the threshold set, by looking, to this many false rejects."""
    allowed = round(false_rejects * len(good))
    if allowed == 0:
        return float(np.mean(bad <= good.max()))
    return float(np.mean(bad < np.sort(good)[::-1][allowed - 1]))


def at_common_size(anomaly_map: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring a map to the size at which pixels are compared."""
    return np.asarray(cv2.resize(anomaly_map, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR), np.float32)


def mask_at_common_size(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Likewise a mask: a pixel counts where half of it is inside, and no defect vanishes."""
    part = cv2.resize(mask.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    inside: NDArray[np.bool_] = part >= min(0.5, float(part.max()) or 1.0)
    return inside


def pixel_auroc(maps: Maps, masks: Masks) -> float:
    """Return the AUROC over all pixels of all pictures, (n, h, w) both."""
    return auroc(maps[~masks], maps[masks])


def aupro(maps: Maps, masks: Masks) -> float:
    """Return the area under the per-region overlap curve up to ``MOST_FALSE``."""
    calm = np.sort(maps[~masks])
    false = np.linspace(0.0, MOST_FALSE, _LEVELS + 1)
    thresholds = calm[np.clip(((1.0 - false) * len(calm)).astype(np.int64), 0, len(calm) - 1)]
    overlaps = [
        1.0 - np.searchsorted(np.sort(values), thresholds) / len(values) for values in _regions(maps, masks)
    ]
    return float(np.trapezoid(np.mean(overlaps, axis=0), false) / MOST_FALSE)


def _regions(maps: Maps, masks: Masks) -> Sequence[NDArray[np.float32]]:
    """Return the map's values in each connected defect."""
    found = []
    for anomaly_map, mask in zip(maps, masks, strict=True):
        count, labels = cv2.connectedComponents(mask.astype(np.uint8))
        found += [anomaly_map[labels == number] for number in range(1, count)]
    return found
