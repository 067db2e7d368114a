"""The student-teacher pair (STFPM): anomalib's network, built without a network connection.

Student-Teacher Feature Pyramid Matching, Wang et al. 2021, https://arxiv.org/abs/2103.04257. The frozen
teacher describes every place of a picture by features of its first three stages; the student learns to
give the same features on good parts only, and fails to where a part shows something else.

Different from the paper and from anomalib's defaults, because it measured better from a few photographs:

- a channel of the teacher is brought to mean 0 and spread 1 over the training pictures, and learned by
  squared difference: the direction alone (cosine) throws away how strong a feature is;
- each layer gives two maps, because each sees defects that the other misses: the relative squared error
  between teacher and student (this looks like nothing that was learned), and the cosine between the
  teacher and its own mean at this place over the training pictures (this does not belong here: a missing
  part bares a surface that is good elsewhere). The second costs no multiplication worth counting;
- maps stay at the resolution of their layer; enlarging and combining them is calibration's business.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from trainer.network_input import as_input
from trainer.quiet import importing_quietly

with importing_quietly():
    from anomalib.models.components import TimmFeatureExtractor
    from anomalib.models.image.stfpm.torch_model import STFPMModel

_LEAST_LENGTH = 1e-6  # squared
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


def squared_error(target: Tensor, answer: Tensor) -> Tensor:
    """Mean squared difference over channels: (n, channels, h, w) twice -> (n, 1, h, w)."""
    return (target - answer.float()).pow(2).mean(1, keepdim=True)


def disagreement(target: Tensor, answer: Tensor) -> Tensor:
    """One minus the cosine over channels: from 0 (same direction) to 2."""
    along = (target * answer.float()).sum(1, keepdim=True)
    lengths = squares(target) * squares(answer.float())
    return 1.0 - along * (lengths + _LEAST_LENGTH).rsqrt()


def distances(target: Tensor, answer: Tensor, place: Tensor) -> list[Tensor]:
    """Return relative error and displacement, each (n, 1, h, w), of one layer.

    Relative error: squared error over the strength of the target plus that of an average place (1). The two
    are made of three sums over the channels, for reading the features is what they cost.
    """
    channels = target.shape[1]
    error = squares(target - answer.float())
    strength = squares(target)
    along_place = (target * place).sum(1, keepdim=True)
    return [
        error / (strength + channels),
        1.0 - along_place * (strength * squares(place) + _LEAST_LENGTH).rsqrt(),
    ]


def squares(features: Tensor) -> Tensor:
    """Sum of squares over channels: (n, channels, h, w) -> (n, 1, h, w)."""
    return features.pow(2).sum(1, keepdim=True)


class StudentTeacher(nn.Module):
    """uint8 BGR (n, H, W, 3) -> two distance maps a layer, each float32 (n, 1, h, w) from 0.

    In the order of the layers: relative error and displacement of the first, of the second, ...
    ``places``: each layer's mean normalised features over the training pictures, (1, channels, h, w).
    """

    def __init__(
        self, pair: STFPMModel, statistics: Sequence[ChannelStatistics], places: Sequence[Tensor]
    ) -> None:
        super().__init__()
        self.pair = pair
        self.places = nn.ParameterList([nn.Parameter(place.float(), requires_grad=False) for place in places])
        self.means = nn.ParameterList([nn.Parameter(layer.mean, requires_grad=False) for layer in statistics])
        self.spreads = nn.ParameterList(
            [nn.Parameter(layer.spread, requires_grad=False) for layer in statistics]
        )

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Compare the student's features with the teacher's normalised ones."""
        return self.compare(*self.features(pictures))

    def features(self, pictures: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Return the teacher's raw features and the student's answers, by layer."""
        inputs = as_input(pictures)
        return self.pair.teacher_model(inputs), self.pair.student_model(inputs)

    def compare(self, wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> list[Tensor]:
        """Return the maps of what ``features`` returned."""
        maps: list[Tensor] = []
        for target, answer, mean, spread, place in zip(
            wanted.values(), given.values(), self.means, self.spreads, self.places, strict=True
        ):
            normal = (target.float() - mean) / spread
            maps += distances(normal, answer, place)
        return maps


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
