"""The graph takes blue, green and red as they lie, and gives the same numbers."""

import warnings

import numpy as np
import openvino as ov
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge_service.inference.graph import openvino_core
from trainer.export.camera_order import take_pixels_as_they_lie
from trainer.network_input import as_input


class Two(nn.Module):
    """Two networks that look at the same picture, as a teacher and its student do."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return how their answers differ."""
        inputs = as_input(pictures)
        return (self.first(inputs) - self.second(inputs)).abs()


class Looking(Two):
    """The same, and one more that looks at the planes themselves."""

    def forward(self, pictures: Tensor) -> Tensor:
        """Return the answers beside the brightest colour."""
        inputs = as_input(pictures)
        return super().forward(pictures) + inputs.amax(1, keepdim=True)[:, :, 1:-1, 1:-1]


def graph(network: nn.Module) -> ov.Model:
    """Return the network as OpenVINO reads it."""
    example = torch.zeros(1, 12, 16, 3, dtype=torch.uint8)
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's
        return ov.convert_model(network.eval(), example_input=example, input=[([1, 12, 16, 3], ov.Type.u8)])


def run(model: ov.Model) -> NDArray[np.float32]:
    """Return what it makes of one picture, in FP32."""
    picture = np.random.default_rng(3).integers(0, 256, (1, 12, 16, 3), np.uint8)
    compiled = openvino_core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([picture])[0])


def test_no_picture_is_turned_round_any_more_and_the_numbers_are_the_same() -> None:
    """Both networks' weights are turned, the normalising comes before the planes, nothing is reversed."""
    model = graph(Two())
    before = run(model)
    assert take_pixels_as_they_lie(model)
    kinds = [node.get_type_name() for node in model.get_ordered_ops() if node.get_type_name() != "Constant"]
    assert "Slice" not in kinds
    assert kinds.index("Divide") < kinds.index("Transpose")
    assert np.allclose(run(model), before, atol=1e-5)
    assert not take_pixels_as_they_lie(model)


def test_a_graph_that_looks_at_the_colours_otherwise_is_left_alone() -> None:
    """Only convolutions may read the picture: with any other reader nothing changes."""
    model = graph(Looking())
    before = run(model)
    assert not take_pixels_as_they_lie(model)
    assert np.array_equal(run(model), before)
