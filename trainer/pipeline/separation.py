"""How well a method tells good pictures that it has not learned from the same with a drawn defect."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata


@dataclass(frozen=True, slots=True)
class Separation:
    """Held-out scores of good pictures and of the same with a defect; comparable within one method."""

    good: NDArray[np.float64]
    spoilt: NDArray[np.float64]

    @property
    def auroc(self) -> float:
        """The share of pairs in which the spoilt picture scores higher; ties count half."""
        ranks = rankdata(np.concatenate([self.good, self.spoilt]))[len(self.good) :]
        above = ranks.sum() - len(self.spoilt) * (len(self.spoilt) + 1) / 2
        return float(above / (len(self.good) * len(self.spoilt)))


def mean_auroc(parts: Sequence[Separation]) -> float:
    """Return the mean over folds, whose scores are each of their own level."""
    return float(np.mean([part.auroc for part in parts]))
