"""Place statistics for the final model, and scores of good photographs as if it had not seen them.

The final network has seen every photograph, and scores them too low. How much too low is learned from folds:
every photograph is left out of one fold's training, and the gap between the fold that had not seen it and
those that had is taken on the same pictures with the same place statistics. The middle gap is added to the
final network's scores, on the evened-out scale of ``threshold``. The folds learn for a shorter time, so their
scores are of another level and only the gap is used. The place statistics that a photograph is scored with
have no part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trainer.calibration.score_head import ScoreHead, score_maps
from trainer.calibration.statistics import MapStatistics, fit_statistics
from trainer.calibration.threshold import HeldOutScores, as_scores, even_out
from trainer.domain import Maps

NEIGHBOURHOOD = 4.0  # places of the finest layer
GAP_OF_ONE = 0.35  # evened out: of one photograph to new parts; 0.16 and 0.41 on two calm products


@dataclass(frozen=True, slots=True)
class PictureMaps:
    """The final network's maps of good variations, float32 (n, h, w) each, and whose variations they are."""

    maps: Sequence[Maps]
    owners: NDArray[np.int64]

    def without(self, owner: int) -> list[Maps]:
        """Return the maps of all but one photograph's variations; all when there is no other photograph."""
        others = self.owners != owner
        return self.only(others if others.any() else ~others)

    def only(self, chosen: NDArray[np.bool_]) -> list[Maps]:
        """Return the maps of some of the pictures."""
        return [maps[chosen] for maps in self.maps]


@dataclass(frozen=True, slots=True)
class FoldMaps:
    """What one fold's network gives on the pictures to score, and which of them it had not seen."""

    maps: Sequence[Maps]
    unseen: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The score head of the final model, and scores of good pictures as if new."""

    head: ScoreHead
    held_out: HeldOutScores


@dataclass(frozen=True, slots=True)
class HeadPlan:
    """How the maps are brought together, whatever the student's place statistics turn out to be.

    ``known``: statistics of maps that come after the student's, and do not depend on it. ``weights``: what
    each map counts; all the same where none are given.
    """

    known: tuple[MapStatistics, ...] = ()
    weights: tuple[float, ...] = ()

    def head(self, student: Sequence[Maps]) -> ScoreHead:
        """Return the head for statistics taken from the student's maps of good pictures."""
        return ScoreHead((*fit_statistics(student, NEIGHBOURHOOD), *self.known), self.weights)


def calibrate(
    wide: PictureMaps, mild: PictureMaps, folds: Sequence[FoldMaps], plan: HeadPlan | None = None
) -> Calibration:
    """Take statistics from ``wide`` variations and held-out scores from ``mild`` ones.

    ``wide`` has the student's maps alone; ``mild`` and ``folds`` also those that ``plan`` knows, as a model
    gives them that did not see the picture. Without folds (one photograph) the final network's own scores
    and the gap that calm products have stand in for held-out ones.
    """
    plan = plan or HeadPlan()
    own = np.empty(len(mild.owners))
    levelled = [_at_level_of(mild, fold) for fold in folds]
    gaps = []
    for owner in np.unique(mild.owners):
        of_owner = mild.owners == owner
        head = plan.head(wide.without(owner))
        own[of_owner] = even_out(score_maps(head, mild.only(of_owner)))
        gaps += _gap(head, levelled, of_owner)
    gap = max(0.0, float(np.median(gaps))) if gaps else GAP_OF_ONE
    held_out = HeldOutScores(as_scores(own + gap), mild.owners)
    return Calibration(plan.head(wide.maps), held_out)


def _gap(head: ScoreHead, folds: Sequence[FoldMaps], of_owner: NDArray[np.bool_]) -> list[float]:
    """Return by how much a photograph scores higher where it had not been seen; nothing without folds."""
    new: list[float] = []
    known: list[float] = []
    for fold in folds:
        level = float(even_out(score_maps(head, [maps[of_owner] for maps in fold.maps])).mean())
        (new if fold.unseen[of_owner].all() else known).append(level)
    return [float(np.mean(new) - np.mean(known))] if new and known else []


def _at_level_of(mild: PictureMaps, fold: FoldMaps) -> FoldMaps:
    """Return the fold's maps scaled, map by map, to the final network's level on what both have seen."""
    seen = ~fold.unseen
    scaled = [
        theirs * (mine[seen].mean() / theirs[seen].mean())
        for mine, theirs in zip(mild.maps, fold.maps, strict=True)
    ]
    return FoldMaps(scaled, fold.unseen)
