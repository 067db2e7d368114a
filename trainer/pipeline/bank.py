"""A memory bank: remember the photographs' patches, and measure each photograph without its own.

Held-out distances need no training: a photograph's variations are measured by a bank of the others. That bank
is smaller than the shipped one, so its distances are a little large. By how much, the step from leaving two
photographs out to leaving one out tells (distances fall by a power of the number of photographs).

The largest distances of good parts differ by about a twelfth of their level from part to part, on calm and on
restless products alike (0.06 to 0.15, measured). The score is therefore measured against that level, in such
units that good parts lie about half a spread above usual and differ as ``calibration.threshold`` expects.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainer.calibration.cross_validation import Calibration
from trainer.calibration.score_head import ScoreHead, score_maps
from trainer.calibration.statistics import MapStatistics
from trainer.calibration.threshold import HeldOutScores
from trainer.datasets.variation import VariedPictures
from trainer.domain import Maps, Picture
from trainer.pipeline.separation import Separation
from trainer.training.memory_bank import MemoryBank, describe, make_describer, remember

_BORDER = 1  # places: half as many as STFPM's, for they are twice as large
_SMOOTHING = 1.0  # places
_SPREAD = 0.35  # what counts as one spread, in parts of the level
_USUAL = 0.5  # spreads: the score of a good part at the level
_LEFT_OUT = 2  # photographs, to see what one more does
_FEW = 6  # photographs: with more, one fewer makes no difference worth measuring


@dataclass(frozen=True, slots=True)
class LearnedBank:
    """The shipped network and head, held-out scores, and how far spoilt held-out pictures stand out.

    ``good``, ``spoilt``: held-out maps, float32 (n, h, w), of the pictures that were to score.
    """

    network: MemoryBank
    calibration: Calibration
    separation: Separation
    good: Maps
    spoilt: Maps

    def usual(self) -> MapStatistics:
        """Return what is usual, for a head with other maps beside: the same at every place."""
        return _statistics(self.good.shape[1:], float(self.good.mean()), float(self.good.std()))


def learn_bank(
    teacher: nn.Module,
    photographs: VariedPictures,
    to_score: VariedPictures,
    spoilt: Picture,
    *,
    seed: int,
    on_step: Callable[[int, int], None],
) -> LearnedBank:
    """Build the bank of ``photographs`` at the model's size, each in all the ways that it may lie.

    ``teacher``: gives layer2 and layer3. ``spoilt``: every picture of ``to_score`` with a drawn defect.
    """
    count = int(photographs.owners.max()) + 1
    steps = count + 1
    describer = make_describer(teacher, photographs.pixels).eval()
    whole, good, bad = (
        describe(describer, pictures) for pictures in (photographs.pixels, to_score.pixels, spoilt)
    )

    def of_all_but(*left_out: int) -> MemoryBank:
        kept = ~np.isin(photographs.owners, left_out) if count > len(left_out) else photographs.owners >= 0
        return MemoryBank(describer, remember(whole[torch.from_numpy(kept)], seed))

    on_step(1, steps)
    good_maps, bad_maps, poorer_maps = (np.empty((len(good), *good.shape[2:]), np.float32) for _ in range(3))
    for owner in range(count):
        of_owner = to_score.owners == owner
        bank = of_all_but(owner)
        good_maps[of_owner] = bank_maps(bank, good[torch.from_numpy(of_owner)])
        bad_maps[of_owner] = bank_maps(bank, bad[torch.from_numpy(of_owner)])
        if _worth_measuring(count):
            poorer = of_all_but(owner, (owner + 1) % count)
            poorer_maps[of_owner] = bank_maps(poorer, good[torch.from_numpy(of_owner)])
        on_step(owner + 2, steps)
    raw = raw_head(good.shape[2:])
    if _worth_measuring(count):
        step = _level(score_maps(raw, [good_maps])) / _level(score_maps(raw, [poorer_maps]))
        share = next_step(step, count)
        good_maps, bad_maps = good_maps * np.float32(share), bad_maps * np.float32(share)
    level = _level(score_maps(raw, [good_maps]))
    spread = level * _SPREAD
    head = _head(_statistics(good.shape[2:], level - _USUAL * spread, spread))
    scores = score_maps(head, [good_maps])
    network = of_all_but().eval()
    return LearnedBank(
        network,
        Calibration(head, HeldOutScores(scores, to_score.owners)),
        Separation(scores, score_maps(head, [bad_maps])),
        good_maps,
        bad_maps,
    )


def next_step(step: float, photographs: int) -> float:
    """Return what distances come to when the last photograph joins: a share of 1 at most.

    ``step``: what they came to when the last but one joined. Both follow one power of the number.
    """
    power = min(0.0, np.log(step) / np.log((photographs - 1) / (photographs - 2)))
    return float((photographs / (photographs - 1)) ** power)


def _worth_measuring(photographs: int) -> bool:
    """Tell whether one photograph remains when two are left out, and whether one makes a difference."""
    return _LEFT_OUT < photographs <= _FEW


def _level(scores: NDArray[np.float64]) -> float:
    return float(np.exp(np.log(scores + np.finfo(np.float32).eps).mean()))


def _statistics(shape: Sequence[int], mean: float, spread: float) -> MapStatistics:
    """Return the same at every place: place statistics on this map measured worse."""
    least = float(np.finfo(np.float32).eps)
    return MapStatistics(
        np.full(tuple(shape), mean, np.float32), np.full(tuple(shape), max(spread, least), np.float32)
    )


def raw_head(shape: Sequence[int]) -> ScoreHead:
    """Return what scores distance maps of this height and width in the units that they have."""
    return _head(_statistics(shape, 0.0, 1.0))


def _head(statistics: MapStatistics) -> ScoreHead:
    return ScoreHead((statistics,), border=_BORDER, smoothing=_SMOOTHING, own_level=0.0)


@torch.no_grad()
def bank_maps(bank: MemoryBank, descriptions: Tensor) -> Maps:
    """Return the distance maps of descriptions (n, dimensions, h, w), float32 (n, h, w)."""
    maps: Maps = torch.cat([bank.distances(each) for each in torch.split(descriptions, 4)])[:, 0].numpy()
    return maps
