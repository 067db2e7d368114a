"""A torch graph as OpenVINO IR with FP16 weights and static shapes, converted without a detour over ONNX."""

import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

import openvino as ov
import torch
from torch import nn

from edge_service.language import say
from trainer.errors import ExportError
from trainer.export.camera_order import take_pixels_as_they_lie


@dataclass(frozen=True, slots=True)
class IntermediateRepresentation:
    """An OpenVINO model as its two files' bytes."""

    xml: bytes
    weights: bytes


def to_openvino(graph: nn.Module, height: int, width: int) -> IntermediateRepresentation:
    """Convert ``InspectionGraph`` for pictures of this size. Raises ExportError."""
    example = torch.zeros(1, height, width, 3, dtype=torch.uint8)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # the tracer's remarks on shapes, which are static here
            model = ov.convert_model(
                graph, example_input=example, input=[("image", [1, height, width, 3], ov.Type.u8)]
            )
        take_pixels_as_they_lie(model)
        for port, name in zip(model.outputs, ("score", "anomaly_map"), strict=True):
            port.get_tensor().set_names({name})
        with tempfile.TemporaryDirectory(prefix="okng-export-") as folder:
            path = Path(folder) / "model.xml"
            ov.save_model(model, path, compress_to_fp16=True)
            return IntermediateRepresentation(path.read_bytes(), path.with_suffix(".bin").read_bytes())
    except RuntimeError as error:
        raise ExportError(
            say(f"OpenVINO cannot convert the network: {error}", f"OpenVINO 无法转换该网络：{error}"),
            remedy=say(
                "Use a ResNet teacher (--weights bundled).", "请使用 ResNet 教师网络（--weights bundled）。"
            ),
        ) from error
