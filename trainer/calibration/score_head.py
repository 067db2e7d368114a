"""From distance maps to one anomaly map and one score: the last layer of the exported graph.

Each layer's map is measured against what is usual at each place (``statistics``), brought to the finest
layer's resolution, averaged over layers and smoothed; the score is the mean of the few largest values,
so that no single pixel decides. Everything is in spreads above usual: a good part is at a few, whatever
the product.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from edge_service.contract.manifest import ScoreDefinition
from trainer.calibration.statistics import MapStatistics
from trainer.domain import Maps

TOP_FRACTION = 0.002  # of the map: 8 of 64 x 64 places, the size of the smallest defect worth finding
SMOOTHING = 1.0  # places


class ScoreHead(nn.Module):
    """Distance maps, one (n, 1, h, w) a layer -> score (n,), anomaly map (n, 1, h0, w0)."""

    def __init__(self, statistics: Sequence[MapStatistics], top_fraction: float = TOP_FRACTION) -> None:
        super().__init__()
        self.means = nn.ParameterList([_constant(layer.mean) for layer in statistics])
        self.spreads = nn.ParameterList([_constant(layer.spread) for layer in statistics])
        height, width = statistics[0].mean.shape
        self.size = (height, width)
        self.count = max(1, round(top_fraction * height * width))
        self.definition = ScoreDefinition(kind="top_mean", parameters={"fraction": top_fraction})
        kernel = _gaussian(SMOOTHING)
        self.across = nn.Parameter(kernel.view(1, 1, 1, -1), requires_grad=False)
        self.down = nn.Parameter(kernel.view(1, 1, -1, 1), requires_grad=False)

    def forward(self, layers: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """Return score and map; both in spreads above what is usual."""
        unusual = [
            functional.interpolate((maps - mean) / spread, self.size, mode="bilinear", align_corners=False)
            for maps, mean, spread in zip(layers, self.means, self.spreads, strict=True)
        ]
        anomaly_map = self._smooth(torch.stack(unusual).mean(0)).clamp_min(0.0)
        return anomaly_map.flatten(1).topk(self.count).values.mean(1), anomaly_map

    def _smooth(self, maps: Tensor) -> Tensor:
        reach = self.across.shape[-1] // 2
        padded = functional.pad(maps, (reach, reach, reach, reach), mode="replicate")
        return functional.conv2d(functional.conv2d(padded, self.across), self.down)


@torch.no_grad()
def score_maps(head: ScoreHead, layers: Sequence[Maps]) -> NDArray[np.float64]:
    """Score many pictures' maps, one float32 (n, h, w) a layer; float64 (n,)."""
    score, _ = head([torch.from_numpy(maps)[:, None] for maps in layers])
    scores: NDArray[np.float64] = score.double().numpy()
    return scores


def _constant(values: NDArray[np.float32]) -> nn.Parameter:
    return nn.Parameter(torch.from_numpy(values)[None, None], requires_grad=False)


def _gaussian(width: float) -> Tensor:
    reach = round(2 * width)
    places = torch.arange(-reach, reach + 1, dtype=torch.float32)
    weights = torch.exp(-(places**2) / (2 * width**2))
    return weights / weights.sum()
