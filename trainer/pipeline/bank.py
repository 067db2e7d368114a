"""A memory bank: remember the photographs' patches, and measure each photograph without its own.

Held-out scores need no training: a photograph's variations are measured by a bank of the others. That bank
is smaller than the shipped one, so its scores are a little high: the threshold errs to fewer false rejects.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from trainer.calibration.cross_validation import Calibration
from trainer.calibration.score_head import ScoreHead, score_maps
from trainer.calibration.statistics import even_statistics
from trainer.calibration.threshold import HeldOutScores
from trainer.datasets.variation import VariedPictures
from trainer.domain import Maps, Picture
from trainer.pipeline.separation import Separation
from trainer.training.memory_bank import MemoryBank, describe, make_describer, remember

_BORDER = 1  # places: half as many as STFPM's, for they are twice as large
_SMOOTHING = 1.0  # places


@dataclass(frozen=True, slots=True)
class LearnedBank:
    """The shipped network and head, held-out scores, and how far spoilt held-out pictures stand out."""

    network: MemoryBank
    head: ScoreHead
    calibration: Calibration
    separation: Separation


def learn_bank(
    teacher: nn.Module,
    photographs: Picture,
    to_score: VariedPictures,
    spoilt: Picture,
    *,
    seed: int,
    on_step: Callable[[int, int], None],
) -> LearnedBank:
    """Build the bank of ``photographs``, uint8 (n, H, W, 3) at the model's size.

    ``teacher``: gives layer2 and layer3. ``spoilt``: every picture of ``to_score`` with a drawn defect.
    """
    steps = len(photographs) + 1
    describer = make_describer(teacher, photographs).eval()
    whole, good, bad = (describe(describer, pictures) for pictures in (photographs, to_score.pixels, spoilt))
    on_step(1, steps)
    good_maps, bad_maps = (np.empty((len(good), *good.shape[2:]), np.float32) for _ in range(2))
    for owner in range(len(photographs)):
        of_owner = to_score.owners == owner
        others = [number for number in range(len(photographs)) if number != owner] or [owner]
        bank = MemoryBank(describer, remember(whole[others], seed))
        good_maps[of_owner] = _maps(bank, good[torch.from_numpy(of_owner)])
        bad_maps[of_owner] = _maps(bank, bad[torch.from_numpy(of_owner)])
        on_step(owner + 2, steps)
    statistics = (even_statistics(good_maps),)
    head = ScoreHead(statistics, border=_BORDER, smoothing=_SMOOTHING)
    scores = score_maps(head, [good_maps])
    network = MemoryBank(describer, remember(whole, seed)).eval()
    return LearnedBank(
        network,
        head,
        Calibration(statistics, HeldOutScores(scores, to_score.owners)),
        Separation(scores, score_maps(head, [bad_maps])),
    )


@torch.no_grad()
def _maps(bank: MemoryBank, descriptions: Tensor) -> Maps:
    maps: Maps = torch.cat([bank.distances(each) for each in torch.split(descriptions, 4)])[:, 0].numpy()
    return maps
