"""The learning part of the pipeline: photographs to a calibrated network.

``auto`` compares STFPM and the memory bank on photographs that each has not learned, with and without a drawn
defect, and takes the bank where it tells them apart clearly better. What follows is about STFPM.

The final student learns from variations of every photograph. So that the threshold rests on parts that
were not seen, a few shorter students each leave some photographs out and measure those.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn

from edge_service.contract.manifest import Threshold
from edge_service.inference.preprocess import to_model_input
from trainer.calibration.cross_validation import (
    NEIGHBOURHOOD,
    Calibration,
    FoldMaps,
    PictureMaps,
    calibrate,
)
from trainer.calibration.score_head import ScoreHead, score_maps
from trainer.calibration.statistics import fit_statistics
from trainer.calibration.threshold import find_threshold
from trainer.datasets.input_size import input_size
from trainer.datasets.variation import DEFAULT_RANGE, VariedPictures, Varier
from trainer.domain import LAYERS, Phase, PhotographSet, Picture, Progress, Watcher
from trainer.export.spoilt import spoil
from trainer.pipeline.bank import learn_bank
from trainer.pipeline.separation import Separation, mean_auroc
from trainer.pipeline.settings import BATCH, TrainingSettings
from trainer.teacher.backbone import build_teacher
from trainer.teacher.weights import TeacherWeights
from trainer.training.memory_bank import BANK_LAYERS
from trainer.training.network import StudentTeacher, pair_up
from trainer.training.stfpm import Lesson, Schedule, layer_maps, prepare_lesson, teach

VARIATIONS_TO_LEARN = 96
VARIATIONS_TO_CALIBRATE = 48
VARIATIONS_TO_SCORE = 24
MILD = 0.25  # of the range: a photograph brings its own place and light already
MOST_FOLDS = 4
FOLD_SHARE = 0.25  # of the final student's steps
CLEARLY_BETTER = 0.02  # AUROC on spoilt held-out pictures: by less, auto stays with STFPM


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """A network with its score head and threshold, before export. ``losses``: none for a memory bank."""

    algorithm: str
    network: nn.Module
    head: ScoreHead
    threshold: Threshold
    calibration: Calibration
    losses: tuple[float, ...]
    variations: Picture  # good pictures that it was calibrated on, uint8 (n, height, width, 3)
    separations: Mapping[str, float]  # what was compared by cross-validation: AUROC by algorithm

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
    to_score = mild.vary(pictures, max(VARIATIONS_TO_SCORE, len(pictures)))
    spoilt = spoil(to_score.pixels, seed=settings.seed)
    classroom = _Classroom(build_teacher(weights, settings.layers), weights.backbone, settings, watch)

    bank = None
    if settings.algorithm == "memory_bank" or (
        settings.algorithm == "auto" and _comparable(settings, pictures)
    ):
        whole = np.concatenate([to_model_input(pixels, height, width) for pixels in pictures])
        bank = learn_bank(
            build_teacher(weights, BANK_LAYERS),
            whole,
            to_score,
            spoilt,
            seed=settings.seed,
            on_step=lambda done, total: watch(Progress(Phase.VARY, done, total + 1)),
        )
    separations = {} if bank is None else {"memory_bank": bank.separation.auroc}
    lesson: Lesson | None = None
    folds: list[FoldMaps] = []
    if settings.algorithm != "memory_bank":
        lesson = classroom.prepare(to_learn, len(pictures))
        watch(Progress(Phase.VARY, 1, 1))
        folds, parts = classroom.cross_validate(lesson, to_learn.owners, to_score, spoilt)
        separations |= {"stfpm": mean_auroc(parts)} if parts else {}
    else:
        watch(Progress(Phase.VARY, 1, 1))
    if bank is not None and (
        lesson is None or separations["memory_bank"] > separations["stfpm"] + CLEARLY_BETTER
    ):
        classroom.end()
        return _finished(
            "memory_bank",
            bank.network,
            bank.head,
            bank.calibration,
            (),
            to_calibrate.pixels,
            separations,
            settings,
            watch,
        )

    assert lesson is not None
    network, losses = classroom.final(lesson)
    calibration = calibrate(
        PictureMaps(layer_maps(network, to_calibrate.pixels), to_calibrate.owners),
        PictureMaps(layer_maps(network, to_score.pixels), to_score.owners),
        folds,
    )
    head = ScoreHead(calibration.statistics)
    return _finished(
        "stfpm", network, head, calibration, losses, to_calibrate.pixels, separations, settings, watch
    )


def _comparable(settings: TrainingSettings, pictures: Sequence[Picture]) -> bool:
    """Tell whether cross-validation can compare: with two photographs, and the layers that a bank needs."""
    return len(pictures) > 1 and settings.layers == LAYERS


def _finished(  # noqa: PLR0917 - in the order of LearnedModel
    algorithm: str,
    network: nn.Module,
    head: ScoreHead,
    calibration: Calibration,
    losses: tuple[float, ...],
    variations: Picture,
    separations: Mapping[str, float],
    settings: TrainingSettings,
    watch: Watcher,
) -> LearnedModel:
    watch(Progress(Phase.CALIBRATE, 0, 1))
    threshold = find_threshold(calibration.held_out, settings.false_reject_rate)
    watch(Progress(Phase.CALIBRATE, 1, 1))
    return LearnedModel(algorithm, network, head, threshold, calibration, losses, variations, separations)


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
        before = self._folds * self._fold_steps
        count = self._counter(before, self._final_steps, losses)
        network = self._train(lesson, self._final_steps, 0, count)
        return network, tuple(losses)

    def cross_validate(
        self, lesson: Lesson, owners: NDArray[np.int64], to_score: VariedPictures, spoilt: Picture
    ) -> tuple[list[FoldMaps], list[Separation]]:
        """Train without every ``folds``-th photograph, for each remainder; measure ``to_score``.

        ``spoilt``: the same with defects; those of unseen photographs tell what the method is worth.
        """
        folds, parts = [], []
        for fold in range(self._folds):
            learned = np.flatnonzero(owners % self._folds != fold)
            count = self._counter(fold * self._fold_steps, self._fold_steps, [])
            network = self._train(lesson.part(learned), self._fold_steps, fold + 1, count)
            unseen = to_score.owners % self._folds == fold
            maps = layer_maps(network, to_score.pixels)
            folds.append(FoldMaps(maps, unseen))
            head = ScoreHead(fit_statistics([each[~unseen] for each in maps], NEIGHBOURHOOD))
            good = score_maps(head, [each[unseen] for each in maps])
            parts.append(Separation(good, score_maps(head, layer_maps(network, spoilt[unseen]))))
        return folds, parts

    def end(self) -> None:
        """Tell the watcher that nothing more will be trained."""
        total = self._final_steps + self._folds * self._fold_steps or 1
        self._watch(Progress(Phase.TRAIN, total, total))

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
