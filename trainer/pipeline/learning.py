"""The learning part of the pipeline: photographs to a calibrated network.

``combined`` is STFPM with a memory bank beside it; ``auto`` compares it with either alone on photographs that
each has not learned, with and without a drawn defect, and takes another where it tells them apart clearly
better. What follows is about the student.

The final student learns from variations of every photograph. So that the threshold rests on parts that
were not seen, a few shorter students each leave some photographs out and measure those.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from edge_service.contract.manifest import Threshold
from edge_service.inference.preprocess import to_model_input
from trainer.calibration.cross_validation import (
    Calibration,
    FoldMaps,
    HeadPlan,
    PictureMaps,
    calibrate,
)
from trainer.calibration.score_head import ScoreHead, score_maps
from trainer.calibration.threshold import find_threshold
from trainer.datasets.input_size import input_size
from trainer.datasets.symmetry import Symmetry, every_way, taking_turns
from trainer.datasets.variation import DEFAULT_RANGE, VariedPictures, Varier
from trainer.domain import LAYERS, Maps, Phase, PhotographSet, Picture, Progress, Watcher
from trainer.export.spoilt import spoil
from trainer.pipeline.bank import LearnedBank, learn_bank
from trainer.pipeline.indifference import find_symmetries
from trainer.pipeline.separation import Separation, mean_auroc
from trainer.pipeline.settings import BATCH, TrainingSettings
from trainer.teacher.backbone import build_teacher
from trainer.teacher.weights import TeacherWeights
from trainer.training.combined import CombinedNetwork
from trainer.training.network import StudentTeacher, pair_up
from trainer.training.stfpm import Lesson, Schedule, layer_maps, prepare_lesson, teach

VARIATIONS_TO_LEARN = 96
VARIATIONS_TO_CALIBRATE = 48
VARIATIONS_TO_SCORE = 24
MILD = 0.25  # of the range: a photograph brings its own place and light already
MOST_FOLDS = 4
BANK_SHARE = 0.2  # with more, parts are told apart no better, and the threshold becomes less certain
FOLD_SHARE = 0.25  # of the final student's steps
CLEARLY_BETTER = 0.02  # AUROC on spoilt held-out pictures: by less, auto stays with STFPM


@dataclass(frozen=True, slots=True)
class LearnedModel:
    """A network with its score head and threshold, before export. ``losses``: none for a memory bank."""

    algorithm: str
    network: nn.Module
    threshold: Threshold
    calibration: Calibration
    losses: tuple[float, ...]
    variations: Picture  # good pictures that it was calibrated on, uint8 (n, height, width, 3)
    separations: Mapping[str, float]  # of what cross-validation looked at: AUROC by algorithm
    symmetries: tuple[Symmetry, ...]  # other ways in which a part may lie and be good

    @property
    def head(self) -> ScoreHead:
        """What makes a map and a score of the network's maps."""
        return self.calibration.head

    @property
    def input_size(self) -> tuple[int, int]:
        """Height and width of the pictures that the network takes."""
        height, width = self.variations.shape[1:3]
        return height, width


@dataclass(frozen=True, slots=True)
class _Pictures:
    """What is learned and measured, all of it made of the photographs at the model's size."""

    photographs: VariedPictures  # in every way that they may lie
    to_learn: VariedPictures
    to_calibrate: VariedPictures
    to_score: VariedPictures
    spoilt: Picture  # ``to_score``, each with a drawn defect


@dataclass(frozen=True, slots=True)
class _Fold:
    """What a student gives that did not see some of the photographs; ``spoilt``: of the unseen alone."""

    good: FoldMaps
    spoilt: Sequence[Maps]


def learn(
    photographs: PhotographSet, weights: TeacherWeights, settings: TrainingSettings, watch: Watcher
) -> LearnedModel:
    """Train and calibrate. Raises WeightsError, DivergedError."""
    watch(Progress(Phase.VARY, 0, 1))
    teacher = build_teacher(weights, settings.layers)
    pictures, symmetries = _prepare(photographs, settings, teacher)
    bank = _bank(teacher, pictures, settings, watch)
    watch(Progress(Phase.VARY, 1, 1))
    classroom = _Classroom(teacher, weights.backbone, settings, watch)
    folds: list[_Fold] = []
    lesson: Lesson | None = None
    if settings.algorithm != "memory_bank":
        lesson = classroom.prepare(pictures.to_learn, len(photographs))
        folds = classroom.cross_validate(lesson, pictures)
    separations = _separations(folds, bank)
    algorithm = _chosen(separations) if settings.algorithm == "auto" else settings.algorithm
    network: nn.Module
    losses: tuple[float, ...] = ()
    if algorithm == "memory_bank":
        assert bank is not None
        classroom.end()
        network, calibration = bank.network, bank.calibration
    else:
        assert lesson is not None
        student, losses = classroom.final(lesson)
        network, calibration = _calibrated(
            student, pictures, folds, bank if algorithm == "combined" else None
        )
    watch(Progress(Phase.CALIBRATE, 0, 1))
    threshold = find_threshold(calibration.held_out, settings.false_reject_rate)
    watch(Progress(Phase.CALIBRATE, 1, 1))
    return LearnedModel(
        algorithm,
        network,
        threshold,
        calibration,
        losses,
        pictures.to_calibrate.pixels,
        separations,
        symmetries,
    )


