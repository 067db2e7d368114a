"""One run of the judgement benchmark: a method learns a trial's photographs and judges all its tests.

A run is kept in the cache as JSON (scores, pixel figures, times) with the model's graph beside it, under a
name made of all that it depends on: teacher weights, set, shots, seed, and for our own methods the trainer's
source. So a benchmark that was stopped goes on where it was, and a changed trainer is measured anew.
"""

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import openvino as ov
from numpy.typing import NDArray

import trainer
from benchmarks import figures
from benchmarks.inspection_sets import InspectionSet, Trial
from trainer.domain import Picture

OURS = ("ours", "ours_stfpm")
STOCK = ("stfpm", "padim", "patchcore")
METHODS = (*OURS, *STOCK)

Judge = Callable[[Picture], tuple[float, NDArray[np.float32]]]


@dataclass(frozen=True, slots=True)
class Task:
    """What a run is of. ``weights``: the one file that every method's teacher takes its values from."""

    set_name: str
    method: str
    shots: int
    seed: int
    weights: Path
    epochs: int  # of stock STFPM

    def folder(self, cache: Path) -> Path:
        """Where the run is kept."""
        own = f"-{_trainer_digest()}" if self.method in OURS else f"-{self.epochs}" * (self.method == "stfpm")
        return (
            cache
            / _digest(self.weights.read_bytes())
            / self.set_name
            / f"{self.method}{own}-{self.shots}-shots-seed-{self.seed}"
        )


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. Scores are raw; ``thresholds``: by stated false-reject rate, of our own methods."""

    good: list[float]
    bad: list[float]
    train_s: float
    pixel_auroc: float | None
    aupro: float | None
    thresholds: dict[str, float] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Learned:
    judge: Judge
    graph: ov.Model
    thresholds: dict[str, float] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)


def cached(task: Task, cache: Path) -> Run | None:
    """Return the run where it was done before."""
    path = task.folder(cache) / "run.json"
    return Run(**json.loads(path.read_text("utf-8"))) if path.exists() else None


def perform(task: Task, sets: dict[str, InspectionSet], cache: Path) -> Run:
    """Learn, judge, and keep what came of it."""
    trial = sets[task.set_name].trial(task.shots, task.seed)
    began = time.monotonic()
    learned = _ours(task, trial) if task.method in OURS else _stock(task, trial)
    run = _judge_all(learned, trial, time.monotonic() - began)
    folder = task.folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    ov.save_model(learned.graph, folder / "graph.xml", compress_to_fp16=True)
    keep(task, run, cache)
    return run


def keep(task: Task, run: Run, cache: Path) -> None:
    """Put a run into the cache, whole or not at all."""
    folder = task.folder(cache)
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "run.json.part"
    unfinished.write_text(json.dumps(asdict(run)) + "\n", "utf-8")
    unfinished.replace(folder / "run.json")


def _judge_all(learned: _Learned, trial: Trial, train_s: float) -> Run:
    scores: dict[bool, list[float]] = {False: [], True: []}
    maps, masks = [], []
    for test in trial.tests():
        score, anomaly_map = learned.judge(test.pixels)
        scores[test.defective].append(score)
        if test.mask is not None:
            maps.append(figures.at_common_size(anomaly_map))
            masks.append(figures.mask_at_common_size(test.mask))
    drawn = any(mask.any() for mask in masks)
    return Run(
        good=scores[False],
        bad=scores[True],
        train_s=train_s,
        pixel_auroc=figures.pixel_auroc(np.stack(maps), np.stack(masks)) if drawn else None,
        aupro=figures.aupro(np.stack(maps), np.stack(masks)) if drawn else None,
        thresholds=learned.thresholds,
        about=learned.about,
    )


def _stock(task: Task, trial: Trial) -> _Learned:
    from benchmarks.stock_methods import train_stock  # noqa: PLC0415 - loads torch and anomalib

    model = train_stock(
        task.method, trial.photographs, weights=task.weights, epochs=task.epochs, seed=task.seed
    )
    return _Learned(model.judge, model.graph())


def _ours(task: Task, trial: Trial) -> _Learned:
    """Train as ``okng-trainer train`` does, judge with the packaged graph in the edge's engine.

    Only the quantised twin is left away: the graph that judges here is the same with it.
    """
    from edge_service.contract.keys import new_signing_key  # noqa: PLC0415 - likewise
    from edge_service.contract.model_package import read_package_file  # noqa: PLC0415
    from edge_service.contract.trust import Trust  # noqa: PLC0415
    from edge_service.inference.engine import OpenVinoEngine  # noqa: PLC0415
    from trainer.pipeline.run import PackageLabel, train_package  # noqa: PLC0415
    from trainer.pipeline.settings import TrainingSettings  # noqa: PLC0415

    usual = TrainingSettings().algorithm
    algorithm = "stfpm" if task.method == "ours_stfpm" else usual
    settings = TrainingSettings(
        weights=f"file:{task.weights}", seed=task.seed, algorithm=algorithm, int8=False
    )
    key = new_signing_key()
    with tempfile.TemporaryDirectory() as scratch:
        good = Path(scratch) / "good"
        good.mkdir()
        for number, pixels in enumerate(trial.photographs):
            cv2.imwrite(str(good / f"{number}.png"), pixels)
        label = PackageLabel(task.set_name, "1")
        result = train_package(good, label, settings, Path(scratch), key=key, watch=lambda _: None)
        package = read_package_file(result.package, Trust.of(key.public))
    graph = package.graph()
    engine = OpenVinoEngine.load(graph.xml, graph.weights, devices=("CPU",), precision="f32")

    def judge(pixels: Picture) -> tuple[float, NDArray[np.float32]]:
        raw = engine.score(pixels)
        return raw.score, raw.anomaly_map

    manifest = result.manifest
    rate = manifest.threshold.false_reject_rate
    thresholds = {f"{rate:g}": manifest.threshold.value, **manifest.figures.get("thresholds", {})}
    about = {"algorithm": manifest.algorithm, "figures": manifest.figures}
    model = ov.Core().read_model(model=graph.xml, weights=graph.weights)
    return _Learned(judge, model, thresholds, about)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _trainer_digest() -> str:
    """Name the trainer's source: a run of our own is only as good as the code that it ran."""
    root = Path(trainer.__file__).parent
    rooms = ("training", "calibration", "datasets", "pipeline", "export", "teacher")
    sources = sorted(path for room in rooms for path in (root / room).rglob("*.py"))
    return _digest(b"".join(path.read_bytes() for path in [root / "domain.py", *sources]))
