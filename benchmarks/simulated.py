"""How hard the simulated parts are, and how well they are told apart: image AUROC on the demo's seeds.

Three methods see the same few good photographs and judge the same parts, 20 good and 20 defective::

    python benchmarks/simulated.py --seeds 1 2 3 --json figures.json

- ours: the training of ``okng-trainer train`` at its defaults, judged by the edge's own engine;
- stock: anomalib's STFPM at its defaults for ``--epochs`` epochs, with the same teacher weights;
- difference: the distance to the mean of the good photographs, without any network. Its largest value
  (blurred) and its mean are both tried and the better one counts. It must stay below 0.80 everywhere,
  or the parts are too easy to say anything; the benchmark then ends with exit status 1.

``gap``: the score that 90 % of the defective parts exceed, over the one that 95 % of the good parts stay
below. ``good ok`` and ``caught`` are at the threshold that ours ships, which never saw a defect.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import trainer.teacher
from benchmarks.figures import auroc
from edge_service.contract.keys import new_signing_key
from edge_service.contract.model_package import read_package_file
from edge_service.contract.trust import Trust
from edge_service.inference.engine import OpenVinoEngine
from edge_service.simulation import PlannedPart, products, samples, schedule
from trainer.domain import Picture
from trainer.pipeline.run import PackageLabel, train_package
from trainer.pipeline.settings import TrainingSettings
from trainer.teacher.weights import BUNDLED_FILE

GOOD_PHOTOGRAPHS = {"pcb": 3, "crate": 4}
GOOD, DEFECTIVE = 20, 20
TOO_EASY = 0.80
BLURS_PX = (4.0, 8.0)

Judge = Callable[[Picture], float]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One method on one product and seed. ``good_ok`` and ``caught`` only where there is a threshold."""

    product: str
    seed: int
    method: str
    auroc: float
    gap: float
    train_s: float
    good_ok: int | None = None
    caught: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """What every method gets: good photographs to learn from, then parts to judge."""

    product: str
    seed: int
    photographs: tuple[Picture, ...]
    parts: tuple[Picture, ...]
    defective: NDArray[np.bool_]

    @classmethod
    def render(cls, product: str, seed: int) -> "Trial":
        """Photograph the demo's parts."""
        plan: Sequence[PlannedPart] = schedule(product, seed=seed, good=GOOD, defective=DEFECTIVE)
        learned = samples(product, seed=seed, count=GOOD_PHOTOGRAPHS[product])
        return cls(
            product,
            seed,
            tuple(part.render().pixels for part in learned),
            tuple(part.render().pixels for part in plan),
            np.array([part.defect is not None for part in plan]),
        )

    def outcome(self, method: str, scores: NDArray[np.float64], train_s: float = 0.0) -> Outcome:
        """Sum up ``scores``, one a part."""
        good, bad = scores[~self.defective], scores[self.defective]
        gap = float(np.quantile(bad, 0.10) / np.quantile(good, 0.95))
        return Outcome(self.product, self.seed, method, auroc(good, bad), gap, train_s)


def difference(trial: Trial) -> Outcome:
    """Judge by the distance to the mean photograph: whichever way of summing it up separates best."""
    mean = np.mean(np.stack(trial.photographs).astype(np.float32), axis=0)
    ways: dict[str, list[float]] = {"mean": [], **{f"largest, blur {blur:g} px": [] for blur in BLURS_PX}}
    for pixels in trial.parts:
        away = np.abs(pixels.astype(np.float32) - mean).mean(axis=2)
        ways["mean"].append(float(away.mean()))
        for blur in BLURS_PX:
            ways[f"largest, blur {blur:g} px"].append(float(cv2.GaussianBlur(away, (0, 0), blur).max()))
    outcomes = [trial.outcome("difference", np.array(scores)) for scores in ways.values()]
    return max(outcomes, key=lambda outcome: outcome.auroc)


def ours(trial: Trial) -> Outcome:
    """Train as ``okng-trainer train`` does, judge with the packaged graph in the edge's engine."""
    key = new_signing_key()
    with tempfile.TemporaryDirectory() as scratch:
        good = Path(scratch) / "good"
        good.mkdir()
        for number, pixels in enumerate(trial.photographs):
            cv2.imwrite(str(good / f"{number}.png"), pixels)
        result = train_package(
            good,
            PackageLabel(trial.product, "1"),
            TrainingSettings(),
            Path(scratch),
            key=key,
            watch=lambda _: None,
        )
        package = read_package_file(result.package, Trust.of(key.public))
    with OpenVinoEngine.load(
        package.files["model.xml"], package.files["model.bin"], devices=("CPU",)
    ) as engine:
        scores = np.array([engine.score(pixels).score for pixels in trial.parts])
    threshold = result.manifest.threshold.value
    found = trial.outcome("ours", scores, result.seconds)
    return Outcome(
        **asdict(found)
        | {
            "good_ok": int(np.sum(scores[~trial.defective] <= threshold)),
            "caught": int(np.sum(scores[trial.defective] > threshold)),
        }
    )


def stock(trial: Trial, epochs: int) -> Outcome:
    """Train anomalib's STFPM as it comes."""
    from benchmarks.stock_methods import train_stock  # noqa: PLC0415 - loads torch and anomalib

    weights = Path(trainer.teacher.__file__).parent / BUNDLED_FILE
    began = time.monotonic()
    model = train_stock("stfpm", trial.photographs, weights=weights, epochs=epochs)
    train_s = time.monotonic() - began
    return trial.outcome("stock", np.array([model.judge(pixels)[0] for pixels in trial.parts]), train_s)


def measure(names: Sequence[str], seeds: Sequence[int], epochs: int, methods: Sequence[str]) -> list[Outcome]:
    """Run every method on every product and seed; print each outcome as it comes."""
    columns = f"{'product':8}{'seed':>5}  {'method':12}{'AUROC':>7}{'gap':>7}{'train s':>9}"
    print(f"{columns}{'good ok':>9}{'caught':>8}")
    outcomes = []
    for product in names:
        for seed in seeds:
            trial = Trial.render(product, seed)
            ways = {"difference": difference, "ours": ours, "stock": lambda each: stock(each, epochs)}
            for method in methods:
                outcome = ways[method](trial)
                outcomes.append(outcome)
                print(_row(outcome), flush=True)
    return outcomes


def _row(outcome: Outcome) -> str:
    counts = ["" if count is None else f"{count}/20" for count in (outcome.good_ok, outcome.caught)]
    return (
        f"{outcome.product:8}{outcome.seed:5}  {outcome.method:12}{outcome.auroc:7.3f}{outcome.gap:7.2f}"
        f"{outcome.train_s:9.0f}{counts[0]:>9}{counts[1]:>8}"
    )


def main() -> None:
    """Measure, print a table, write the figures where asked; exit 1 when the parts are too easy."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--products", nargs="+", choices=products(), default=products())
    parser.add_argument("--methods", nargs="+", default=("difference", "ours", "stock"))
    parser.add_argument("--epochs", type=int, default=400, help="of stock STFPM")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    outcomes = measure(options.products, options.seeds, options.epochs, options.methods)
    if options.json:
        figures = {"epochs": options.epochs, "outcomes": [asdict(outcome) for outcome in outcomes]}
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    easy = [each for each in outcomes if each.method == "difference" and each.auroc >= TOO_EASY]
    for each in easy:
        print(
            f"too easy: {each.product}, seed {each.seed}: a plain difference reaches {each.auroc:.3f}, "
            f"{TOO_EASY} allowed. Make the parts vary more."
        )
    sys.exit(1 if easy else 0)


if __name__ == "__main__":
    main()
