"""Do FP32, BF16 and INT8 judge alike on real parts? A model a set, trained from a few good pictures.

``python benchmarks/agreement.py --data DIR --json agreement.json``

``DIR`` holds sets in MVTec AD's layout (SET/train/good, SET/test/KIND). For each set a model is trained as
``okng-trainer train`` does it, shortened, from ``--photographs`` good pictures; then up to ``--parts`` good
and as many defective pictures are judged in every variant, and each is held against FP32: rank correlation of
the maps (median), largest difference of scores (in parts of the threshold), verdicts that changed, AUROC.
INT8 is made in every way that training tries one after the other until one passes its gate.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.inference.engine import OpenVinoEngine
from trainer.domain import Photograph, PhotographSet, Picture
from trainer.export.agreement import rank_correlation
from trainer.export.int8 import RUNGS, to_int8
from trainer.pipeline.acceptance import export
from trainer.pipeline.learning import learn
from trainer.pipeline.settings import TrainingSettings
from trainer.teacher.weights import load_weights

VARIANTS = ("f32", "bf16", *(f"int8 {rung}" for rung in RUNGS))


def pictures(folder: Path, count: int) -> list[Picture]:
    """Return up to ``count`` pictures, spread evenly over the folder's."""
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in {".png", ".jpg", ".bmp"})
    chosen = files[:: max(1, len(files) // count)][:count]
    return [np.asarray(cv2.imread(str(file), cv2.IMREAD_COLOR), np.uint8) for file in chosen]


def defective(folder: Path, count: int) -> list[Picture]:
    """Return up to ``count`` defective pictures, of every kind."""
    kinds = [kind for kind in sorted((folder / "test").iterdir()) if kind.is_dir() and kind.name != "good"]
    each = max(1, count // max(1, len(kinds)))
    return [picture for kind in kinds for picture in pictures(kind, each)]


def auroc(scores: NDArray[np.float64], bad: NDArray[np.bool_]) -> float:
    """Return the share of pairs in which the defective part scores higher."""
    pairs = scores[bad][:, None] - scores[~bad][None, :]
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def compare(folder: Path, photographs: int, parts: int, epochs: int) -> dict[str, Any]:
    """Train on one set and judge it in every variant."""
    learned = pictures(folder / "train" / "good", photographs)
    chosen = tuple(Photograph(Path(str(n)), each, str(n)) for n, each in enumerate(learned))
    settings = TrainingSettings(epochs=epochs)
    model = learn(PhotographSet(chosen, "0" * 64, ()), load_weights("bundled"), settings, lambda _: None)
    graph = export(model, lambda _: None)
    twins = {f"int8 {rung}": to_int8(graph, model.variations, rung) for rung in RUNGS}
    good, bad = pictures(folder / "test" / "good", parts), defective(folder, parts)
    labels = np.array([False] * len(good) + [True] * len(bad))
    judged = {}
    for variant in VARIANTS:
        twin = twins.get(variant, graph)
        allowed = "int8" if variant in twins else variant
        with OpenVinoEngine.load(
            graph.xml,
            graph.weights,
            int8=(twin.xml, twin.weights),
            allowed=(allowed,),
            devices=("CPU",),
        ) as engine:
            if engine.precision == allowed:
                judged[variant] = [engine.score(picture) for picture in good + bad]
    threshold, reference = model.threshold.value, judged["f32"]
    truth = np.array([raw.score for raw in reference])
    found = {}
    for variant, raws in judged.items():
        scores = np.array([raw.score for raw in raws])
        maps = zip(raws, reference, strict=True)
        found[variant] = {
            "auroc": round(auroc(scores, labels), 4),
            "rank_correlation": round(
                float(np.median([rank_correlation(a.anomaly_map, b.anomaly_map) for a, b in maps])), 4
            ),
            "score_difference": round(float((np.abs(scores - truth) / threshold).max()), 4),
            "changed_verdicts": int(np.sum((scores >= threshold) != (truth >= threshold))),
            "parts": len(raws),
        }
    return found


def main() -> None:
    """Compare on every set, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--photographs", type=int, default=4)
    parser.add_argument("--parts", type=int, default=40)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sets = sorted(each for each in options.data.iterdir() if (each / "train" / "good").is_dir())
    found = {each.name: compare(each, options.photographs, options.parts, options.epochs) for each in sets}
    print(
        f"{'set':16}{'variant':20}{'AUROC':>8}{'rank corr.':>12}{'score diff.':>13}{'changed':>9}{'parts':>7}"
    )
    for name, variants in found.items():
        for variant, each in variants.items():
            print(
                f"{name:16}{variant:20}{each['auroc']:8.4f}{each['rank_correlation']:12.4f}"
                f"{each['score_difference']:13.4f}{each['changed_verdicts']:9}{each['parts']:7}"
            )
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
