"""The model's input keeps the photographs' proportions."""

from pathlib import Path

import numpy as np
import pytest

from trainer.datasets.input_size import input_size
from trainer.domain import Photograph


def blank(height: int, width: int) -> Photograph:
    """Return a black photograph of this size."""
    return Photograph(Path("x.png"), np.zeros((height, width, 3), np.uint8), "0" * 64)


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(720, 960, (256, 336)), (500, 500, (288, 288)), (1080, 1920, (224, 384)), (960, 720, (336, 256))],
)
def test_about_as_many_pixels_in_the_photographs_proportions(
    height: int, width: int, expected: tuple[int, int]
) -> None:
    """Sides are multiples of 16, the area is about that of the square asked for."""
    assert input_size((blank(height, width),), 288) == expected


def test_the_middle_photograph_decides_and_extremes_are_bounded() -> None:
    """One odd photograph changes nothing, and a strip is not narrower than one to three."""
    assert input_size((blank(100, 100), blank(100, 100), blank(100, 900)), 288) == (288, 288)
    assert input_size((blank(64, 6400),), 288) == input_size((blank(64, 192),), 288)
