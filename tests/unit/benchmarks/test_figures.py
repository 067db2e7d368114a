"""The figures that methods are compared by."""

import numpy as np
import pytest

from benchmarks import figures


def test_auroc_counts_pairs_and_ties_half() -> None:
    """One of four pairs in the wrong order and one tie give 0.625."""
    assert figures.auroc(np.array([1.0, 3.0]), np.array([2.0, 3.0])) == pytest.approx(0.625)


def test_rates_at_a_threshold_and_misses_at_the_same_rejects() -> None:
    """A score at the threshold is NG; misses are counted where as many good parts are rejected."""
    good, bad = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.5, 3.5, 5.0, 6.0])
    assert figures.rates(good, bad, 4.0) == (0.25, 0.5)
    assert figures.misses_at(good, bad, 0.25) == 0.5
    assert figures.misses_at(good, bad, 0.5) == 0.25


def test_a_map_that_is_the_mask_has_perfect_pixel_figures() -> None:
    """Maps that show every defect and nothing else reach 1; flat ones do not."""
    masks = np.zeros((2, 32, 32), np.bool_)
    masks[0, 4:8, 4:8] = True
    masks[1, 20:30, 20:30] = True
    maps = masks.astype(np.float32) + np.random.default_rng(0).random(masks.shape, np.float32) * 0.1
    assert figures.pixel_auroc(maps, masks) == 1.0
    assert figures.aupro(maps, masks) > 0.99
    assert figures.aupro(1 - maps, masks) < 0.1