def _prepare(
    photographs: PhotographSet, settings: TrainingSettings, teacher: nn.Module
) -> tuple[_Pictures, tuple[Symmetry, ...]]:
    height, width = input_size(photographs.photographs, settings.size)
    originals = [photograph.pixels for photograph in photographs.photographs]
    wide = Varier(height, width, seed=settings.seed)
    mild = Varier(height, width, seed=settings.seed, reach=DEFAULT_RANGE.times(MILD))
    plain = np.concatenate([to_model_input(pixels, height, width) for pixels in originals])
    may_lie = settings.orientation == "auto" and settings.layers == LAYERS
    symmetries = find_symmetries(teacher, plain, settings.seed) if may_lie else ()
    to_learn, to_calibrate, to_score = (
        taking_turns(varied, symmetries)
        for varied in (
            wide.vary(originals, VARIATIONS_TO_LEARN),
            wide.vary(originals, VARIATIONS_TO_CALIBRATE),
            mild.vary(originals, max(VARIATIONS_TO_SCORE, len(originals))),
        )
    )
    spoilt = spoil(to_score.pixels, seed=settings.seed)
    return _Pictures(every_way(plain, symmetries), to_learn, to_calibrate, to_score, spoilt), symmetries


def _bank(
    teacher: nn.Module, pictures: _Pictures, settings: TrainingSettings, watch: Watcher
) -> LearnedBank | None:
    """Return the memory bank where the algorithm needs one and the layers allow it."""
    if settings.algorithm == "stfpm" or settings.layers != LAYERS:
        return None
    return learn_bank(
        teacher,
        pictures.photographs,
        pictures.to_score,
        pictures.spoilt,
        seed=settings.seed,
        on_step=lambda done, total: watch(Progress(Phase.VARY, done, total + 1)),
    )


def _calibrated(
    student: StudentTeacher, pictures: _Pictures, folds: Sequence[_Fold], bank: LearnedBank | None
) -> tuple[nn.Module, Calibration]:
    """Return the network and its calibration: the student's alone, or with a bank beside it."""
    wide = PictureMaps(layer_maps(student, pictures.to_calibrate.pixels), pictures.to_calibrate.owners)
    own = layer_maps(student, pictures.to_score.pixels)
    beside = [bank.good] if bank else []
    calibration = calibrate(
        wide,
        PictureMaps([*own, *beside], pictures.to_score.owners),
        [FoldMaps([*fold.good.maps, *beside], fold.good.unseen) for fold in folds],
        _plan(bank, len(own)),
    )
    return CombinedNetwork(student, bank.network).eval() if bank else student, calibration


def _plan(bank: LearnedBank | None, student_maps: int) -> HeadPlan:
    """Return how maps are brought together: the student's all alike, a bank for ``BANK_SHARE``."""
    if bank is None:
        return HeadPlan()
    of_bank = student_maps * BANK_SHARE / (1.0 - BANK_SHARE)
    return HeadPlan((bank.usual(),), (*(1.0,) * student_maps, of_bank))


def _separations(folds: Sequence[_Fold], bank: LearnedBank | None) -> dict[str, float]:
    """Tell how well each algorithm at hand tells spoilt pictures of photographs that it has not learned."""
    found = {"memory_bank": bank.separation.auroc} if bank else {}
    if folds:
        found["stfpm"] = mean_auroc([_separation(fold, None) for fold in folds])
    if folds and bank:
        found["combined"] = mean_auroc([_separation(fold, bank) for fold in folds])
    return found


def _separation(fold: _Fold, bank: LearnedBank | None) -> Separation:
    unseen = fold.good.unseen
    head = _plan(bank, len(fold.good.maps)).head([maps[~unseen] for maps in fold.good.maps])
    good, spoilt = ([bank.good[unseen]], [bank.spoilt[unseen]]) if bank else ([], [])
    return Separation(
        score_maps(head, [*(maps[unseen] for maps in fold.good.maps), *good]),
        score_maps(head, [*fold.spoilt, *spoilt]),
    )


def _chosen(separations: Mapping[str, float]) -> str:
    """Return the algorithm that ``auto`` takes: the usual one, unless another is clearly better."""
    usual = "combined" if "memory_bank" in separations else "stfpm"
    best = max(separations, key=lambda name: separations[name], default=usual)
    return best if separations.get(best, 0.0) > separations.get(usual, 1.0) + CLEARLY_BETTER else usual


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

    def cross_validate(self, lesson: Lesson, pictures: _Pictures) -> list[_Fold]:
        """Train without every ``folds``-th photograph, for each remainder; measure good and spoilt."""
        folds = []
        for fold in range(self._folds):
            learned = np.flatnonzero(pictures.to_learn.owners % self._folds != fold)
            count = self._counter(fold * self._fold_steps, self._fold_steps, [])
            network = self._train(lesson.part(learned), self._fold_steps, fold + 1, count)
            unseen = pictures.to_score.owners % self._folds == fold
            good = FoldMaps(layer_maps(network, pictures.to_score.pixels), unseen)
            folds.append(_Fold(good, layer_maps(network, pictures.spoilt[unseen])))
        return folds

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
