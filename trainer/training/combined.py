"""STFPM and the memory bank in one network: three questions of one part, on one pass of the teacher.

The student asks whether a place looks like anything that was learned, the mean by place whether it belongs
there, the bank whether any good photograph had a patch like it. Each fails on other defects. Over STFPM it
costs one matrix product.
"""

from torch import Tensor, nn

from trainer.training.memory_bank import MemoryBank
from trainer.training.network import StudentTeacher


class CombinedNetwork(nn.Module):
    """uint8 BGR (n, H, W, 3) -> the maps of ``StudentTeacher``, then the bank's, each float32 (n, 1, h, w).

    The bank describes patches by the pair's teacher: its own must have the same weights.
    """

    def __init__(self, pair: StudentTeacher, bank: MemoryBank) -> None:
        super().__init__()
        self.pair = pair
        self.bank = bank

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Measure by student, place and bank."""
        wanted, given = self.pair.features(pictures)
        return [
            *self.pair.compare(wanted, given),
            self.bank.distances(self.bank.describer.of(wanted)),
        ]
