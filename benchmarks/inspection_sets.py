"""What judgement is measured on: sets in the MVTec AD folder layout, and the two rendered products.

::

    sets = find_sets(Path("data"))                  # data/NAME/{train/good,test/KIND,ground_truth/KIND}
    trial = sets["cookie"].trial(shots=4, seed=0)   # four good photographs, and everything to judge

A trial's photographs are drawn from the good ones by its seed, without looking at them; what is judged is the
whole test folder, the same for every trial. Of a rendered product each seed gives other parts to learn from
and to judge.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.simulation import products, samples, schedule
from trainer.domain import Picture

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"}
GOOD, DEFECTIVE = 40, 40  # rendered parts to judge

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Test:
    """A picture to judge. ``mask``: where the defect is; None where nobody drew it."""

    name: str
    pixels: Picture
    defective: bool
    mask: Mask | None


@dataclass(frozen=True, slots=True)
class Trial:
    """Good photographs to learn from; ``tests`` reads one picture to judge after the other."""

    photographs: tuple[Picture, ...]
    tests: Callable[[], Iterator[Test]]


@dataclass(frozen=True, slots=True)
class InspectionSet:
    """One product: ``trial(shots, seed)`` deals its photographs. ``most``: as many shots as there are."""

    name: str
    most: int
    trial: Callable[[int, int], Trial]


def find_sets(data: Path | None) -> dict[str, InspectionSet]:
    """Return every set under ``data`` (None: none) and the rendered products, by name."""
    folders = sorted(folder.parent.parent for folder in data.glob("*/train/good")) if data else []
    found = [_from_folder(folder) for folder in folders]
    found += [_rendered(product) for product in products()]
    return {each.name: each for each in found}


def _from_folder(folder: Path) -> InspectionSet:
    good = _pictures(folder / "train" / "good")

    def trial(shots: int, seed: int) -> Trial:
        chosen = np.random.default_rng(seed).permutation(len(good))[:shots]
        return Trial(tuple(_read(good[at]) for at in sorted(chosen)), lambda: _tests(folder))

    return InspectionSet(folder.name, len(good), trial)


def _tests(folder: Path) -> Iterator[Test]:
    for kind in sorted(path for path in (folder / "test").iterdir() if path.is_dir()):
        for path in _pictures(kind):
            pixels = _read(path)
            if kind.name == "good":
                yield Test(path.name, pixels, defective=False, mask=np.zeros(pixels.shape[:2], np.bool_))
                continue
            drawn = folder / "ground_truth" / kind.name / f"{path.stem}_mask.png"
            mask = cv2.imread(str(drawn), cv2.IMREAD_GRAYSCALE) if drawn.exists() else None
            yield Test(
                f"{kind.name}/{path.name}", pixels, defective=True, mask=None if mask is None else mask > 127
            )


def _rendered(product: str) -> InspectionSet:
    def trial(shots: int, seed: int) -> Trial:
        learned = samples(product, seed=seed + 1, count=shots)
        return Trial(tuple(part.render().pixels for part in learned), lambda: _rendered_tests(product, seed))

    return InspectionSet(product, 10_000, trial)


def _rendered_tests(product: str, seed: int) -> Iterator[Test]:
    for part in schedule(product, seed=seed + 1, good=GOOD, defective=DEFECTIVE):
        shown = part.render()
        yield Test(f"part {part.seed}", shown.pixels, part.defect is not None, shown.mask)


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)


def _read(path: Path) -> Picture:
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise SystemExit(f"{path} is not a picture that can be read: remove it or fetch the set again")
    return np.asarray(pixels, np.uint8)
