"""Make teacher weights: a ResNet-18 from random values learns a reference's features on natural photographs.

For each layer, the mean squared difference over the reference layer's mean square plus one minus the cosine
over channels. Crops and learning rate depend on the step alone; a checkpoint holds student and optimiser, so
a run that was stopped goes on as if it had not been. How near it has come is measured on crops that it does
not learn from. What comes out is FP16 safetensors for ``--weights file:PATH``, with a model card beside it.
"""

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from edge_service.durable import LocalDisk
from edge_service.language import say
from trainer.domain import LAYERS
from trainer.errors import DivergedError, SettingError
from trainer.network_input import as_input
from trainer.quiet import importing_quietly
from trainer.teacher.backbone import build_teacher
from trainer.teacher.natural import NaturalPictures
from trainer.teacher.weights import TeacherWeights

with importing_quietly():
    from anomalib.models.components import TimmFeatureExtractor

_LONGEST_GRADIENT = 5.0
_WEIGHT_DECAY = 1e-3
_BATCHES_TO_MEASURE = 4


@dataclass(frozen=True, slots=True)
class Course:
    """What decides the outcome, beside data and reference. ``mixed``: BF16 autocast."""

    steps: int = 8000
    batch: int = 32
    side: int = 128
    seed: int = 0
    peak_rate: float = 3e-3
    warm_up: int = 200
    mixed: bool = True

    def rate(self, step: int) -> float:
        """Return the learning rate: a straight rise, then half a cosine down to zero."""
        rise = min(self.warm_up, self.steps // 4)
        if step < rise:
            return self.peak_rate * (step + 1) / rise
        return self.peak_rate * (1 + math.cos(math.pi * (step - rise) / max(1, self.steps - rise))) / 2


class Pretraining:
    """A run that can be stopped after any step and taken up again from ``checkpoint``."""

    def __init__(
        self, course: Course, reference: TeacherWeights, pictures: NaturalPictures, device: str
    ) -> None:
        torch.manual_seed(course.seed)
        self.course = course
        self.step = 0
        self._pictures = pictures
        self._device = device
        self._reference = build_teacher(reference, LAYERS).to(device)
        student: nn.Module = TimmFeatureExtractor(
            reference.backbone, list(LAYERS), pre_trained=False, requires_grad=True
        )
        self._student = student.to(device).train()
        self._optimiser = torch.optim.AdamW(self._student.parameters(), weight_decay=_WEIGHT_DECAY)
        named = json.dumps([asdict(course), reference.sha256, len(pictures)])
        self._name = hashlib.sha256(named.encode()).hexdigest()

    def run(self, on_step: Callable[[int, float], bool]) -> bool:
        """Learn until the end, or until ``on_step(step, loss)`` is false; tell whether it is finished.

        Raises DivergedError, DatasetError.
        """
        while self.step < self.course.steps:
            loss = self._learn()
            if not math.isfinite(loss):
                raise DivergedError(
                    say(f"The loss left the numbers at step {self.step}", f"第 {self.step} 步损失发散"),
                    remedy=say("Begin anew with a lower --rate.", "请以更低的 --rate 重新开始。"),
                )
            self.step += 1
            if not on_step(self.step, loss):
                break
        return self.step >= self.course.steps

    def _learn(self) -> float:
        course = self.course
        for group in self._optimiser.param_groups:
            group["lr"] = course.rate(self.step)
        crops = self._pictures.crops(self.step, batch=course.batch, side=course.side, seed=course.seed)
        inputs = as_input(torch.from_numpy(crops).to(self._device))
        with torch.autocast(self._device, torch.bfloat16, enabled=course.mixed):
            with torch.no_grad():
                wanted = self._reference(inputs)
            given = self._student(inputs)
        terms = []
        for layer in LAYERS:
            target, answer = wanted[layer].float(), given[layer].float()
            cosine = functional.cosine_similarity(target, answer, dim=1).mean()
            terms.append((target - answer).pow(2).mean() / target.pow(2).mean() + 1.0 - cosine)
        loss = torch.stack(terms).sum()
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._student.parameters(), _LONGEST_GRADIENT)
        self._optimiser.step()
        return float(loss.detach())

    @torch.no_grad()
    def cosines(self) -> tuple[float, ...]:
        """Measure, layer by layer, the mean cosine to the reference on crops that are not learned from.

        The student answers as it will in use (eval mode, FP32). Learning is not disturbed.
        """
        course, found = self.course, []
        self._student.eval()
        for number in range(_BATCHES_TO_MEASURE):
            crops = self._pictures.new_crops(number, batch=course.batch, side=course.side, seed=course.seed)
            inputs = as_input(torch.from_numpy(crops).to(self._device))
            wanted, given = self._reference(inputs), self._student(inputs)
            found.append(
                [float(functional.cosine_similarity(wanted[x], given[x], dim=1).mean()) for x in LAYERS]
            )
        self._student.train()
        return tuple(sum(layer) / len(layer) for layer in zip(*found, strict=True))

    def save(self, checkpoint: Path) -> None:
        """Write where the run stands, whole or not at all."""
        scratch = checkpoint.with_name(checkpoint.name + ".new")
        state = {
            "course": self._name,
            "step": self.step,
            "student": self._student.state_dict(),
            "optimiser": self._optimiser.state_dict(),
        }
        torch.save(state, scratch)
        scratch.replace(checkpoint)

    def resume(self, checkpoint: Path) -> None:
        """Go on from ``checkpoint``. Raises SettingError when it is of another course, data or reference."""
        state = torch.load(checkpoint, map_location=self._device, weights_only=True)
        if state["course"] != self._name:
            raise SettingError(
                say(
                    f"{checkpoint} is of a run with other settings, pictures or reference",
                    f"{checkpoint} 属于设置、图片或参考不同的训练",
                ),
                remedy=say("Give them as before, or delete it.", "请使用原来的设置，或删除该文件。"),
            )
        self._student.load_state_dict(state["student"])
        self._optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])

    def tensors(self) -> dict[str, Tensor]:
        """Return the student's values in FP16 by timm key name."""
        network = self._student.feature_extractor
        assert isinstance(network, nn.Module)
        return {
            key: value.detach().half().cpu().contiguous()
            for key, value in network.state_dict().items()
            if not key.endswith("num_batches_tracked")
        }

    def write(self, out: Path, *, reference: TeacherWeights, data: str) -> tuple[float, ...]:
        """Write weights and, beside them, their model card; return ``cosines()``."""
        content, cosines = save(self.tensors()), self.cosines()
        LocalDisk().write(out, content)
        figures = f"{', '.join(f'{cosine:.3f}' for cosine in cosines)}, {self._measured_on()}"
        card = _card(self, out.stem, hashlib.sha256(content).hexdigest(), reference, data, figures)
        LocalDisk().write(out.with_suffix(".md"), card.encode())
        return cosines

    def _measured_on(self) -> str:
        crops, held_out = _BATCHES_TO_MEASURE * self.course.batch, len(self._pictures.held_out)
        return f"on {crops} crops of " + (
            f"{held_out} pictures held out" if held_out else "the same pictures, for they are few"
        )


def _card(  # noqa: PLR0917 - in the order of the card
    run: Pretraining, name: str, sha256: str, reference: TeacherWeights, data: str, figures: str
) -> str:
    course = run.course
    return (
        f"# {name}\n\n| | |\n|---|---|\n"
        f"| What | {reference.backbone}, conv1 to layer3, FP16 safetensors, timm key names |\n"
        f"| SHA-256 | `{sha256}` |\n"
        f"| Reference | {reference.source}, SHA-256 `{reference.sha256}` |\n"
        f"| Data | {data} |\n"
        f"| Recipe | {run.step} steps of {course.batch} crops of {course.side} px, seed {course.seed}, "
        f"peak rate {course.peak_rate:g}, {'BF16 autocast' if course.mixed else 'FP32'} |\n"
        f"| Figures | cosine to the reference, layer1 to layer3: {figures} |\n"
        f"| Licence | not stated: whoever made it decides, mindful of data and reference |\n"
    )
