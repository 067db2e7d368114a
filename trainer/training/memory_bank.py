"""The memory bank: how far every patch of a part is from the nearest patch of the good photographs.

After PatchCore (Roth et al. 2022, https://arxiv.org/abs/2106.08265), on the frozen teacher alone: features of
its second and third stage, each averaged over its neighbourhood, describe a patch. There is no student to
train, and the graph is the teacher plus one matrix product. Different from the paper:

- patches are averaged over 5 x 5 places instead of 3 x 3, which measured better from a few photographs;
- descriptions are turned to their ``DIMENSIONS`` directions of most variance: a quarter of the
  multiplications;
- ``MOST_PATCHES`` are remembered (farthest first, so that rare patches stay), all where there are no more.

Also tried, and left out because it measured worse or no better: the place as a part of the description, and
place statistics on the distance map.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainer.domain import Picture
from trainer.network_input import as_input

BANK_LAYERS = ("layer2", "layer3")
NEIGHBOURHOOD = 5  # places of each layer, odd
DIMENSIONS = 96
MOST_PATCHES = 1024
_MOST_CANDIDATES = 16_384  # patches that a coreset is chosen from
_AT_ONCE = 8  # pictures through the network


@dataclass(frozen=True, slots=True)
class Projection:
    """The directions of most variance: ``mean`` (channels,), ``directions`` (channels, dimensions)."""

    mean: Tensor
    directions: Tensor

    @classmethod
    def of(cls, descriptions: Tensor, dimensions: int = DIMENSIONS) -> "Projection":
        """Measure ``descriptions`` (n, channels)."""
        mean = descriptions.mean(0)
        centred = descriptions - mean
        _, vectors = torch.linalg.eigh(centred.T @ centred / len(centred))
        return cls(mean, vectors[:, -dimensions:].flip(1).contiguous())


class PatchDescriber(nn.Module):
    """uint8 BGR (n, H, W, 3) -> descriptions of every patch, float32 (n, dimensions, H / 8, W / 8).

    Averaging and enlarging are linear, so they come after the projection, on fewer channels.
    """

    def __init__(self, teacher: nn.Module, projection: Projection) -> None:
        super().__init__()
        self.teacher = teacher
        fine = _channels(teacher)[-2]
        weights = projection.directions.T[:, :, None, None].contiguous()
        self.fine = nn.Parameter(weights[:, :fine].contiguous(), requires_grad=False)
        self.coarse = nn.Parameter(weights[:, fine:].contiguous(), requires_grad=False)
        self.offset = nn.Parameter(
            -(projection.mean @ projection.directions)[None, :, None, None], requires_grad=False
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Describe every patch."""
        return self.of(self.teacher(as_input(pictures)))

    def of(self, features: Mapping[str, Tensor]) -> Tensor:
        """Describe every patch of what a teacher answered; it may have answered by more layers."""
        fine, coarse = (features[layer].float() for layer in BANK_LAYERS)
        near = averaged(functional.conv2d(fine, self.fine))
        far = averaged(functional.conv2d(coarse, self.coarse))
        return near + enlarged(far, near) + self.offset


class MemoryBank(nn.Module):
    """uint8 BGR (n, H, W, 3) -> one distance map in a list, float32 (n, 1, H / 8, W / 8), from 0.

    ``patches``: (m, dimensions).
    """

    def __init__(self, describer: PatchDescriber, patches: Tensor) -> None:
        super().__init__()
        self.describer = describer
        self.patches = nn.Parameter(patches.contiguous(), requires_grad=False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Measure every patch's distance to the nearest one known."""
        return [self.distances(self.describer(pictures))]

    def distances(self, descriptions: Tensor) -> Tensor:
        """Return the map of descriptions (n, dimensions, h, w)."""
        batch, _, height, width = descriptions.shape
        flat = descriptions.flatten(2).transpose(1, 2)
        lengths = self.patches.pow(2).sum(1)
        closest = (torch.matmul(flat, 2.0 * self.patches.T) - lengths).amax(2)
        squared = flat.pow(2).sum(2) - closest
        return squared.clamp_min(0.0).sqrt().reshape(batch, 1, height, width)


def averaged(features: Tensor) -> Tensor:
    """Average over ``NEIGHBOURHOOD`` squared places, nothing beyond the edge."""
    return functional.avg_pool2d(features, NEIGHBOURHOOD, 1, NEIGHBOURHOOD // 2)


def enlarged(coarse: Tensor, like: Tensor) -> Tensor:
    """Bring a coarser layer to the places of a finer one."""
    return functional.interpolate(coarse, like.shape[2:], mode="bilinear", align_corners=False)


@torch.no_grad()
def describe(network: nn.Module, pictures: Picture) -> Tensor:
    """Run a describer over uint8 (n, H, W, 3)."""
    return torch.cat([network(batch) for batch in torch.split(torch.from_numpy(pictures), _AT_ONCE)])


@torch.no_grad()
def make_describer(teacher: nn.Module, pictures: Picture) -> PatchDescriber:
    """Return a describer whose directions are those of ``pictures``' patches."""
    answers: list[Tensor] = []
    for batch in torch.split(torch.from_numpy(pictures), _AT_ONCE):
        features = teacher(as_input(batch))
        fine, coarse = (averaged(features[layer].float()) for layer in BANK_LAYERS)
        answers.append(as_rows(torch.cat([fine, enlarged(coarse, fine)], 1)))
    return PatchDescriber(teacher, Projection.of(torch.cat(answers)))


def as_rows(descriptions: Tensor) -> Tensor:
    """Turn (n, channels, h, w) into (n * h * w, channels)."""
    return descriptions.permute(0, 2, 3, 1).reshape(-1, descriptions.shape[1])


def remember(descriptions: Tensor, seed: int, most: int = MOST_PATCHES) -> Tensor:
    """Return the patches to keep of good pictures' descriptions (n, dimensions, h, w), at most ``most``."""
    patches = as_rows(descriptions)
    if len(patches) <= most:
        return patches
    random = np.random.default_rng(seed)
    if len(patches) > _MOST_CANDIDATES:
        patches = patches[torch.from_numpy(random.permutation(len(patches))[:_MOST_CANDIDATES])]
    return patches[farthest_first(patches, most, int(random.integers(len(patches))))]


def farthest_first(patches: Tensor, count: int, first: int) -> Tensor:
    """Choose ``count`` of (m, channels): each the one farthest from all chosen before (k-centre, greedy)."""
    lengths = patches.pow(2).sum(1)
    away = torch.full((len(patches),), torch.inf)
    chosen = [first]
    for _ in range(count - 1):
        newest = patches[chosen[-1]]
        away = torch.minimum(away, lengths - 2.0 * (patches @ newest) + newest.pow(2).sum())
        chosen.append(int(away.argmax()))
    return torch.tensor(chosen)


def _channels(teacher: nn.Module) -> Sequence[int]:
    return [int(each) for each in getattr(teacher, "out_dims")]  # noqa: B009 - anomalib does not type it
