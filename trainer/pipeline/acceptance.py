"""Export, and the proof that an edge will judge as the trainer did.

The exported graph runs in the edge's own engine over pictures that it was calibrated on. Score and map must
agree with the trained network's: a conversion that changes the verdicts must not leave the house.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats

from edge_service.inference.engine import OpenVinoEngine
from edge_service.language import say
from trainer.domain import Phase, Picture, Progress, Watcher
from trainer.errors import ExportError
from trainer.export.graph import InspectionGraph
from trainer.export.openvino_ir import IntermediateRepresentation, to_openvino
from trainer.pipeline.learning import LearnedModel

MOST_SCORE_DIFFERENCE = 0.05  # of the threshold; BF16 stays within 0.02
LEAST_MAP_AGREEMENT = 0.98  # rank correlation
_CHECKED = 8  # pictures


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far the edge's engine is from the trained network, and how fast it is here.

    ``score_difference``: largest, in parts of the threshold. ``map_agreement``: smallest rank correlation.
    """

    score_difference: float
    map_agreement: float
    latency_ms: float
    device: str
    precision: str


def export(model: LearnedModel, size: int, watch: Watcher) -> IntermediateRepresentation:
    """Convert the network with its score head. Raises ExportError."""
    watch(Progress(Phase.EXPORT, 0, 1))
    exported = to_openvino(InspectionGraph(model.network, model.head), size, size)
    watch(Progress(Phase.EXPORT, 1, 1))
    return exported


def verify(model: LearnedModel, engine: OpenVinoEngine, watch: Watcher) -> Agreement:
    """Hold ``engine`` (the exported graph) against the network. Raises ExportError when they disagree."""
    graph = InspectionGraph(model.network, model.head)
    pictures = model.variations[:_CHECKED]
    differences, agreements, times = [], [], []
    for done, picture in enumerate(pictures, start=1):
        theirs = engine.score(picture)
        score, anomaly_map = _run(graph, picture)
        differences.append(abs(theirs.score - score) / model.threshold.value)
        agreements.append(float(stats.spearmanr(theirs.anomaly_map, anomaly_map, axis=None).statistic))
        times.append(theirs.inference_ms)
        watch(Progress(Phase.VERIFY, done, len(pictures)))
    found = Agreement(
        max(differences), min(agreements), float(np.median(times)), engine.device, engine.precision
    )
    if found.score_difference > MOST_SCORE_DIFFERENCE or found.map_agreement < LEAST_MAP_AGREEMENT:
        raise ExportError(
            say(
                f"The exported model differs from the trained one: score by {found.score_difference:.1%} "
                f"of the threshold, map correlation {found.map_agreement:.4f}",
                f"导出模型与训练结果不一致：分数相差阈值的 {found.score_difference:.1%}，"
                f"异常图相关系数 {found.map_agreement:.4f}",
            ),
            remedy=say(
                "Train again with another --seed, and report it.",
                "请更换 --seed 重新训练，并反馈此问题。",
            ),
        )
    return found


@torch.no_grad()
def _run(graph: InspectionGraph, picture: Picture) -> tuple[float, NDArray[np.float32]]:
    score, anomaly_map = graph(torch.from_numpy(picture)[None])
    return float(score), anomaly_map[0, 0].numpy()
