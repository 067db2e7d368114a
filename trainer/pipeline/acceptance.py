"""Export, and the proof that an edge will judge as the trainer did.

The exported graph runs in the edge's own engine over pictures that it was calibrated on. Score and map must
agree with the trained network's: a conversion that changes the verdicts must not leave the house.
"""

from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edge_service.inference.engine import OpenVinoEngine
from edge_service.language import say
from trainer.domain import Phase, Picture, Progress, Watcher
from trainer.errors import ExportError
from trainer.export.agreement import VariantAgreement, compare
from trainer.export.graph import InspectionGraph
from trainer.export.int8 import RUNGS, to_int8
from trainer.export.openvino_ir import IntermediateRepresentation, to_openvino
from trainer.export.spoilt import spoil
from trainer.pipeline.learning import LearnedModel

MOST_DIFFERENCE = 0.05  # of the score, in parts of the threshold; BF16 stays within 0.02
MOST_PLACE_DIFFERENCE = 0.3  # of the worst single place of the map, likewise; BF16 stays within 0.15
_CHECKED = 8  # pictures
_COMPARED = 12  # good pictures, and as many spoilt ones


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the edge's engine is from the trained network, and how fast it is here.

    ``score_difference``: the largest, in parts of the threshold; ``map_difference``: likewise, of any place.
    """

    score_difference: float
    map_difference: float
    latency_ms: float
    device: str
    precision: str


def export(model: LearnedModel, watch: Watcher) -> IntermediateRepresentation:
    """Convert the network with its score head. Raises ExportError."""
    watch(Progress(Phase.EXPORT, 0, 1))
    exported = to_openvino(InspectionGraph(model.network, model.head), *model.input_size)
    watch(Progress(Phase.EXPORT, 1, 1))
    return exported


def verify(model: LearnedModel, engine: OpenVinoEngine, watch: Watcher) -> Agreement:
    """Hold ``engine`` (the exported graph) against the network. Raises ExportError when they disagree."""
    graph = InspectionGraph(model.network, model.head)
    pictures = model.variations[:_CHECKED]
    differences, map_differences, times = [], [], []
    for done, picture in enumerate(pictures, start=1):
        theirs = engine.score(picture)
        score, anomaly_map = _run(graph, picture)
        differences.append(abs(theirs.score - score) / model.threshold.value)
        map_differences.append(float(np.abs(theirs.anomaly_map - anomaly_map).max()) / model.threshold.value)
        times.append(theirs.inference_ms)
        watch(Progress(Phase.VERIFY, done, len(pictures)))
    found = Agreement(
        max(differences), max(map_differences), float(np.median(times)), engine.device, engine.precision
    )
    if found.score_difference > MOST_DIFFERENCE or found.map_difference > MOST_PLACE_DIFFERENCE:
        raise ExportError(
            say(
                f"The exported model differs from the trained one: score by {found.score_difference:.1%} "
                f"of the threshold, map by {found.map_difference:.1%}",
                f"导出模型与训练结果不一致：分数相差阈值的 {found.score_difference:.1%}，"
                f"异常图相差 {found.map_difference:.1%}",
            ),
            remedy=say(
                "Train again with another --seed, and report it.",
                "请更换 --seed 重新训练，并反馈此问题。",
            ),
        )
    return found


@dataclass(frozen=True, slots=True)
class Variants:
    """What the variants came to against FP32; ``int8``: None where it did not pass, or was not made.

    ``rung``: the first way to quantise that passed, else the last (``export.int8``).
    """

    agreements: tuple[VariantAgreement, ...]
    int8: IntermediateRepresentation | None
    rung: str = ""

    def figures(self) -> dict[str, object]:
        """Return what the manifest states."""
        found: dict[str, object] = {}
        for each in self.agreements:
            more = {"rung": self.rung} if each.variant == "int8" else {}
            found[each.variant] = {**asdict(each), "passes": each.passes, **more}
        return found

    def files(self) -> dict[str, bytes]:
        """Return what goes into the package beside the first graph."""
        return {"model_int8.xml": self.int8.xml, "model_int8.bin": self.int8.weights} if self.int8 else {}


def quantise(
    exported: IntermediateRepresentation, variations: Picture, threshold: float, watch: Watcher
) -> Variants:
    """Make the INT8 twin; hold it, and BF16 where there is one, against FP32. Raises ExportError.

    ``variations``: good pictures of the model's size, uint8 (n, H, W, 3), to calibrate and to compare on. A
    twin that does not pass is made again in the next of the ways that ``export.int8`` knows.
    """
    watch(Progress(Phase.QUANTISE, 0, 3))
    good = variations[:_COMPARED]
    pictures = np.concatenate([good, spoil(good, seed=0)])
    with OpenVinoEngine.load(exported.xml, exported.weights, devices=("CPU",), precision="f32") as engine:
        reference = [engine.score(picture) for picture in pictures]

    def judged(variant: str, int8: IntermediateRepresentation) -> tuple[VariantAgreement, ...]:
        with OpenVinoEngine.load(
            exported.xml,
            exported.weights,
            int8=(int8.xml, int8.weights),
            allowed=(variant,),
            devices=("CPU",),
        ) as engine:
            if engine.precision != variant:
                return ()
            return (compare(variant, engine, pictures, reference, threshold),)

    watch(Progress(Phase.QUANTISE, 1, 3))
    for rung in RUNGS:
        int8 = to_int8(exported, variations, rung)
        found = judged("int8", int8)
        if not found or found[0].passes:
            break
    watch(Progress(Phase.QUANTISE, 2, 3))
    bf16 = judged("bf16", int8)
    watch(Progress(Phase.QUANTISE, 3, 3))
    passed = any(each.passes for each in found)
    return Variants((*bf16, *found), int8 if passed else None, rung)


@torch.no_grad()
def _run(graph: InspectionGraph, picture: Picture) -> tuple[float, NDArray[np.float32]]:
    score, anomaly_map = graph(torch.from_numpy(picture)[None])
    return float(score), anomaly_map[0, 0].numpy()
