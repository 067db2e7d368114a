"""The score of an anomaly map, in numpy: what the graph computes, once more in the open.

Needed where a score must follow from a map that the graph did not see as a whole: under a recipe's
mask, in the self-test, and when an old map is scored again.

Kinds (``parameters`` in brackets, all optional):

- ``max``: the largest value. [``border``]
- ``top_mean``: mean of the largest values. [``fraction`` of the map's pixels, default 0.01, at least one
  pixel; ``border``]
- ``pooled_max``: largest mean of a ``kernel`` x ``kernel`` window, stride 1, no padding.
  [``kernel``, default 3; ``border``]
- ``opaque``: known to the graph alone (an imported model); cannot be computed here.

``border``: pixels of the map on each side that count for nothing, default 0.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from edge_service.contract.manifest import ScoreDefinition
from edge_service.errors import PackageError
from edge_service.language import say

Map = NDArray[np.float32]
_Parameters = Mapping[str, int | float | str]


def can_compute(definition: ScoreDefinition) -> bool:
    """Tell whether this edge can compute the score from a map by itself."""
    return definition.kind in _KINDS


def compute(definition: ScoreDefinition, anomaly_map: Map) -> float:
    """Return the raw score of ``anomaly_map`` (float32, height x width).

    Raises PackageError when this edge does not know the kind, or the map is too small for it.
    """
    kind = _KINDS.get(definition.kind)
    if kind is None:
        raise PackageError(
            say(
                f"this edge cannot compute a score of kind {definition.kind!r} from a map",
                f"本机无法由异常图计算类型为 {definition.kind!r} 的分数",
            ),
            remedy=say("leave the mask away, or update the edge", "请去掉掩膜，或升级边缘软件"),
        )
    border = int(definition.parameters.get("border", 0))
    height, width = anomaly_map.shape
    inner = anomaly_map[border : height - border, border : width - border]
    if inner.size == 0 or border < 0:
        raise PackageError(
            say(f"a border of {border} leaves nothing of the map", f"边界 {border} 使异常图为空"),
            remedy=say("train the model again", "请重新训练模型"),
        )
    return kind(inner, definition.parameters)


def _max(inner: Map, _parameters: _Parameters) -> float:
    return float(inner.max())


def _top_mean(inner: Map, parameters: _Parameters) -> float:
    count = max(1, round(float(parameters.get("fraction", 0.01)) * inner.size))
    return float(
        np.partition(inner, inner.size - count, axis=None)[inner.size - count :].mean(dtype=np.float64)
    )


def _pooled_max(inner: Map, parameters: _Parameters) -> float:
    kernel = min(int(parameters.get("kernel", 3)), *inner.shape)
    windows = np.lib.stride_tricks.sliding_window_view(inner, (kernel, kernel))
    return float(windows.mean(axis=(2, 3), dtype=np.float64).max())


_KINDS: dict[str, Callable[[Map, _Parameters], float]] = {
    "max": _max,
    "top_mean": _top_mean,
    "pooled_max": _pooled_max,
}
