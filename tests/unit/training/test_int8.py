"""The quantised twin's ranges are those of all pictures, and the teacher can be left exact."""

from collections.abc import Callable

import numpy as np
import openvino as ov
import openvino.opset15 as ops
import pytest

pytest.importorskip("nncf")
from edge_service.inference.graph import openvino_core
from trainer.export.int8 import to_int8
from trainer.export.openvino_ir import IntermediateRepresentation

pytestmark = pytest.mark.training
SIDE = 16
BRIGHTEST, USUAL = 250, 40
Written = Callable[[ov.Model], IntermediateRepresentation]


@pytest.fixture
def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Return what turns a model into its two files' bytes."""
    path = tmp_path_factory.mktemp("int8") / "model.xml"

    def write(model: ov.Model) -> IntermediateRepresentation:
        ov.save_model(model, path)
        return IntermediateRepresentation(path.read_bytes(), path.with_suffix(".bin").read_bytes())

    return write


def pair() -> ov.Model:
    """Return a teacher and a student of one convolution each, and the distance between them."""
    image = ops.parameter([1, SIDE, SIDE, 3], np.uint8, name="image")
    image.output(0).get_tensor().set_names({"image"})
    planes = ops.transpose(ops.convert(image, "f32"), ops.constant(np.array([0, 3, 1, 2])))
    answers = []
    for number, name in enumerate(("teacher", "student")):
        weights = np.random.default_rng(number).uniform(0.1, 1.0, (8, 3, 3, 3)).astype(np.float32)
        convolved = ops.convolution(planes, ops.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])
        normed = ops.add(convolved, ops.constant(np.ones((1, 8, 1, 1), np.float32)), name=f"{name}.norm")
        answers.append(ops.relu(normed))
    return ov.Model([ops.subtract(*answers)], [image], "pair")


def nodes(twin: IntermediateRepresentation) -> list[ov.Node]:
    """Return the operations of a quantised graph."""
    return list(openvino_core().read_model(model=twin.xml, weights=twin.weights).get_ordered_ops())


def whole_weights(twin: IntermediateRepresentation) -> int:
    """Return how many convolutions have weights of eight bits."""
    return sum(
        node.get_type_name() == "Constant" and node.get_element_type() == ov.Type.i8 for node in nodes(twin)
    )


def test_the_brightest_picture_sets_the_range(written: Written):
    """One picture of eight that is brighter than the others is not cut off."""
    pictures = np.full((8, SIDE, SIDE, 3), USUAL, np.uint8)
    pictures[3] = BRIGHTEST
    (first, *_) = (
        node for node in nodes(to_int8(written(pair()), pictures)) if node.get_type_name() == "FakeQuantize"
    )
    assert float(first.input_value(2).get_node().get_data().max()) >= BRIGHTEST


def test_the_teacher_can_be_left_exact(written: Written):
    """Both convolutions are rounded, or with ``exact_teacher`` the student's alone."""
    pictures = np.random.default_rng(2).integers(0, 255, (4, SIDE, SIDE, 3), np.uint8)
    assert whole_weights(to_int8(written(pair()), pictures)) == 2
    assert whole_weights(to_int8(written(pair()), pictures, "exact_teacher")) == 1
