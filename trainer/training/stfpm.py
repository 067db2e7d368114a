"""Teaching the student: a lesson (varied photographs with the teacher's answers) and the steps.

The teacher is frozen, so it answers each variation once; every step after that runs the student alone.
BF16 where the processor has it, channels-last memory, AdamW on a one-cycle schedule: about a tenth of
a second a step of four 256-pixel pictures on two cores.

::

    lesson = prepare_lesson(teacher, bank)
    student = teach(lesson, Schedule(steps=200), "resnet18", LAYERS, on_step=print)
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from edge_service.inference.graph import openvino_core
from edge_service.language import say
from trainer.domain import LAYERS, Picture
from trainer.errors import DivergedError
from trainer.network_input import as_input
from trainer.training.network import ChannelStatistics, build_student, squared_error

_AT_ONCE = 8  # pictures through a network that is not learning
_LONGEST_GRADIENT = 5.0
_WARM_UP = 0.15  # of the steps
_STEPS_TO_TIME = 4  # before it is known how many fit into a budget

OnStep = Callable[[int, int, float], None]


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how hard to learn. ``batch``: pictures a step; ``budget_s``: 0 = no limit."""

    steps: int = 200
    batch: int = 4
    peak_rate: float = 3e-3
    weight_decay: float = 1e-2
    seed: int = 0
    budget_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """Pictures with the teacher's answers: ``targets`` per layer, normalised, (n, channels, h, w)."""

    pictures: Tensor  # uint8 (n, H, W, 3), BGR
    targets: tuple[Tensor, ...]
    statistics: tuple[ChannelStatistics, ...]

    def part(self, indices: NDArray[np.int64]) -> "Lesson":
        """Return the lesson of some of the pictures, at the same channel statistics."""
        chosen = torch.from_numpy(indices)
        return Lesson(self.pictures[chosen], tuple(t[chosen] for t in self.targets), self.statistics)

    def places(self) -> list[Tensor]:
        """Return the mean answer at each place, float32 (1, channels, h, w) a layer."""
        return [target.float().mean(0, keepdim=True) for target in self.targets]


def mixed_precision() -> bool:
    """Tell whether this processor computes in BF16 by itself."""
    return "BF16" in openvino_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@torch.no_grad()
def prepare_lesson(teacher: nn.Module, pictures: Picture) -> Lesson:
    """Have the teacher answer every picture of ``pictures``, uint8 (n, H, W, 3)."""
    tensor = torch.from_numpy(pictures)
    teacher = teacher.to(memory_format=torch.channels_last)
    answers: list[list[Tensor]] = []
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed_precision()):
        for batch in torch.split(tensor, _AT_ONCE):
            features = teacher(_channels_last(as_input(batch)))
            answers.append([feature.to(torch.bfloat16) for feature in features.values()])
    layers = [torch.cat(batches) for batches in zip(*answers, strict=True)]
    statistics = tuple(ChannelStatistics.of(layer) for layer in layers)
    targets = tuple(
        known.normalise(layer).to(torch.bfloat16) for known, layer in zip(statistics, layers, strict=True)
    )
    return Lesson(tensor, targets, statistics)


def teach(
    lesson: Lesson,
    schedule: Schedule,
    backbone: str,
    layers: Sequence[str] = LAYERS,
    *,
    on_step: OnStep = lambda _done, _total, _loss: None,
) -> nn.Module:
    """Return a student that has learned ``lesson``, in eval mode. The same seed gives the same student.

    ``on_step`` is called after every step with steps done, steps in all and the loss; what it raises
    ends the run. Raises DivergedError when the loss is no longer a finite number.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(schedule.seed)
        student = build_student(backbone, layers).to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(
        student.parameters(), schedule.peak_rate, weight_decay=schedule.weight_decay
    )
    pace = _Pace(schedule)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, pace.steps))
    mixed = mixed_precision()
    draws = _draws(len(lesson.pictures), schedule)
    while pace.goes_on():
        chosen = next(draws)
        with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
            answers = student(_channels_last(as_input(lesson.pictures[chosen])))
        loss = torch.stack(
            [
                squared_error(target[chosen].float(), answer).mean()
                for target, answer in zip(lesson.targets, answers.values(), strict=True)
            ]
        ).sum()
        value = loss.item()
        _refuse_divergence(value, pace.done)
        optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(student.parameters(), _LONGEST_GRADIENT)
        optimiser.step()
        scheduler.step()
        on_step(pace.done, pace.steps, value)
    return student.eval()


@torch.no_grad()
def layer_maps(network: nn.Module, pictures: Picture) -> list[NDArray[np.float32]]:
    """Run ``StudentTeacher`` over uint8 (n, H, W, 3); return every map of it, float32 (n, h, w) each."""
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed_precision()):
        batches = [network(batch) for batch in torch.split(torch.from_numpy(pictures), _AT_ONCE)]
    return [torch.cat(layer)[:, 0].float().numpy() for layer in zip(*batches, strict=True)]


class _Pace:
    """Counts steps; with a budget, settles after the first few how many fit into it."""

    def __init__(self, schedule: Schedule) -> None:
        self.steps = schedule.steps
        self.done = 0
        self._budget_s = schedule.budget_s
        self._began = time.monotonic()

    def goes_on(self) -> bool:
        """Begin the next step, unless all are done."""
        if self._budget_s and self.done == _STEPS_TO_TIME:
            step_s = (time.monotonic() - self._began) / self.done
            self.steps = max(self.done + 1, min(self.steps, int(self._budget_s / step_s)))
        if self.done >= self.steps:
            return False
        self.done += 1
        return True


def _draws(pictures: int, schedule: Schedule) -> Iterator[Tensor]:
    """Deal every picture once before any comes again, a batch at a time."""
    random = np.random.default_rng(schedule.seed)
    waiting: list[int] = []
    while True:
        while len(waiting) < schedule.batch:
            waiting.extend(random.permutation(pictures).tolist())
        yield torch.tensor(waiting[: schedule.batch])
        del waiting[: schedule.batch]


def _rate(step: int, steps: int) -> float:
    """One cycle: rise along a cosine for the first part of the run, fall along one to nothing."""
    warm_up = max(1.0, _WARM_UP * steps)
    if step < warm_up:
        return 0.04 + 0.96 * 0.5 * (1.0 - math.cos(math.pi * step / warm_up))
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warm_up) / max(1.0, steps - warm_up))))


def _refuse_divergence(loss: float, step: int) -> None:
    if not math.isfinite(loss):
        raise DivergedError(
            say(
                f"Training lost its way at step {step}: the loss is {loss}",
                f"训练在第 {step} 步发散：损失为 {loss}",
            ),
            remedy=say(
                "Try another --seed or the bundled weights; look for a photograph that is all black.",
                "请更换 --seed 或使用内置权重；检查照片中是否有全黑或全白的图像。",
            ),
        )


def _channels_last(inputs: Tensor) -> Tensor:
    return inputs.contiguous(memory_format=torch.channels_last)
