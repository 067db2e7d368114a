"""A whole training run: a folder of good photographs in, a signed package and a picture out.

::

    label = PackageLabel("pcb", "1")
    result = train_package(Path("good"), label, TrainingSettings(), Path(), key=key, watch=print)
"""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np

from edge_service.contract.keys import SigningKey
from edge_service.contract.manifest import (
    Backbone,
    GoldenImage,
    Manifest,
    PixelStatistics,
    Size,
    TrainingSet,
)
from edge_service.contract.model_package import SUFFIX, write_package
from edge_service.inference.engine import OpenVinoEngine
from edge_service.inference.preprocess import to_model_input
from edge_service.language import say
from trainer.calibration.threshold import find_threshold
from trainer.datasets.photographs import read_folder
from trainer.datasets.symmetry import Symmetry
from trainer.domain import PIXEL_MEAN, PIXEL_STD, Phase, PhotographSet, Picture, Progress, Watcher
from trainer.evaluation.picture import Evidence, draw_evidence
from trainer.evaluation.sensitivity import Sensitivity, find_sensitivity
from trainer.export.spoilt import spoil
from trainer.pipeline.acceptance import (
    MOST_DIFFERENCE,
    Agreement,
    Variants,
    export,
    quantise,
    verify,
)
from trainer.pipeline.learning import LearnedModel, learn
from trainer.pipeline.odd_photographs import look_for_odd_ones
from trainer.pipeline.settings import TrainingSettings
from trainer.teacher.weights import TeacherWeights, load_weights

MOST_GOLDEN_IMAGES = 3
DRAWN_DEFECTS = 8  # tried, until one is found clearly
CLEARLY = 1.25  # times the threshold
USUAL_RATES = (0.001, 0.01, 0.05)  # false-reject rates whose thresholds a manifest tells beside its own


@dataclass(frozen=True, slots=True)
class PackageLabel:
    """What the package is called: ``NAME-VERSION.okng``."""

    name: str
    version: str

    @property
    def stem(self) -> str:
        """The file name without its ending."""
        return f"{self.name}-{self.version}"


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a run left behind, and what is worth telling of it."""

    package: Path
    picture: Path
    manifest: Manifest
    agreement: Agreement
    warnings: tuple[str, ...]
    sensitivity: Sensitivity
    symmetries: tuple[Symmetry, ...]
    seconds: float
    bytes: int


def train_package(
    folder: Path,
    label: PackageLabel,
    settings: TrainingSettings,
    out: Path,
    *,
    key: SigningKey | None,
    watch: Watcher,
) -> TrainingResult:
    """Make a model of ``folder`` and write package and picture into ``out``.

    Raises DatasetError, WeightsError, DivergedError, ExportError, and DiskFullError of the edge's contract.
    """
    began = time.monotonic()
    watch(Progress(Phase.READ, 0, 1))
    photographs = read_folder(folder, settings.leave_out)
    weights = load_weights(settings.weights)
    odd_ones = look_for_odd_ones(photographs, mixed=settings.mixed)
    photographs = replace(photographs, warnings=photographs.warnings + odd_ones)
    watch(Progress(Phase.READ, 1, 1))
    model = learn(photographs, weights, settings, watch)
    exported = export(model, watch)
    with OpenVinoEngine.load(exported.xml, exported.weights, devices=("CPU",)) as engine:
        agreement = verify(model, engine, watch)
        golden, pictures = _golden_images(photographs, engine, model)
        maps = [engine.score(photograph.pixels) for photograph in photographs.photographs]
        sensitivity = _sensitivity(engine, photographs, model, settings.seed)
    if sensitivity.blind:
        photographs = replace(photographs, warnings=(*photographs.warnings, _sees_nothing(model)))
    variants = (
        quantise(exported, model.variations, model.threshold.value, watch)
        if settings.int8
        else Variants((), None)
    )
    watch(Progress(Phase.PACKAGE, 0, 1))
    manifest = _manifest(
        label,
        photographs=photographs,
        weights=weights,
        model=model,
        golden=golden,
        figures=_figures(settings, photographs, model, agreement, time.monotonic() - began)
        | {"variants": variants.figures(), "sensitivity": sensitivity.figures()},
    )
    out.mkdir(parents=True, exist_ok=True)
    package, picture = out / f"{label.stem}{SUFFIX}", out / f"{label.stem}.png"
    contents = {"model.xml": exported.xml, "model.bin": exported.weights, **variants.files(), **pictures}
    write_package(package, manifest, contents, key)
    draw_evidence(
        Evidence(
            title=label.stem,
            losses=model.losses,
            photographs=[photograph.pixels for photograph in photographs.photographs],
            maps=[raw.anomaly_map for raw in maps],
            scores=[raw.score for raw in maps],
            held_out=model.calibration.held_out.scores,
            threshold=model.threshold,
            sensitivity=sensitivity,
        ),
        picture,
    )
    watch(Progress(Phase.PACKAGE, 1, 1))
    return TrainingResult(
        package=package,
        picture=picture,
        manifest=manifest,
        agreement=agreement,
        warnings=photographs.warnings,
        sensitivity=sensitivity,
        symmetries=model.symmetries,
        seconds=time.monotonic() - began,
        bytes=package.stat().st_size,
    )


def _sensitivity(
    engine: OpenVinoEngine, photographs: PhotographSet, model: LearnedModel, seed: int
) -> Sensitivity:
    """Judge spots on the exported graph, and tell their size in the photographs' usual pixels."""
    height, width = model.input_size
    areas = [
        pixels.shape[0] * pixels.shape[1] for pixels in (each.pixels for each in photographs.photographs)
    ]
    return find_sensitivity(
        lambda picture: engine.score(picture).score,
        model.variations,
        model.threshold.value,
        scale=float(np.sqrt(np.median(areas) / (height * width))),
        seed=seed,
    )


