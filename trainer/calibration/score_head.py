"""From distance maps to one anomaly map and one score: the last layer of the exported graph.

Each map is measured against what is usual at each place (``statistics``), brought to the finest resolution,
averaged and smoothed. A share of the picture's own mean is taken off: what it has everywhere is its light or
its material rather than a defect. The score is the mean of the few largest values, so that no single pixel
decides.
Everything is in spreads above usual: a good part lies below one or two, whatever the product.

Enlarging and smoothing are written as plain sums: OpenVINO computes whatever follows the last convolution or
interpolation in FP32 even where it runs the networks in BF16, and differences this fine need it.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edge_service.contract.manifest import ScoreDefinition
from trainer.calibration.statistics import MapStatistics
from trainer.domain import Maps

TOP_FRACTION = 0.004  # of the map: about the size of the smallest defect worth finding
BORDER = 2  # places along each side that count for nothing: there the networks see the world's end
SMOOTHING = 1.25  # places
OWN_LEVEL = 0.5  # of the picture's own mean, taken off its map


class ScoreHead(nn.Module):
    """Distance maps, each (n, 1, h, w) -> score (n,), anomaly map (n, 1, h0, w0) of the first map's size.

    Every map's sides are those of the first divided by 1, 2, 4 ... ``weights``: what each counts; all the
    same where none are given.
    """

    def __init__(
        self,
        statistics: Sequence[MapStatistics],
        weights: Sequence[float] = (),
        top_fraction: float = TOP_FRACTION,
        *,
        border: int = BORDER,
        smoothing: float = SMOOTHING,
        own_level: float = OWN_LEVEL,
    ) -> None:
        super().__init__()
        self.means = nn.ParameterList([_constant(known.mean) for known in statistics])
        self.spreads = nn.ParameterList([_constant(known.spread) for known in statistics])
        height, width = statistics[0].mean.shape
        self.size = (height, width)
        self.doublings = [(height // known.mean.shape[0]).bit_length() - 1 for known in statistics]
        counts = weights or [1.0] * len(statistics)
        self.shares = [count / sum(counts) for count in counts]
        self.count = max(1, round(top_fraction * (height - 2 * border) * (width - 2 * border)))
        self.border = border
        self.own_level = own_level
        self.kernel = _gaussian(smoothing)
        self.definition = ScoreDefinition(
            kind="top_mean", parameters={"fraction": top_fraction, "border": border}
        )

    def forward(self, distances: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return score and map; both in spreads above what is usual."""
        levels: dict[int, Tensor] = {}
        for maps, mean, spread, doublings, share in zip(
            distances, self.means, self.spreads, self.doublings, self.shares, strict=True
        ):
            unusual = (maps - mean) / spread * share
            levels[doublings] = levels[doublings] + unusual if doublings in levels else unusual
        anomaly_map = _smooth(_summed(levels), self.kernel).clamp_min(0.0)
        if self.own_level:
            level = self._inner(anomaly_map).mean((2, 3), keepdim=True)
            anomaly_map = (anomaly_map - self.own_level * level).clamp_min(0.0)
        return self._inner(anomaly_map).flatten(1).topk(self.count).values.mean(1), anomaly_map

    def _inner(self, maps: Tensor) -> Tensor:
        (height, width), border = self.size, self.border
        return maps[:, :, border : height - border, border : width - border]


@torch.no_grad()
def score_maps(head: ScoreHead, layers: Sequence[Maps]) -> NDArray[np.float64]:
    """Score many pictures' maps, one float32 (n, h, w) a layer; float64 (n,)."""
    score, _ = head([torch.from_numpy(maps)[:, None] for maps in layers])
    scores: NDArray[np.float64] = score.double().numpy()
    return scores


def _constant(values: NDArray[np.float32]) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(values)[None, None], requires_grad=False)


def _summed(levels: Mapping[int, Tensor]) -> Tensor:
    """Sum maps whose sides have to be doubled so often, each doubled together with the coarser ones."""
    coarsest = max(levels)
    total = levels[coarsest]
    for doublings in reversed(range(coarsest)):
        total = _double(total)
        if doublings in levels:
            total = total + levels[doublings]
    return total


def _double(maps: Tensor) -> Tensor:
    """Enlarge to twice the sides, bilinear: every value twice, then a quarter, a half and a quarter."""
    n, channels, height, width = maps.shape
    twice = maps[:, :, :, None, :, None].expand(n, channels, height, 2, width, 2)
    return _smooth(twice.reshape(n, channels, 2 * height, 2 * width), (0.25, 0.5, 0.25))


def _smooth(maps: Tensor, kernel: Sequence[float]) -> Tensor:
    """Convolve with ``kernel`` (odd length) along both sides, edges repeated."""
    reach = len(kernel) // 2
    padded = functional.pad(maps, (reach, reach, reach, reach), mode="replicate")
    height, width = maps.shape[2:]
    across = sum(weight * padded[:, :, :, at : at + width] for at, weight in enumerate(kernel))
    assert isinstance(across, Tensor)
    down = sum(weight * across[:, :, at : at + height] for at, weight in enumerate(kernel))
    assert isinstance(down, Tensor)
    return down


def _gaussian(width: float) -> tuple[float, ...]:
    reach = round(2 * width)
    weights = [math.exp(-(place**2) / (2 * width**2)) for place in range(-reach, reach + 1)]
    return tuple(weight / sum(weights) for weight in weights)
