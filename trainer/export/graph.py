"""The graph that an edge runs, as a torch module: camera pixels in, raw score and raw map out.

Input ``image``: uint8 (1, H, W, 3), BGR, the model's own size. Outputs: ``score`` float32 (1,) and
``anomaly_map`` float32 (1, 1, h, w). Colour order, normalising, networks and place statistics are
inside; the threshold is not.
"""

from torch import Tensor, nn


class InspectionGraph(nn.Module):
    """``network`` (uint8 pictures -> distance maps) followed by ``head`` (maps -> score, map)."""

    def __init__(self, network: nn.Module, head: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.head = head
        self.eval()

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return score and anomaly map of uint8 BGR (1, H, W, 3)."""
        score, anomaly_map = self.head(self.network(image))
        return score, anomaly_map
