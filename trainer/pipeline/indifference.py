"""Whether it matters which way round a part lies, as the photographs themselves show.

A photograph is measured by a memory bank of the others, as it is and in each other way that it could lie.
Where that makes no difference, a model of these photographs as they are would judge a part so turned like any
good one: to learn from turned ones too takes nothing away, and shows the model more good parts. Measured on
real photographs, four at a time: 0.92 to 1.05 times the distance on biscuits, magnet tiles and solar cells in
the ways they may lie, 1.5 and more for cells turned by a quarter and for boards, 1.1 to 1.7 for crates.
"""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from trainer.calibration.score_head import score_maps
from trainer.datasets.symmetry import Symmetry, possible
from trainer.domain import Picture
from trainer.pipeline.bank import bank_maps, raw_head
from trainer.training.memory_bank import MemoryBank, PatchDescriber, describe, make_describer, remember

FEWEST = 3  # photographs: of two, neither tells what is usual
MOST_LOOKED_AT = 12  # photographs: more tell the same
NO_DIFFERENCE = 1.06  # times the distance as it is, in the mean of the photographs


def find_symmetries(teacher: nn.Module, photographs: Picture, seed: int) -> tuple[Symmetry, ...]:
    """Return the ways in which ``photographs``, uint8 (n, H, W, 3) at the model's size, may lie as well.

    ``teacher``: gives layer2 and layer3.
    """
    looked_at = photographs[:MOST_LOOKED_AT]
    if len(looked_at) < FEWEST:
        return ()
    describer = make_describer(teacher, looked_at).eval()
    known = describe(describer, looked_at)
    as_it_is = _held_out(describer, known, known, seed)
    found = []
    for symmetry in possible(*photographs.shape[1:3]):
        turned = _held_out(describer, known, describe(describer, symmetry.of(looked_at)), seed)
        if np.exp(np.log(turned / as_it_is).mean()) <= NO_DIFFERENCE:
            found.append(symmetry)
    return tuple(found)


def _held_out(describer: PatchDescriber, known: Tensor, turned: Tensor, seed: int) -> NDArray[np.float64]:
    """Score each of ``turned`` by a bank of all ``known`` but its own."""
    scores = []
    for number in range(len(known)):
        others = [other for other in range(len(known)) if other != number]
        bank = MemoryBank(describer, remember(known[others], seed))
        maps = bank_maps(bank, turned[number : number + 1])
        scores.append(score_maps(raw_head(maps.shape[1:]), [maps])[0])
    return np.asarray(scores) + np.finfo(np.float32).eps
