"""How small a drawn defect is still seen, whatever scores it."""

import math

import numpy as np
import pytest

from trainer.evaluation.sensitivity import CONTRASTS, DIAMETERS, draw_spot, find_sensitivity

GREY = np.full((2, 128, 256, 3), 100, np.uint8)


def spot_area(picture: np.ndarray) -> float:  # type: ignore[type-arg]
    """Score the number of pixels that are clearly not grey any more."""
    return float((np.abs(picture[:, :, 0].astype(int) - 100) > 50).sum())


def test_a_scorer_that_counts_pixels_sees_from_the_size_that_it_must() -> None:
    """Where the score is the spot's area, the smallest seen has the threshold's area; faint ones none."""
    wanted = 200.0
    found = find_sensitivity(spot_area, GREY, wanted, scale=4.0, seed=0)
    faint, clear, strong = found.contrasts
    assert faint.smallest is None
    assert not found.blind
    diameter = 2 * math.sqrt(wanted / math.pi)
    for each in (clear, strong):
        assert each.smallest is not None
        assert found.pixels(each.smallest) == pytest.approx(4 * diameter, rel=0.35)
        assert found.area_percent(each.smallest) == pytest.approx(100 * wanted / (128 * 256), rel=0.7)
        assert list(each.shares) == sorted(each.shares, reverse=True)


def test_what_is_always_seen_is_told_by_the_smallest_tried() -> None:
    """Nothing smaller than what was tried is claimed."""
    found = find_sensitivity(lambda _: 1.0, GREY, 1.0, scale=1.0, seed=0)
    assert [each.smallest for each in found.contrasts] == [DIAMETERS[-1]] * len(CONTRASTS)


def test_a_picture_that_is_ng_by_itself_shows_nothing() -> None:
    """A good variation beyond the threshold does not make a blind model see."""
    pictures = np.concatenate([GREY, np.full((2, 128, 256, 3), 30, np.uint8)])
    found = find_sensitivity(lambda picture: float(np.median(picture) < 50), pictures, 1.0, scale=1.0, seed=0)
    assert [each.shares for each in found.contrasts] == [(0.0,)] * len(CONTRASTS)


def test_figures_are_plain_and_say_none_where_nothing_is_seen() -> None:
    """The manifest states every contrast; a blind model has no smallest size, and few sizes are tried."""
    found = find_sensitivity(lambda _: 0.0, GREY, 1.0, scale=1.0, seed=0)
    figures = found.figures()
    assert found.blind
    assert [each["contrast"] for each in figures] == list(CONTRASTS)
    assert all(each["diameter_px"] is None and each["area_percent"] is None for each in figures)
    assert all(len(each["tried"]) == 1 for each in figures)  # type: ignore[arg-type]


def test_a_spot_leaves_the_picture_it_was_drawn_on_alone() -> None:
    """A dark surface gets a bright spot, a bright one a dark spot; the original stays."""
    random = np.random.default_rng(0)
    assert draw_spot(GREY[0], 0.1, 0.25, random).max() > 150
    bright = np.full((64, 64, 3), 240, np.uint8)
    assert draw_spot(bright, 0.1, 0.25, random).min() < 190
    assert (GREY == 100).all()
