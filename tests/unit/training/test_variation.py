"""Variations of good photographs: repeatable, of the right size, still the same part."""

from dataclasses import astuple, replace

import numpy as np

from edge_service.inference.preprocess import to_model_input
from edge_service.simulation import render
from trainer.datasets.variation import DEFAULT_RANGE, VariationRange, Varier

STILL = VariationRange(*(0.0 for _ in astuple(DEFAULT_RANGE)))
HEIGHT, WIDTH = 64, 96


def test_the_same_seed_gives_the_same_variations() -> None:
    """A run can be repeated to the pixel, and another seed gives other variations."""
    photographs = [render("pcb", seed=number).pixels for number in range(2)]
    one, again, other = (Varier(HEIGHT, WIDTH, seed=seed).vary(photographs, 4) for seed in (1, 1, 2))
    assert np.array_equal(one.pixels, again.pixels)
    assert not np.array_equal(one.pixels, other.pixels)


def test_every_photograph_gives_its_share() -> None:
    """The owners tell which photograph each variation is of, and take turns."""
    photographs = [np.full((100, 150, 3), 40 * number, np.uint8) for number in range(3)]
    varied = Varier(HEIGHT, WIDTH, seed=0).vary(photographs, 7)
    assert varied.pixels.shape == (7, HEIGHT, WIDTH, 3)
    assert varied.owners.tolist() == [0, 1, 2, 0, 1, 2, 0]


def test_without_reach_a_variation_is_what_the_edge_would_see() -> None:
    """With nothing to vary, the picture is the edge's own resize within two grey levels."""
    photograph = render("crate", seed=3).pixels
    still = Varier(HEIGHT, WIDTH, seed=0, reach=STILL).vary([photograph], 1).pixels[0]
    seen = to_model_input(photograph, HEIGHT, WIDTH)[0]
    difference = np.abs(still.astype(int) - seen.astype(int))
    assert np.percentile(difference, 99) <= 2


def test_brightness_changes_light_and_nothing_else() -> None:
    """A brighter variation is the photograph times one number."""
    photograph = np.full((100, 150, 3), (40, 80, 120), np.uint8)
    reach = replace(STILL, brightness=0.3)
    varied = Varier(HEIGHT, WIDTH, seed=1, reach=reach).vary([photograph], 1).pixels[0].astype(float)
    ratio = varied / (40, 80, 120)
    assert abs(ratio.mean() - 1.0) > 0.02
    assert ratio.std() < 0.01


def test_a_range_can_be_made_milder() -> None:
    """Half the range reaches half as far in everything."""
    assert DEFAULT_RANGE.times(0.5).turn_degrees == DEFAULT_RANGE.turn_degrees / 2
