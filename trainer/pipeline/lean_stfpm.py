"""Plain STFPM as a leaner graph: what anomalib's export computes, without what nobody reads.

Anomalib's graph takes float pixels of any size and resizes and scales them, brings every feature to length
one before it subtracts, and carries min-max scaling, thresholds, a label and a mask. Here uint8 pixels of the
model's size go in, the distance is one minus the cosine (half the squared distance of two unit vectors is
the same number), and raw score and raw map come out. The maps are enlarged before they are multiplied, as
anomalib does it: multiplied at the size of the first layer, and enlarged then, the score was up to a fifth
lower (docs/decisions/0013).

::

    ir = to_openvino(lean_stfpm(anomalib_model.model), 256, 256)
"""

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from trainer.export.graph import InspectionGraph
from trainer.network_input import as_input
from trainer.quiet import importing_quietly
from trainer.training.network import disagreement

with importing_quietly():
    from anomalib.models.image.stfpm.torch_model import STFPMModel


class _Distances(nn.Module):
    """uint8 BGR (n, H, W, 3) -> one minus cosine at every place of each layer, (n, 1, h, w) each."""

    def __init__(self, pair: STFPMModel) -> None:
        super().__init__()
        self.pair = pair

    def forward(self, pictures: Tensor) -> list[Tensor]:
        inputs = as_input(pictures)
        wanted, given = self.pair.teacher_model(inputs), self.pair.student_model(inputs)
        return [disagreement(wanted[layer], given[layer]) for layer in wanted]


class _Product(nn.Module):
    """Maps of the layers -> score (n,), their product at the picture's size (n, 1, H, W)."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.size = (height, width)

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        enlarged = [
            functional.interpolate(each, size=self.size, mode="bilinear", align_corners=False)
            for each in maps
        ]
        product = enlarged[0]
        for each in enlarged[1:]:
            product = product * each
        return product.amax((1, 2, 3)), product


def lean_stfpm(pair: STFPMModel, height: int, width: int) -> InspectionGraph:
    """Return the graph of ``pair``, which may have been trained by anomalib or here, for such pictures."""
    return InspectionGraph(_Distances(pair), _Product(height, width))
