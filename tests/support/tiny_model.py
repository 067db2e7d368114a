"""A real OpenVINO model of a few kilobytes, made without torch, that behaves like an anomaly detector.

The graph takes uint8 [1, H, W, 3], subtracts an even grey, takes the mean absolute difference over the
channels, averages it in cells of 8 x 8 pixels to a map and takes the largest cell as the score. So an even
picture of ``BACKGROUND`` scores 0, and a blot that differs by c (0..255) and fills a cell scores c / 255.

::

    xml, weights = tiny_ir(64, 64)
    data = build_package(*tiny_package(name="pcb", version="1"), key)
"""

import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import openvino as ov
import openvino.opset15 as ops
from numpy.typing import NDArray

from edge_service.contract.manifest import (
    Backbone,
    GoldenImage,
    Manifest,
    ScoreDefinition,
    Size,
    Threshold,
    TrainingSet,
    Uncertainty,
)

BACKGROUND = 128
CELL = 8  # pixels of the input to one pixel of the map
THRESHOLD = 0.1  # raw
BLOT = 60  # contrast of the blot in ``defective_picture``


@cache
def tiny_ir(height: int = 64, width: int = 64, *, blows_up: bool = False) -> tuple[bytes, bytes]:
    """Return the IR (xml, weights). ``blows_up``: a white picture scores infinite instead of about 0.5."""
    image = ops.parameter([1, height, width, 3], np.uint8, name="image")
    scaled = ops.divide(ops.convert(image, "f32"), _constant(255.0))
    strange = ops.abs(ops.subtract(scaled, _constant(BACKGROUND / 255.0)))
    if blows_up:
        strange = ops.divide(strange, ops.subtract(_constant(1.0), ops.floor(scaled)))
    plane = ops.transpose(ops.reduce_mean(strange, _axes(3), keep_dims=True), _axes(0, 3, 1, 2))
    cells = ops.avg_pool(plane, [CELL, CELL], [0, 0], [0, 0], [CELL, CELL], exclude_pad=True)
    score = ops.reshape(ops.reduce_max(cells, _axes(1, 2, 3)), _axes(1), special_zero=False)
    for node, name in ((image, "image"), (score, "score"), (cells, "anomaly_map")):
        node.output(0).get_tensor().set_names({name})
    return serialised(ov.Model([score.output(0), cells.output(0)], [image], "tiny"))


def serialised(model: ov.Model) -> tuple[bytes, bytes]:
    """Return the IR files (xml, bin) of a model."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        ov.serialize(model, path)
        return path.read_bytes(), path.with_suffix(".bin").read_bytes()


def good_picture(height: int = 64, width: int = 64) -> NDArray[np.uint8]:
    """Return an even grey picture, BGR."""
    return np.full((height, width, 3), BACKGROUND, np.uint8)


def defective_picture(height: int = 64, width: int = 64) -> NDArray[np.uint8]:
    """Return a good picture with a bright square of two cells a side, a quarter in from the top left."""
    picture = good_picture(height, width)
    top, left = height // 4, width // 4
    picture[top : top + 2 * CELL, left : left + 2 * CELL] += BLOT
    return picture


def png(picture: NDArray[np.uint8]) -> bytes:
    """Return the picture as a PNG file."""
    return cv2.imencode(".png", picture)[1].tobytes()


def tiny_package(
    name: str = "pcb",
    version: str = "1",
    *,
    ir: tuple[bytes, bytes] | None = None,
    threshold: float = THRESHOLD,
    golden_score: float = 0.0,
) -> tuple[Manifest, dict[str, bytes]]:
    """Return manifest and contents for ``build_package``: one good golden image and one defective.

    ``golden_score``: what the manifest claims for the good one; anything but 0 is a lie.
    """
    xml, weights = ir or tiny_ir()
    contents = {
        "model.xml": xml,
        "model.bin": weights,
        "golden/good-1.png": png(good_picture()),
        "golden/defective-1.png": png(defective_picture()),
    }
    manifest = Manifest(
        name=name,
        version=version,
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        algorithm="difference",
        backbone=Backbone(name="none", weights="none"),
        input_size=Size(height=64, width=64),
        map_size=Size(height=64 // CELL, width=64 // CELL),
        score=ScoreDefinition(kind="max"),
        threshold=Threshold(
            value=threshold,
            method="given",
            n=3,
            false_reject_rate=0.01,
            uncertainty=Uncertainty(lower=threshold / 2, upper=threshold * 2, level=0.9),
        ),
        training_set=TrainingSet(digest="0" * 64, size=3),
        golden=(
            GoldenImage(file="golden/good-1.png", kind="good", score=golden_score, tolerance=0.005),
            GoldenImage(file="golden/defective-1.png", kind="defective", score=BLOT / 255.0, tolerance=0.005),
        ),
    )
    return manifest, contents


def _constant(value: float) -> ov.Node:
    return ops.constant(np.float32(value))


def _axes(*axes: int) -> ov.Node:
    return ops.constant(np.array(axes, np.int64))
