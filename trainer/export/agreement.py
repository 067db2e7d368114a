"""Does a variant judge as FP32 does? The gate that a quantised graph passes, or stays at home.

Three things are held against FP32 on the same good and spoilt pictures: the order of the map's places (rank
correlation), the scores, and the verdicts. A verdict counts as changed only where FP32's own score is further
from the threshold than the tolerance: closer, any rounding may tip it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from edge_service.domain.inspection import RawScore
from edge_service.inference.engine import OpenVinoEngine
from trainer.domain import Maps, Picture

MOST_DIFFERENCE = 0.05  # of the score, in parts of the threshold or of the score itself where that is larger
LEAST_CORRELATION = 0.9  # of the map's places, in the median picture; calm places are mostly noise


@dataclass(frozen=True, slots=True)
class VariantAgreement:
    """How a variant compares with FP32 over ``pictures`` pictures.

    ``score_difference``: the largest, in parts of the threshold (of the score where that is larger).
    """

    variant: str
    pictures: int
    rank_correlation: float
    score_difference: float
    changed_verdicts: int

    @property
    def passes(self) -> bool:
        """Whether the variant may judge."""
        return (
            self.changed_verdicts == 0
            and self.score_difference <= MOST_DIFFERENCE
            and self.rank_correlation >= LEAST_CORRELATION
        )


def compare(
    variant: str, engine: OpenVinoEngine, pictures: Picture, reference: Sequence[RawScore], threshold: float
) -> VariantAgreement:
    """Run ``engine`` over ``pictures`` and hold it against FP32's ``reference``."""
    found = [engine.score(picture) for picture in pictures]
    differences = np.array(
        [
            abs(ours.score - theirs.score) / max(threshold, abs(theirs.score))
            for ours, theirs in zip(found, reference, strict=True)
        ]
    )
    changed = sum(
        (ours.score >= threshold) != (theirs.score >= threshold)
        and abs(theirs.score - threshold) > MOST_DIFFERENCE * threshold
        for ours, theirs in zip(found, reference, strict=True)
    )
    correlations = [
        rank_correlation(ours.anomaly_map, theirs.anomaly_map)
        for ours, theirs in zip(found, reference, strict=True)
    ]
    return VariantAgreement(
        variant, len(found), float(np.median(correlations)), float(differences.max()), changed
    )


def rank_correlation(one: Maps, other: Maps) -> float:
    """Return Spearman's coefficient of two maps of one shape; 1 where either is even."""
    first, second = rankdata(one, axis=None), rankdata(other, axis=None)
    if first.std() == 0 or second.std() == 0:
        return 1.0
    return float(np.corrcoef(first, second)[0, 1])
