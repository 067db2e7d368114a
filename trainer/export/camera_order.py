"""The graph takes a camera's pixels as they lie in memory: row by row, blue, green and red of each.

Networks were trained on planes of red, green and blue. Turning every picture round costs passes over it, and
OpenVINO's convolutions want the colours of a pixel side by side anyway. So the normalising is done where the
pixels lie, and the first convolutions' weights are turned round instead, once. The numbers are the same.
"""

from dataclasses import dataclass

import numpy as np
import openvino as ov
import openvino.opset15 as ops

_ELEMENTWISE = frozenset({"Convert", "Add", "Subtract", "Multiply", "Divide"})
_COLOURS, _PLANES, _PIXELS = 3, [1, 3, 1, 1], [1, 1, 1, 3]
_TO_PLANES = [0, 3, 1, 2]


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What stands between the picture and the first convolutions."""

    to_planes: ov.Node  # Transpose
    normalising: list[ov.Node]  # elementwise, one after the other
    weights: list["ov.Input"]  # of the convolutions after them


def take_pixels_as_they_lie(model: ov.Model) -> bool:
    """Change ``model`` so, where it begins as ``network_input.as_input`` does; tell whether it did."""
    beginning = _beginning(model)
    if beginning is None:
        return False
    for use in beginning.weights:
        use.replace_source_output(ops.constant(_turned(use, axis=1)).output(0))
    for node in beginning.normalising:
        for use in node.inputs():
            if list(use.get_shape()) == _PLANES and _constant(use) is not None:
                use.replace_source_output(ops.constant(_turned(use, axis=1).reshape(_PIXELS)).output(0))
    first, last = beginning.normalising[0], beginning.normalising[-1]
    uses = last.output(0).get_target_inputs()
    first.input(0).replace_source_output(beginning.to_planes.input_value(0))
    planes = ops.transpose(last.output(0), ops.constant(np.array(_TO_PLANES)))
    for use in uses:
        use.replace_source_output(planes.output(0))
    model.validate_nodes_and_infer_types()
    return True


def _beginning(model: ov.Model) -> _Beginning | None:
    """Return the beginning of the graph; None where it is another one."""
    turns = [node for node in model.get_ordered_ops() if _turns_colours_round(node)]
    if len(turns) != 1:
        return None
    to_planes, normalising, uses = turns[0].input_value(0).get_node(), [], _uses(turns[0])
    while len(uses) == 1 and uses[0].get_node().get_type_name() in _ELEMENTWISE and not uses[0].get_index():
        normalising.append(uses[0].get_node())
        uses = _uses(normalising[-1])
    weights = [use.get_node().input(1) for use in uses if use.get_node().get_type_name() == "Convolution"]
    known = (
        to_planes.get_type_name() == "Transpose"
        and to_planes.input_value(1).get_node().get_data().tolist() == _TO_PLANES
        and len(_uses(to_planes)) == 1
        and normalising
        and all(_constant(use) is not None for node in normalising for use in node.inputs()[1:])
        and len(weights) == len(uses)
        and all(_constant(use) is not None for use in weights)
    )
    return _Beginning(to_planes, normalising, weights) if known else None


def _turns_colours_round(node: ov.Node) -> bool:
    """Tell whether a node gives three planes in the opposite order."""
    if node.get_type_name() != "Slice" or list(node.get_output_shape(0))[1:2] != [_COLOURS]:
        return False
    step, axis = (node.input_value(number).get_node() for number in (3, 4))
    if step.get_type_name() != "Constant" or axis.get_type_name() != "Constant":
        return False
    return bool(step.get_data().tolist() == [-1] and axis.get_data().tolist() == [1])


def _uses(node: ov.Node) -> list["ov.Input"]:
    return list(node.output(0).get_target_inputs())


def _constant(use: "ov.Input") -> ov.Node | None:
    """Return the constant that an input reads, decompressed or not."""
    node = use.get_source_output().get_node()
    if node.get_type_name() == "Convert":
        node = node.input_value(0).get_node()
    return node if node.get_type_name() == "Constant" else None


def _turned(use: "ov.Input", axis: int) -> "np.typing.NDArray[np.float32]":
    constant = _constant(use)
    assert constant is not None, "looked at before"
    return np.ascontiguousarray(np.flip(constant.get_data(), axis), np.float32)
