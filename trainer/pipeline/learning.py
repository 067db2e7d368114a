"""The learning part of the pipeline: photographs to a calibrated network.

The final student learns from variations of every photograph. So that the threshold rests on parts that
were not seen, a few shorter students each leave some photographs out and measure those.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from edge_service.contract.manifest import Threshold
from trainer.calibration.cross_validation import Calibration, FoldMaps, calibrate
from trainer.calibration.score_head import ScoreHead
from trainer.calibration.threshold import find_threshold
from trainer.datasets.variation import Varier
from trainer.domain import Phase, PhotographSet, Picture, Progress, Watcher
from trainer.pipeline.settings import BATCH, TrainingSettings
from trainer.teacher.backbone import build_teacher
from trainer.teacher.weights import TeacherWeights
from trainer.training.network import StudentTeacher, pair_up
from trainer.training.stfpm import Lesson, Schedule, layer_maps, prepare_lesson, teach

VARIATIONS_TO_LEARN = 96
VARIATIONS_TO_CALIBRATE = 48
MOST_FOLDS = 2
FOLD_SHARE = 0.5  # of the final student's steps


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """A network with its score head and threshold, before export."""

    network: StudentTeacher
    head: ScoreHead
    threshold: Threshold
    calibration: Calibration
    losses: tuple[float, ...]
    variations: Picture  # the good pictures it was calibrated on, uint8 (n, size, size, 3)


def learn(
    photographs: PhotographSet, weights: TeacherWeights, settings: TrainingSettings, watch: Watcher
) -> LearnedModel:
    """Train and calibrate. Raises WeightsError, DivergedError."""
    watch(Progress(Phase.VARY, 0, 1))
    varier = Varier(settings.size, settings.seed)
    pictures = [photograph.pixels for photograph in photographs.photographs]
    bank, bank_owners = varier.bank(pictures, VARIATIONS_TO_LEARN)
    fresh, owners = varier.bank(pictures, VARIATIONS_TO_CALIBRATE)
    teacher = build_teacher(weights, settings.layers)
    lesson = prepare_lesson(teacher, bank)
    watch(Progress(Phase.VARY, 1, 1))

    classroom = _Classroom(teacher, weights.backbone, settings, watch, len(pictures))
    network, losses = classroom.final(lesson)
    folds = classroom.cross_validate(lesson, bank_owners, fresh, owners)
    watch(Progress(Phase.CALIBRATE, 0, 1))
    calibration = calibrate(layer_maps(network, fresh), folds, owners)
    threshold = find_threshold(calibration.held_out, settings.false_reject_rate)
    watch(Progress(Phase.CALIBRATE, 1, 1))
    return LearnedModel(network, ScoreHead(calibration.statistics), threshold, calibration, losses, fresh)


def _folds(photographs: int) -> int:
    return min(MOST_FOLDS, photographs) if photographs > 1 else 0


class _Classroom:
    """Trains the final student and the folds' students, and counts their steps as one run."""

    def __init__(
        self, teacher: nn.Module, backbone: str, settings: TrainingSettings, watch: Watcher, photographs: int
    ) -> None:
        self._teacher = teacher
        self._backbone = backbone
        self._settings = settings
        self._watch = watch
        self._folds = _folds(photographs)
        self._final_steps = settings.steps(photographs)
        self._fold_steps = max(1, round(self._final_steps * FOLD_SHARE))

    def final(self, lesson: Lesson) -> tuple[StudentTeacher, tuple[float, ...]]:
        losses: list[float] = []
        network = self._train(lesson, self._final_steps, 0, self._counter(0, losses))
        return network, tuple(losses)

    def cross_validate(
        self,
        lesson: Lesson,
        bank_owners: NDArray[np.int64],
        fresh: Picture,
        owners: NDArray[np.int64],
    ) -> list[FoldMaps]:
        folds = []
        for fold in range(self._folds):
            learned = np.flatnonzero(bank_owners % self._folds != fold)
            before = self._final_steps + fold * self._fold_steps
            network = self._train(lesson.part(learned), self._fold_steps, fold + 1, self._counter(before, []))
            folds.append(FoldMaps(layer_maps(network, fresh), owners % self._folds == fold))
        return folds

    def _train(
        self, lesson: Lesson, steps: int, number: int, on_step: Callable[[int, int, float], None]
    ) -> StudentTeacher:
        share = steps / (self._final_steps + self._folds * self._fold_steps)
        schedule = Schedule(
            steps=steps,
            batch=BATCH,
            seed=self._settings.seed * 100 + number,
            budget_s=self._settings.budget_s * share,
        )
        student = teach(lesson, schedule, self._backbone, self._settings.layers, on_step=on_step)
        return StudentTeacher(pair_up(self._teacher, student, self._backbone), lesson.statistics).eval()

    def _counter(self, before: int, losses: list[float]) -> Callable[[int, int, float], None]:
        total = self._final_steps + self._folds * self._fold_steps

        def count(done: int, _total: int, loss: float) -> None:
            losses.append(loss)
            self._watch(Progress(Phase.TRAIN, before + done, total, loss))

        return count
