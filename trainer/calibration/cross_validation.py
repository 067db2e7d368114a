"""Scores of good photographs that the model had not seen, and the statistics the final model ships with.

Every photograph is left out of one fold's training. That fold's network then measures variations of it,
at the final network's level: fold and final network differ in how long they learned, so a fold's maps are
scaled, layer by layer, by what both give on pictures that both have seen.

The score of a photograph left out is taken with place statistics that it had no part in either. The final
statistics use everything: what varies within photographs and what varies from one to the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.calibration.score_head import ScoreHead, score_maps
from trainer.calibration.statistics import MapStatistics, fit_statistics
from trainer.calibration.threshold import HeldOutScores
from trainer.domain import Maps

NEIGHBOURHOOD = 1.5  # places of the finest layer


@dataclass(frozen=True, slots=True)
class FoldMaps:
    """What one fold's network gives: maps of all variations, and which of them it had not seen."""

    layers: Sequence[Maps]
    unseen: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Place statistics for the final model, and scores of good pictures as if new."""

    statistics: tuple[MapStatistics, ...]
    held_out: HeldOutScores


def calibrate(final: Sequence[Maps], folds: Sequence[FoldMaps], owners: NDArray[np.int64]) -> Calibration:
    """Calibrate from the final network's maps of good variations (float32 (n, h, w) a layer).

    ``owners``: which photograph each variation is of. With no folds (one photograph) the final network's
    own maps stand in for held-out ones.
    """
    held_out = _held_out(final, folds)
    scores = np.empty(len(owners))
    for owner in np.unique(owners):
        left_out = owners == owner
        known = ~left_out if len(np.unique(owners)) > 1 else left_out
        pool = [np.concatenate([seen[known], new[known]]) for seen, new in zip(final, held_out, strict=True)]
        head = ScoreHead(fit_statistics(pool, NEIGHBOURHOOD))
        scores[left_out] = score_maps(head, [maps[left_out] for maps in held_out])
    everything = [np.concatenate(pair) for pair in zip(final, held_out, strict=True)]
    return Calibration(fit_statistics(everything, NEIGHBOURHOOD), HeldOutScores(scores, owners))


def _held_out(final: Sequence[Maps], folds: Sequence[FoldMaps]) -> list[Maps]:
    """Return maps of each variation by a network that had not seen its photograph."""
    result = [maps.copy() for maps in final]
    for fold in folds:
        seen = ~fold.unseen
        for target, mine, theirs in zip(result, final, fold.layers, strict=True):
            level = mine[seen].mean() / theirs[seen].mean()
            target[fold.unseen] = theirs[fold.unseen] * level
    return result
