"""The student-teacher pair (STFPM): anomalib's network, built without a network connection.

Student-Teacher Feature Pyramid Matching, Wang et al. 2021, https://arxiv.org/abs/2103.04257. The frozen
teacher describes every place of a picture by features of its first three stages; the student learns to
give the same features on good parts only, and fails to where a part shows something else.

Different from the paper and from anomalib's defaults, because it measured better from a few photographs:

- a channel of the teacher is brought to mean 0 and spread 1 over the training pictures, and compared by
  squared difference. Comparing directions only (cosine) throws away how strong a feature is, which is
  half of what tells a defect;
- maps stay at the resolution of their layer; enlarging and combining them is calibration's business.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from trainer.domain import PIXEL_MEAN, PIXEL_STD
from trainer.quiet import importing_quietly

with importing_quietly():
    from anomalib.models.components import TimmFeatureExtractor
    from anomalib.models.image.stfpm.torch_model import STFPMModel

_LEAST_SPREAD = 0.01  # of a layer's whole spread: a dead channel must not shout


@dataclass(frozen=True, slots=True)
class ChannelStatistics:
    """Mean and spread of every channel of one layer over the training pictures, each (1, channels, 1, 1)."""

    mean: Tensor
    spread: Tensor

    @classmethod
    def of(cls, features: Tensor) -> "ChannelStatistics":
        """Measure ``features`` (n, channels, height, width)."""
        values = features.float()
        spread = values.std((0, 2, 3), keepdim=True) + _LEAST_SPREAD * values.std()
        return cls(values.mean((0, 2, 3), keepdim=True), spread)

    def normalise(self, features: Tensor) -> Tensor:
        """Bring features of this layer to mean 0 and spread 1, float32."""
        return (features.float() - self.mean) / self.spread


def build_student(backbone: str, layers: Sequence[str]) -> nn.Module:
    """Return a network like the teacher's with random weights drawn from torch's generator."""
    student: nn.Module = TimmFeatureExtractor(backbone, list(layers), pre_trained=False, requires_grad=True)
    return student


def distance_map(target: Tensor, answer: Tensor) -> Tensor:
    """Mean squared difference over channels: (n, channels, h, w) twice -> (n, 1, h, w)."""
    return (target - answer.float()).pow(2).mean(1, keepdim=True)


class StudentTeacher(nn.Module):
    """uint8 BGR (n, H, W, 3) -> one distance map a layer, each float32 (n, 1, h, w), not negative."""

    def __init__(self, pair: STFPMModel, statistics: Sequence[ChannelStatistics]) -> None:
        super().__init__()
        self.pair = pair
        self.means = nn.ParameterList([nn.Parameter(layer.mean, requires_grad=False) for layer in statistics])
        self.spreads = nn.ParameterList(
            [nn.Parameter(layer.spread, requires_grad=False) for layer in statistics]
        )

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Compare the student's features with the teacher's normalised ones."""
        inputs = as_input(pictures)
        wanted, given = self.pair.teacher_model(inputs), self.pair.student_model(inputs)
        return [
            distance_map((target.float() - mean) / spread, answer)
            for target, answer, mean, spread in zip(
                wanted.values(), given.values(), self.means, self.spreads, strict=True
            )
        ]


def pair_up(teacher: nn.Module, student: nn.Module, backbone: str) -> STFPMModel:
    """Return anomalib's STFPM model around two networks that exist already.

    Its own constructor would fetch published teacher weights; everything else of it is used as it is.
    """
    pair = STFPMModel.__new__(STFPMModel)
    nn.Module.__init__(pair)
    pair.tiler = None
    pair.backbone = backbone
    pair.teacher_model = teacher
    pair.student_model = student
    return pair.eval()


def as_input(pictures: Tensor) -> Tensor:
    """uint8 BGR (n, H, W, 3) -> RGB float32 (n, 3, H, W) at the mean and spread that the teacher expects."""
    colours = pictures.permute(0, 3, 1, 2).flip(1).float()
    mean = torch.tensor(PIXEL_MEAN, device=pictures.device).view(1, 3, 1, 1)
    std = torch.tensor(PIXEL_STD, device=pictures.device).view(1, 3, 1, 1)
    return (colours / 255.0 - mean) / std
