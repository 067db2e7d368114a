"""STFPM with a memory bank beside it: one pass of the teacher, and how the maps are brought together."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import Tensor, nn  # noqa: E402 - after the skip

from trainer.calibration.cross_validation import (  # noqa: E402
    FoldMaps,
    HeadPlan,
    PictureMaps,
    calibrate,
)
from trainer.calibration.statistics import MapStatistics  # noqa: E402
from trainer.training.combined import CombinedNetwork  # noqa: E402
from trainer.training.memory_bank import MemoryBank, PatchDescriber, Projection, remember  # noqa: E402
from trainer.training.network import ChannelStatistics, StudentTeacher  # noqa: E402

pytestmark = pytest.mark.training
CHANNELS = (4, 6, 8)


class Features(nn.Module):
    """Stands where a ResNet does: three layers of features, a convolution each; counts its passes."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.ModuleList(
            nn.Conv2d(3, channels, 3, stride=2 ** (2 + number), padding=1)
            for number, channels in enumerate(CHANNELS)
        )
        self.out_dims = list(CHANNELS)
        self.passes = 0

    def forward(self, inputs: Tensor) -> dict[str, Tensor]:
        """Give each layer's features."""
        self.passes += 1
        return {f"layer{number}": layer(inputs) for number, layer in enumerate(self.layers, start=1)}


class Pair(nn.Module):
    """A teacher and a student, as anomalib's STFPM model holds them."""

    def __init__(self, teacher: nn.Module, student: nn.Module) -> None:
        super().__init__()
        self.teacher_model, self.student_model = teacher, student


def combined() -> tuple[CombinedNetwork, Features]:
    """Return a network over random features, and its teacher."""
    teacher, pictures = Features(1), torch.randint(0, 255, (3, 64, 96, 3), dtype=torch.uint8)
    answers = list(teacher(pictures.permute(0, 3, 1, 2) / 255.0).values())
    statistics = [ChannelStatistics.of(layer) for layer in answers]
    places = [layer.mean(0, keepdim=True) for layer in answers]
    pair = StudentTeacher(Pair(teacher, Features(2)), statistics, places)  # type: ignore[arg-type]
    directions = Projection.of(torch.randn(200, sum(CHANNELS[1:])), dimensions=5)
    describer = PatchDescriber(teacher, directions)
    bank = MemoryBank(describer, remember(describer(pictures), seed=0))
    return CombinedNetwork(pair, bank).eval(), teacher


@torch.no_grad()
def test_student_and_bank_share_one_pass_of_the_teacher() -> None:
    """Its maps are the pair's and then the bank's own, and the teacher ran once for both."""
    network, teacher = combined()
    pictures = torch.randint(0, 255, (2, 64, 96, 3), dtype=torch.uint8)
    apart = [*network.pair(pictures), *network.bank(pictures)]
    before = teacher.passes
    together = network(pictures)
    assert teacher.passes == before + 1
    assert [tuple(each.shape[2:]) for each in together] == [(16, 24)] * 2 + [(8, 12)] * 2 + [(4, 6)] * 2 + [
        (8, 12)
    ]
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in zip(apart, together, strict=True))


def test_a_known_map_joins_the_students_with_its_own_statistics_and_weight() -> None:
    """The plan's map is measured by what it was told is usual; the student's by its pictures."""
    random = np.random.default_rng(1)
    student = [random.normal(1.0, 0.1, (8, 16, 16)).astype(np.float32)]
    flat = MapStatistics(np.full((8, 8), 2.0, np.float32), np.full((8, 8), 0.5, np.float32))
    head = HeadPlan((flat,), (1.0, 3.0)).head(student)
    usual = [torch.from_numpy(student[0].mean(0))[None, None], torch.full((1, 1, 8, 8), 2.0)]
    odd = [usual[0], usual[1].clone()]
    odd[1][:, :, 3:6, 3:6] = 4.0
    assert float(head(usual)[0].detach()) < 0.5
    assert float(head(odd)[0].detach()) == pytest.approx(3.0, abs=0.6)


def test_held_out_scores_contain_the_known_map() -> None:
    """A photograph whose bank distances are large scores high, though no student says so."""
    random = np.random.default_rng(2)
    wide, mild = (random.normal(1.0, 0.1, (12, 16, 16)).astype(np.float32) for _ in range(2))
    owners = np.arange(12) % 3
    beside = np.full((12, 8, 8), 2.0, np.float32)
    beside[owners == 1, 3:6, 3:6] = 4.0
    flat = MapStatistics(np.full((8, 8), 2.0, np.float32), np.full((8, 8), 0.5, np.float32))
    folds = [FoldMaps([mild, beside], owners == owner) for owner in range(3)]
    found = calibrate(
        PictureMaps([wide], owners), PictureMaps([mild, beside], owners), folds, HeadPlan((flat,), (1.0, 1.0))
    )
    scores = found.held_out.scores
    assert scores[owners == 1].min() > scores[owners != 1].max() + 1.0
