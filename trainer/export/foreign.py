"""A plain anomalib OpenVINO export, dressed so that an edge can run it: pixels in, score and map out.

Anomalib's graph takes RGB floats from 0 to 1, any number and size of them, and also gives a label and a mask.
Here the shapes are fixed, colour order and scale go into the graph, label and mask are left out; what remains
is anomalib's own arithmetic. An export whose batch is fixed at more than one picture gets the same picture
that often, and the first answer counts.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
import openvino.opset15 as ops
from numpy.typing import NDArray

from edge_service.inference.graph import openvino_core
from edge_service.language import say
from trainer.domain import Picture
from trainer.errors import ExportError
from trainer.export.openvino_ir import IntermediateRepresentation

SCORE, MAP = "pred_score", "anomaly_map"
_AXES = 4
_FURTHEST = 0.01  # of the score, between FP16 and FP32 storage


@dataclass(frozen=True, slots=True)
class Adopted:
    """The graph as an edge runs it. ``clamped``: anomalib's scaling to 0..1 is in it."""

    graph: IntermediateRepresentation
    height: int
    width: int
    map_size: tuple[int, int]
    clamped: bool


def adopt(path: Path, height: int, width: int, good: Picture) -> Adopted:
    """Read ``model.xml`` (or .onnx) and dress it for pictures of this size.

    ``good``: pictures of that size, uint8 (n, H, W, 3); weights are stored in FP16 where that changes none
    of their scores by more than 1 %. Raises ExportError when it is no anomalib export.
    """
    full, map_size, clamped = _dressed(path, height, width)
    exact, half = _stored(full, to_fp16=False), _stored(full, to_fp16=True)
    fine = all(
        abs(one - other) <= _FURTHEST * max(abs(one), 1e-6)
        for one, other in zip(_scores(exact, good), _scores(half, good), strict=True)
    )
    return Adopted(half if fine else exact, height, width, map_size, clamped)


def original(path: Path, height: int, width: int, picture: Picture) -> tuple[float, NDArray[np.float32]]:
    """Run the export as it is, in FP32, on one picture of the model's size: for comparison."""
    model, batch = _read(path, height, width)
    compiled = openvino_core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    rgb = picture[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255.0)
    answer = compiled(np.ascontiguousarray(np.repeat(rgb, batch, axis=0)))
    return float(np.ravel(answer[SCORE])[0]), np.asarray(answer[MAP], np.float32)[0].reshape(
        answer[MAP].shape[-2:]
    )


def _read(path: Path, height: int, width: int) -> tuple[Any, int]:
    """Return the model with fixed shapes, and how many pictures it takes at once."""
    try:
        model = openvino_core().read_model(path)
        names = {name for port in model.outputs for name in port.get_names()}
        if len(model.inputs) != 1 or not {SCORE, MAP} <= names:
            raise _foreign(path, f"inputs {len(model.inputs)}, outputs {sorted(names)}")
        if model.inputs[0].get_partial_shape().rank.get_length() != _AXES:
            raise _foreign(path, f"input {model.inputs[0].get_partial_shape()}")
        model.reshape([1, 3, height, width])
        batch = int(model.output(MAP).get_shape()[0])
        if batch > 1:
            model.reshape([batch, 3, height, width])
    except RuntimeError as error:
        raise _foreign(path, str(error).strip().splitlines()[-1][:200]) from error
    return model, batch


def _dressed(path: Path, height: int, width: int) -> tuple[Any, tuple[int, int], bool]:
    model, batch = _read(path, height, width)
    image = ops.parameter([1, height, width, 3], np.uint8, name="image")
    scaled = ops.divide(ops.convert(image, "f32"), ops.constant(np.float32(255.0)))
    planes = ops.transpose(scaled, ops.constant(np.array([0, 3, 1, 2])))
    pixels = ops.gather(planes, ops.constant(np.array([2, 1, 0])), ops.constant(np.int64(1)))
    if batch > 1:
        pixels = ops.tile(pixels, ops.constant(np.array([batch, 1, 1, 1])))
    old = model.inputs[0].get_node()
    for reader in list(old.output(0).get_target_inputs()):
        reader.replace_source_output(pixels.output(0))
    score, anomaly_map = (model.output(name).get_node().input_value(0) for name in (SCORE, MAP))
    side = (int(anomaly_map.get_shape()[-2]), int(anomaly_map.get_shape()[-1]))
    first = ops.gather(
        ops.reshape(score, ops.constant(np.array([-1])), special_zero=False),
        ops.constant(np.array([0])),
        ops.constant(np.int64(0)),
    )
    one = ops.gather(
        ops.reshape(anomaly_map, ops.constant(np.array([-1, 1, *side])), special_zero=False),
        ops.constant(np.array([0])),
        ops.constant(np.int64(0)),
    )
    for node, name in ((image, "image"), (first, "score"), (one, "anomaly_map")):
        node.output(0).get_tensor().set_names({name})
    dressed = ov.Model([first.output(0), one.output(0)], [image], "adopted")
    clamped = any(node.get_type_name() in {"Clamp", "Minimum"} for node in dressed.get_ops())
    return dressed, side, clamped


def _stored(model: Any, *, to_fp16: bool) -> IntermediateRepresentation:
    with tempfile.TemporaryDirectory(prefix="okng-adopt-") as folder:
        path = Path(folder) / "model.xml"
        ov.save_model(model, path, compress_to_fp16=to_fp16)
        return IntermediateRepresentation(path.read_bytes(), path.with_suffix(".bin").read_bytes())


def _scores(graph: IntermediateRepresentation, pictures: Picture) -> list[float]:
    model = openvino_core().read_model(model=graph.xml, weights=graph.weights)
    compiled = openvino_core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [float(compiled(picture[None])["score"][0]) for picture in pictures]


def _foreign(path: Path, reason: str) -> ExportError:
    return ExportError(
        say(
            f"{path} is no OpenVINO export of anomalib: {reason}",
            f"{path} 不是 anomalib 的 OpenVINO 导出：{reason}",
        ),
        remedy=say(
            "give the model.xml that anomalib's Engine.export(..., ExportType.OPENVINO) wrote; model.bin "
            "lies beside it",
            "请给出 anomalib Engine.export(..., ExportType.OPENVINO) 生成的 model.xml（model.bin 在其旁）",
        ),
    )
