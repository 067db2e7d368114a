"""A device that judges the tiny model, and what lies in a store's folder."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edge_service.contract.model_package import ModelPackage
from edge_service.domain.inspection import RawScore
from edge_service.model_store.self_test import self_test
from tests.support.tiny_model import CELL


class PlainScorer:
    """The tiny model in numpy, with an error of its own added to every score."""

    def __init__(self, error: float = 0.0) -> None:
        self.error = error

    def score(self, pixels: NDArray[np.uint8]) -> RawScore:
        """Return score and map as the tiny model defines them."""
        strange = np.abs(pixels.astype(np.float32) - 128.0).mean(axis=2) / 255.0
        cells = strange.reshape(64 // CELL, CELL, 64 // CELL, CELL).mean(axis=(1, 3)).astype(np.float32)
        return RawScore(float(cells.max()) + self.error, cells + np.float32(self.error), 1.0, "CPU")


def passes(package: ModelPackage) -> object:
    """Run the self-test on a device that agrees with the server."""
    return self_test(package, PlainScorer())


def names(folder: Path) -> list[str]:
    """Return every file below ``folder`` but the lock and the histories, as relative paths."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != ".history.jsonl")
    return sorted(str(file.relative_to(folder)) for file in files if file.name != ".lock")
