"""Roundings move to where activations arise: before a max pool exactly, before other uses by one rounding."""

import numpy as np
import openvino as ov
import openvino.opset15 as ops
from numpy.typing import NDArray

from edge_service.inference.graph import openvino_core
from trainer.export.early_rounding import round_early

LEVELS = 256
MOST = 12.0  # beyond every activation here


def rounded(value: ov.Output, most: float = MOST) -> ov.Node:
    """Return ``value`` rounded as NNCF rounds activations from 0 on."""
    low, high = np.float32(0.0), np.float32(most)
    return ops.fake_quantize(value, low, high, low, high, LEVELS)


def convolved(value: ov.Output, seed: int) -> ov.Node:
    """Return a 3 x 3 convolution of 8 channels to 8 with some weights."""
    weights = np.random.default_rng(seed).normal(0, 0.2, (8, 8, 3, 3)).astype(np.float32)
    return ops.convolution(value, ops.constant(weights), [1, 1], [1, 1], [1, 1], [1, 1])


def pooled_model() -> ov.Model:
    """Return: convolution, max pool, rounding, convolution."""
    image = ops.parameter([1, 8, 16, 16], np.float32)
    pool = ops.max_pool(ops.relu(convolved(image, 1)), [2, 2], [1, 1], [0, 0], [0, 0], [2, 2]).output(0)
    return ov.Model([convolved(rounded(pool), 2)], [image])


def residual_model() -> ov.Model:
    """Return a residual block whose shortcut carries what the block's own convolution takes rounded."""
    image = ops.parameter([1, 8, 16, 16], np.float32)
    entry = ops.relu(convolved(image, 1))
    inner = rounded(ops.relu(convolved(rounded(entry.output(0)), 2)).output(0))
    return ov.Model([ops.relu(ops.add(convolved(inner, 3), entry))], [image])


def results(model: ov.Model) -> list[NDArray[np.float32]]:
    """Return everything that the model makes of one picture, in FP32."""
    picture = np.random.default_rng(0).normal(0, 1, (1, 8, 16, 16)).astype(np.float32)
    compiled = openvino_core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = compiled([picture])
    return [np.array(found[number]) for number in range(len(model.outputs))]


def run(model: ov.Model) -> NDArray[np.float32]:
    """Return the first of them."""
    return results(model)[0]


def kinds(model: ov.Model) -> list[str]:
    """Return the kinds of the model's operations in order, constants left out."""
    return [node.get_type_name() for node in model.get_ordered_ops() if node.get_type_name() != "Constant"]


def test_a_rounding_before_a_pool_gives_the_same_numbers():
    """The pool comes after the rounding; nothing else changes, to the last digit that INT8 has."""
    before = run(pooled_model())
    model = pooled_model()
    assert round_early(model) == 1
    order = kinds(model)
    assert order.index("FakeQuantize") < order.index("MaxPool")
    assert np.abs(run(model) - before).max() <= 1e-4 * np.abs(before).max()


def test_a_shortcut_takes_the_rounded_values():
    """The addition's shortcut side is the rounding; results differ by no more than one rounding."""
    before = run(residual_model())
    model = residual_model()
    assert round_early(model) == 1
    (addition,) = (node for node in model.get_ordered_ops() if node.get_type_name() == "Add")
    assert "FakeQuantize" in {addition.input_value(side).get_node().get_type_name() for side in (0, 1)}
    difference = np.abs(run(model) - before).max()
    assert 0 < difference <= MOST / (LEVELS - 1)


def test_distances_take_the_rounded_values_too():
    """What else reads a layer reads it rounded, so that it is written once; an output stays exact."""
    image = ops.parameter([1, 8, 16, 16], np.float32)
    layer = ops.relu(convolved(image, 1))
    distance = ops.multiply(layer.output(0), layer.output(0))
    model = ov.Model([distance, convolved(rounded(layer.output(0)), 2), layer], [image])
    before = [np.array(each) for each in results(model)]
    assert round_early(model) == 2
    squares, _, exact = results(model)
    step = MOST / (LEVELS - 1)
    assert 0 < np.abs(np.sqrt(squares) - np.sqrt(before[0])).max() <= 0.51 * step
    assert np.array_equal(exact, before[2])