def _sees_nothing(model: LearnedModel) -> str:
    return say(
        "No drawn spot is seen reliably at this threshold, not even the largest and strongest: good parts "
        "differ so much that the threshold lies above most defects. Add photographs of good parts, take them "
        f"in steadier light and place, or ask for a higher --false-reject-rate than "
        f"{model.threshold.false_reject_rate:.1%}.",
        "在此阈值下，即使最大、最强的斑点也不能可靠发现：良品之间差异过大，阈值高于大多数缺陷。"
        "请增加良品照片、稳定光照和位置，或设置高于 "
        f"{model.threshold.false_reject_rate:.1%} 的 --false-reject-rate。",
    )


def _golden_images(
    photographs: PhotographSet, engine: OpenVinoEngine, model: LearnedModel
) -> tuple[tuple[GoldenImage, ...], dict[str, bytes]]:
    """Return the first photographs at the model's own size with the scores the engine gives them.

    And the first of them with a drawn defect, where the model finds it clearly: something known to be bad.
    """
    golden, files = [], {}
    for number, photograph in enumerate(photographs.photographs[:MOST_GOLDEN_IMAGES], start=1):
        pixels = to_model_input(photograph.pixels, *model.input_size)[0]
        name = f"golden/good-{number}.png"
        files[name] = _png(pixels)
        golden.append(
            GoldenImage(
                file=name,
                kind="good",
                score=engine.score(pixels).score,
                tolerance=MOST_DIFFERENCE * model.threshold.value,
            )
        )
    first = to_model_input(photographs.photographs[0].pixels, *model.input_size)
    for number in range(DRAWN_DEFECTS):
        spoilt = spoil(np.repeat(first, number + 1, axis=0), seed=number)[-1]
        score = engine.score(spoilt).score
        if score > CLEARLY * model.threshold.value:
            name = "golden/defective-1.png"
            files[name] = _png(spoilt)
            golden.append(
                GoldenImage(file=name, kind="defective", score=score, tolerance=MOST_DIFFERENCE * score)
            )
            break
    return tuple(golden), files


def _png(pixels: Picture) -> bytes:
    encoded, content = cv2.imencode(".png", pixels, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    assert encoded, "PNG takes every uint8 picture"
    return bytes(np.asarray(content, np.uint8).tobytes())


def _manifest(
    label: PackageLabel,
    *,
    photographs: PhotographSet,
    weights: TeacherWeights,
    model: LearnedModel,
    golden: tuple[GoldenImage, ...],
    figures: dict[str, object],
) -> Manifest:
    (height, width), (map_height, map_width) = model.input_size, model.head.size
    return Manifest(
        name=label.name,
        version=label.version,
        created_at=datetime.now(UTC),
        algorithm=model.algorithm,
        backbone=Backbone(name=weights.backbone, weights=weights.source, weights_sha256=weights.sha256),
        input_size=Size(height=height, width=width),
        map_size=Size(height=map_height, width=map_width),
        score=model.head.definition,
        threshold=model.threshold,
        pixel_statistics=PixelStatistics(colour="RGB", mean=PIXEL_MEAN, std=PIXEL_STD),
        training_set=TrainingSet(digest=photographs.digest, size=len(photographs)),
        golden=golden,
        figures=figures,
    )


def _figures(
    settings: TrainingSettings,
    photographs: PhotographSet,
    model: LearnedModel,
    agreement: Agreement,
    seconds: float,
) -> dict[str, object]:
    """Return what people may want to look up later; nothing here is needed to judge."""
    held_out = model.calibration.held_out.scores
    return {
        "seed": settings.seed,
        "layers": list(settings.layers),
        "symmetries": list(model.symmetries),
        "steps": len(model.losses),
        "final_loss": model.losses[-1] if model.losses else None,
        "cross_validation": dict(model.separations),
        "thresholds": {
            f"{rate:g}": find_threshold(model.calibration.held_out, rate).value for rate in USUAL_RATES
        },
        "held_out_scores": {"median": float(np.median(held_out)), "largest": float(held_out.max())},
        "agreement": {
            "score_difference": agreement.score_difference,
            "map_difference": agreement.map_difference,
            "device": agreement.device,
            "precision": agreement.precision,
        },
        "latency_ms": agreement.latency_ms,
        "train_s": seconds,
        "warnings": list(photographs.warnings),
    }
