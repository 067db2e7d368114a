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
from trainer.calibration.cross_validation import Calibration, FoldMaps, PictureMaps, calibrate
from trainer.calibration.score_head import ScoreHead
from trainer.calibration.threshold import find_threshold
from trainer.datasets.input_size import input_size
from trainer.datasets.variation import DEFAULT_RANGE, VariedPictures, Varier
from trainer.domain import Phase, PhotographSet, Picture, Progress, Watcher
from trainer.pipeline.settings import BATCH, TrainingSettings
from trainer.teacher.backbone import build_teacher
from trainer.teacher.weights import TeacherWeights
from trainer.training.network import StudentTeacher, pair_up
from trainer.training.stfpm import Lesson, Schedule, layer_maps, prepare_lesson, teach

VARIATIONS_TO_LEARN = 96
VARIATIONS_TO_CALIBRATE = 48
VARIATIONS_TO_SCORE = 24
MILD = 0.25  # of the range: a photograph brings its own place and light already
MOST_FOLDS = 4
FOLD_SHARE = 0.25  # of the final student's steps


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """A network with its score head and threshold, before export."""

    network: StudentTeacher
    head: ScoreHead
    threshold: Threshold
    calibration: Calibration
    losses: tuple[float, ...]
    variations: Picture  # good pictures that it was calibrated on, uint8 (n, height, width, 3)

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the pictures that the network takes."""
        height, width = self.variations.shape[1:3]
        return height, width


def learn(
    photographs: PhotographSet, weights: TeacherWeights, settings: TrainingSettings, watch: Watcher
) -> LearnedModel:
    """Train and calibrate. Raises WeightsError, DivergedError."""
    watch(Progress(Phase.VARY, 0, 1))
    height, width = input_size(photographs.photographs, settings.size)
    pictures = [photograph.pixels for photograph in photographs.photographs]
    wide = Varier(height, width, seed=settings.seed)
    to_learn = wide.vary(pictures, VARIATIONS_TO_LEARN)
    to_calibrate = wide.vary(pictures, VARIATIONS_TO_CALIBRATE)
    mild = Varier(height, width, seed=settings.seed, reach=DEFAULT_RANGE.times(MILD))
    to_score = mild.vary(pictures, VARIATIONS_TO_SCORE)
    classroom = _Classroom(build_teacher(weights, settings.layers), weights.backbone, settings, watch)
    lesson = classroom.prepare(to_learn, len(pictures))
    watch(Progress(Phase.VARY, 1, 1))

    network, losses = classroom.final(lesson)
    folds = classroom.cross_validate(lesson, to_learn.owners, to_score)
    watch(Progress(Phase.CALIBRATE, 0, 1))
    calibration = calibrate(
        PictureMaps(layer_maps(network, to_calibrate.pixels), to_calibrate.owners),
        PictureMaps(layer_maps(network, to_score.pixels), to_score.owners),
        folds,
    )
    threshold = find_threshold(calibration.held_out, settings.false_reject_rate)
    watch(Progress(Phase.CALIBRATE, 1, 1))
    return LearnedModel(
        network, ScoreHead(calibration.statistics), threshold, calibration, losses, to_calibrate.pixels
    )


class _Classroom:
    """Trains the final student and the folds' students, and counts their steps as one run."""

    def __init__(self, teacher: nn.Module, backbone: str, settings: TrainingSettings, watch: Watcher) -> None:
        self._teacher = teacher
        self._backbone = backbone
        self._settings = settings
        self._watch = watch
        self._folds = 0
        self._final_steps = 0
        self._fold_steps = 0

    def prepare(self, to_learn: VariedPictures, photographs: int) -> Lesson:
        """Plan the steps for this many photographs and have the teacher answer."""
        self._folds = min(MOST_FOLDS, photographs) if photographs > 1 else 0
        self._final_steps = self._settings.steps(photographs)
        self._fold_steps = max(1, round(self._final_steps * FOLD_SHARE))
        return prepare_lesson(self._teacher, to_learn.pixels)

    def final(self, lesson: Lesson) -> tuple[StudentTeacher, tuple[float, ...]]:
        """Train on everything; return the network and the loss of every step."""
        losses: list[float] = []
        network = self._train(lesson, self._final_steps, 0, self._counter(0, self._final_steps, losses))
        return network, tuple(losses)

    def cross_validate(
        self, lesson: Lesson, owners: NDArray[np.int64], to_score: VariedPictures
    ) -> list[FoldMaps]:
        """Train without every ``folds``-th photograph, for each remainder; measure ``to_score``."""
        folds = []
        for fold in range(self._folds):
            learned = np.flatnonzero(owners % self._folds != fold)
            before = self._final_steps + fold * self._fold_steps
            count = self._counter(before, self._fold_steps, [])
            network = self._train(lesson.part(learned), self._fold_steps, fold + 1, count)
            unseen = to_score.owners % self._folds == fold
            folds.append(FoldMaps(layer_maps(network, to_score.pixels), unseen))
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
        pair = pair_up(self._teacher, student, self._backbone)
        return StudentTeacher(pair, lesson.statistics, lesson.places()).eval()

    def _counter(self, before: int, planned: int, losses: list[float]) -> Callable[[int, int, float], None]:
        """Return what turns one student's steps into the whole run's, also where a budget cuts them short."""
        total = self._final_steps + self._folds * self._fold_steps

        def count(done: int, of: int, loss: float) -> None:
            losses.append(loss)
            self._watch(Progress(Phase.TRAIN, before + round(planned * done / of), total, loss))

        return count
