"""What one may ask of a training run."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from edge_service.language import say
from trainer.domain import LAYERS
from trainer.errors import SettingError

Algorithm = Literal["auto", "combined", "stfpm", "memory_bank"]
Orientation = Literal["auto", "fixed"]

USUAL_STEPS = 160
BATCH = 4  # pictures a step
_STRIDE = 16
_SMALLEST, _LARGEST = 64, 1024


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """How to make a model. Raises SettingError for what is out of range.

    ``algorithm``: ``combined`` is STFPM with a memory bank beside it; ``auto`` takes what cross-validation on
    the photographs shows to be clearly better, else that.

    ``size``: side in pixels of a square as large as the model's input. ``epochs``: passes over the
    photographs, each pass with new variations; 0 = ``USUAL_STEPS`` steps whatever their number.
    ``budget_s``: learn for at most this many seconds, 0 = no limit (with a budget, the machine's speed
    decides, and a run cannot be repeated exactly). ``int8``: make a quantised twin, which the package carries
    where it judges as FP32 does. ``leave_out``: names of files in the folder that are not learned from.
    ``mixed``: train though photographs look like different products. ``orientation``: ``auto`` learns from
    mirrored and turned photographs too where these show no difference, ``fixed`` never does.
    """

    weights: str = "bundled"
    algorithm: Algorithm = "combined"
    size: int = 256
    layers: tuple[str, ...] = LAYERS
    epochs: int = 0
    budget_s: float = 0.0
    seed: int = 0
    false_reject_rate: float = 0.01
    int8: bool = True
    leave_out: tuple[str, ...] = ()
    mixed: bool = False
    orientation: Orientation = "auto"

    def __post_init__(self) -> None:
        self._require(
            self.size % _STRIDE == 0 and _SMALLEST <= self.size <= _LARGEST,
            say(f"--size {self.size} cannot be used", f"--size {self.size} 不可用"),
            say(
                f"Choose a multiple of {_STRIDE} from {_SMALLEST} to {_LARGEST}; 256 is usual.",
                f"请选择 {_SMALLEST} 到 {_LARGEST} 之间 {_STRIDE} 的倍数；通常为 256。",
            ),
        )
        self._require(
            0.0 < self.false_reject_rate < 0.5,  # noqa: PLR2004 - beyond it, most good parts would go
            say(
                f"--false-reject-rate {self.false_reject_rate} cannot be used",
                f"--false-reject-rate {self.false_reject_rate} 不可用",
            ),
            say("Give a share of good parts, such as 0.01 for 1 %.", "请给出良品比例，例如 0.01 表示 1 %。"),
        )
        self._require(
            bool(self.layers) and self.layers == LAYERS[: len(self.layers)],
            say(
                f"--layers {','.join(self.layers)} cannot be used", f"--layers {','.join(self.layers)} 不可用"
            ),
            say("Choose 1, 1,2 or 1,2,3.", "请选择 1、1,2 或 1,2,3。"),
        )
        self._require(
            self.algorithm in get_args(Algorithm),
            say(f'There is no algorithm "{self.algorithm}"', f"没有算法“{self.algorithm}”"),
            say(
                f"Choose one of: {', '.join(get_args(Algorithm))}.",
                f"请选择：{'、'.join(get_args(Algorithm))}。",
            ),
        )
        self._require(
            self.orientation in get_args(Orientation),
            say(f'There is no orientation "{self.orientation}"', f"没有朝向设置“{self.orientation}”"),
            say("Choose one of: auto, fixed.", "请选择：auto、fixed。"),
        )
        self._require(
            self.algorithm not in {"combined", "memory_bank"} or self.layers == LAYERS,
            say("The memory bank needs all three layers", "特征库需要全部三层"),
            say(
                "Leave --layers away, or choose --algorithm stfpm.",
                "请省略 --layers，或选择 --algorithm stfpm。",
            ),
        )
        self._require(
            self.epochs >= 0 and self.budget_s >= 0,
            say("--epochs and --budget cannot be negative", "--epochs 和 --budget 不能为负"),
            say("Leave them away: the usual values do.", "请省略，使用默认值即可。"),
        )

    def steps(self, photographs: int) -> int:
        """Return how many steps the final student learns for."""
        return math.ceil(self.epochs * photographs / BATCH) if self.epochs else USUAL_STEPS

    @staticmethod
    def _require(holds: bool, what: str, remedy: str) -> None:  # noqa: FBT001 - reads as a sentence
        if not holds:
            raise SettingError(what, remedy=remedy)
