"""A model that anomalib trained and exported elsewhere, as a signed package: nobody has to train anew."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from edge_service.contract import score as scores
from edge_service.contract.keys import SigningKey
from edge_service.contract.manifest import (
    Backbone,
    GoldenImage,
    Manifest,
    ScoreDefinition,
    Size,
    Threshold,
    TrainingSet,
)
from edge_service.contract.model_package import SUFFIX, write_package
from edge_service.domain.inspection import RawScore
from edge_service.inference.engine import OpenVinoEngine
from edge_service.inference.preprocess import to_model_input
from edge_service.language import say
from trainer.datasets.photographs import read_folder
from trainer.datasets.variation import Varier
from trainer.domain import PhotographSet, Picture, Watcher
from trainer.errors import ExportError
from trainer.export.foreign import Adopted, adopt
from trainer.export.openvino_ir import IntermediateRepresentation
from trainer.pipeline.acceptance import MOST_DIFFERENCE, Variants, quantise
from trainer.pipeline.learning import VARIATIONS_TO_CALIBRATE
from trainer.pipeline.run import MOST_GOLDEN_IMAGES, PackageLabel

ANOMALIB_S_THRESHOLD = 0.5  # of its scaled scores
_SAME = 0.02  # relative: the score is the map's largest value


@dataclass(frozen=True, slots=True)
class Imported:
    """Where the package lies, what its variants came to, and what there is to say of them."""

    package: Path
    variants: Variants
    remark: str


def import_package(
    export: Path,
    good: Path,
    label: PackageLabel,
    out: Path,
    *,
    key: SigningKey | None,
    side: int = 256,
    threshold: float | None = None,
    algorithm: str = "anomalib",
    int8: bool = True,
    watch: Watcher = lambda _: None,
) -> Imported:
    """Package anomalib's ``model.xml`` with golden images from the folder ``good``.

    ``threshold``: raw; left out only where anomalib scaled the scores to 0..1, then 0.5. ``int8``: add a
    quantised twin, calibrated on variations of the good pictures, where it judges as FP32 does. Raises
    ExportError, DatasetError, DiskFullError.
    """
    photographs = read_folder(good)
    pictures = np.stack(
        [to_model_input(each.pixels, side, side)[0] for each in photographs.photographs[:MOST_GOLDEN_IMAGES]]
    )
    adopted = adopt(export, side, side, pictures)
    graph = adopted.graph
    with OpenVinoEngine.load(graph.xml, graph.weights, devices=("CPU",), precision="f32") as engine:
        found = [engine.score(picture) for picture in pictures]
    value = _threshold(adopted, threshold, found)
    variants, remark = _variants(graph, photographs, side, value, watch) if int8 else (Variants((), None), "")
    golden = tuple(
        GoldenImage(
            file=f"golden/good-{number}.png",
            kind="good",
            score=raw.score,
            tolerance=MOST_DIFFERENCE * max(value, abs(raw.score)),
        )
        for number, raw in enumerate(found, start=1)
    )
    manifest = Manifest(
        name=label.name,
        version=label.version,
        created_at=datetime.now(UTC),
        algorithm=algorithm,
        backbone=Backbone(name="unknown", weights=f"anomalib:{export.name}"),
        input_size=Size(height=side, width=side),
        map_size=Size(height=adopted.map_size[0], width=adopted.map_size[1]),
        score=_definition(found),
        score_range="clamped" if adopted.clamped and threshold is None else "raw",
        threshold=Threshold(value=value, method="anomalib" if threshold is None else "given", n=0),
        training_set=TrainingSet(digest=photographs.digest, size=len(photographs)),
        golden=golden,
        figures={
            "imported_from": "anomalib",
            "variants": variants.figures(),
            "warnings": [remark] if remark else [],
        },
    )
    images = {each.file: _png(picture) for each, picture in zip(golden, pictures, strict=True)}
    package = out / f"{label.stem}{SUFFIX}"
    out.mkdir(parents=True, exist_ok=True)
    contents = {"model.xml": graph.xml, "model.bin": graph.weights, **variants.files(), **images}
    write_package(package, manifest, contents, key)
    return Imported(package, variants, remark)


def _variants(
    graph: IntermediateRepresentation,
    photographs: PhotographSet,
    side: int,
    threshold: float,
    watch: Watcher,
) -> tuple[Variants, str]:
    """Return what the gate says of the variants, and why there is no twin where NNCF cannot make one."""
    pixels = [each.pixels for each in photographs.photographs]
    variations = Varier(side, side, seed=0).vary(pixels, VARIATIONS_TO_CALIBRATE).pixels
    try:
        return quantise(graph, variations, threshold, watch), ""
    except ExportError as error:
        return Variants((), None), error.what


def _threshold(adopted: Adopted, given: float | None, found: list[RawScore]) -> float:
    if given is not None:
        return given
    largest = max(raw.score for raw in found)
    if adopted.clamped and 0.0 <= largest <= 1.0:
        return ANOMALIB_S_THRESHOLD
    raise ExportError(
        say(
            f"the scores are not scaled to 0..1 (a good picture scores {largest:.4g}), so their threshold "
            "is unknown",
            f"分数未归一化到 0..1（某良品得分 {largest:.4g}），阈值未知",
        ),
        remedy=say(
            "give --threshold, in the units of the score: above what good parts score",
            "请给出 --threshold（分数单位），应高于良品得分",
        ),
    )


def _definition(found: list[RawScore]) -> ScoreDefinition:
    """Say that the score is the map's largest value where it is; else only the graph knows."""
    largest = ScoreDefinition(kind="max")
    holds = all(
        abs(scores.compute(largest, raw.anomaly_map) - raw.score) <= _SAME * abs(raw.score) for raw in found
    )
    return largest if holds else ScoreDefinition(kind="opaque")


def _png(pixels: Picture) -> bytes:
    encoded, content = cv2.imencode(".png", pixels)
    assert encoded, "PNG takes every uint8 picture"
    return bytes(np.asarray(content, np.uint8).tobytes())
