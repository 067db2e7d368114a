"""The facts of one training run, shared by the rooms below the pipeline.

Pictures are uint8, BGR, shape (height, width, 3), as the edge's cameras give them. Batches of them
are uint8 (n, height, width, 3).
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Maps = NDArray[np.float32]

LAYERS = ("layer1", "layer2", "layer3")
PIXEL_MEAN = (0.485, 0.456, 0.406)  # RGB on the 0..1 scale: ImageNet's, which every teacher here expects
PIXEL_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True)
class Photograph:
    """One good photograph as read from disk; ``sha256`` is that of the file's bytes."""

    path: Path
    pixels: Picture
    sha256: str


@dataclass(frozen=True, slots=True)
class PhotographSet:
    """What a model learns from. ``digest`` names the set whatever the files are called."""

    photographs: tuple[Photograph, ...]
    digest: str
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.photographs)


class Phase(StrEnum):
    """What the pipeline is doing now."""

    READ = "read"
    VARY = "vary"
    TRAIN = "train"
    CALIBRATE = "calibrate"
    EXPORT = "export"
    VERIFY = "verify"
    QUANTISE = "quantise"
    PACKAGE = "package"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands: step ``done`` of ``total`` of a phase, and the loss while training."""

    phase: Phase
    done: int
    total: int
    loss: float | None = None


Watcher = Callable[[Progress], None]
