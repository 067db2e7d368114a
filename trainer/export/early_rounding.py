"""Rounds a quantised graph's activations once, where they arise, instead of at each of their uses.

NNCF puts the rounding to INT8 (FakeQuantize) right before each convolution. Two kinds of places then carry
full FP32 activations for nothing:

- a max pool before a rounding: rounding keeps the order of values, so pooling what is rounded already gives
  the very same numbers, and the largest layer of a ResNet is never written in FP32;
- whatever else reads what is rounded for the next convolution: the shortcut around a residual block, and the
  distances between teacher and student. They take the rounded values, too, so that the addition becomes part
  of the convolution before it and no layer but the last is written in FP32. This changes numbers by one
  rounding; the agreement gate judges the result (docs/decisions/0012).
"""

import openvino as ov


def round_early(model: ov.Model) -> int:
    """Move roundings forward in ``model``, a graph that NNCF quantised; return how many places changed."""
    changed = 0
    for rounding in _roundings(model):
        for use in rounding.input_value(0).get_target_inputs():
            if use.get_node().get_type_name() not in ("FakeQuantize", "Result"):
                use.replace_source_output(rounding.output(0))
                changed += 1
    for rounding in _roundings(model):
        changed += _before_pool(rounding)
    model.validate_nodes_and_infer_types()
    return changed


def _roundings(model: ov.Model) -> list[ov.Node]:
    """Return the roundings of activations."""
    return [
        node
        for node in model.get_ordered_ops()
        if node.get_type_name() == "FakeQuantize"
        and node.input_value(0).get_node().get_type_name() != "Constant"
    ]


def _before_pool(rounding: ov.Node) -> int:
    """Swap a rounding with the max pool before it, where nobody else uses the pool."""
    pooled = rounding.input_value(0)
    pool = pooled.get_node()
    if pool.get_type_name() != "MaxPool" or len(pooled.get_target_inputs()) != 1:
        return 0
    uses = rounding.output(0).get_target_inputs()
    rounding.input(0).replace_source_output(pool.input_value(0))
    pool.input(0).replace_source_output(rounding.output(0))
    for use in uses:
        use.replace_source_output(pool.output(0))
    return 1
