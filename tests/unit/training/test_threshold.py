"""The threshold for a stated false-reject rate, from scores of parts that were not learned."""

import numpy as np
import pytest

from trainer.calibration.threshold import HeldOutScores, as_scores, find_threshold


def good_parts(parts: int, seed: int, variations: int = 12) -> HeldOutScores:
    """Scores after the model that is fitted: level 1.2, parts apart by 0.12, variations by 0.03."""
    random = np.random.default_rng(seed)
    levels = random.normal(1.2, 0.12, parts)
    roots = levels[:, None] + random.normal(0.0, 0.03, (parts, variations))
    return HeldOutScores(as_scores(roots).ravel(), np.repeat(np.arange(parts), variations))


@pytest.mark.parametrize("rate", [0.01, 0.05])
@pytest.mark.parametrize("parts", [3, 10])
def test_stated_false_reject_rate_holds_on_average(parts: int, rate: float) -> None:
    """Over many training sets, about the stated share of new good parts exceeds the threshold."""
    rejected = []
    for seed in range(60):
        threshold = find_threshold(good_parts(parts, seed), rate).value
        rejected.append(np.mean(good_parts(400, 10_000 + seed, 1).scores > threshold))
    assert rate / 4 < np.mean(rejected) < rate * 1.6


def test_fewer_photographs_give_a_wider_interval() -> None:
    """The uncertainty shrinks as photographs are added, and always holds the bulk of the posterior."""
    few, many = (find_threshold(good_parts(n, 1), 0.01).uncertainty for n in (3, 30))
    assert few is not None
    assert many is not None
    assert few.upper - few.lower > 1.5 * (many.upper - many.lower)


def test_a_lower_rate_gives_a_higher_threshold() -> None:
    """Asking for fewer false rejects moves the threshold up, never down."""
    scores = good_parts(4, 2)
    values = [find_threshold(scores, rate).value for rate in (0.1, 0.05, 0.01, 0.001)]
    assert values == sorted(values)
    assert len(set(values)) == len(values)


def test_one_photograph_still_gives_a_threshold() -> None:
    """From one photograph the spread between parts is the usual one, and n says so."""
    threshold = find_threshold(good_parts(1, 3), 0.01)
    assert threshold.n == 1
    assert threshold.value > float(good_parts(1, 3).scores.max())


def test_all_scores_zero_still_gives_a_positive_threshold() -> None:
    """Photographs without any difference must not lead to a threshold of nothing."""
    threshold = find_threshold(HeldOutScores(np.zeros(8), np.arange(8) % 4), 0.01)
    assert threshold.value > 0


def test_photographs_that_are_much_alike_do_not_make_it_strict() -> None:
    """Scores far below one spread, hardly differing, leave the threshold at one spread above usual."""
    alike = HeldOutScores(np.array([0.05, 0.06, 0.05, 0.07, 0.06, 0.05]), np.arange(6) % 3)
    threshold = find_threshold(alike, 0.01)
    assert threshold.value == 1.0
    assert threshold.uncertainty is not None
    assert threshold.uncertainty.lower < 1.0 <= threshold.uncertainty.upper


def test_a_restless_product_does_not_get_a_threshold_that_nothing_reaches() -> None:
    """Scores about two that hardly differ from photograph to photograph: no threshold far beyond."""
    restless = HeldOutScores(np.array([1.9, 2.0, 2.1, 1.8, 2.2, 2.0, 2.1, 1.9]), np.arange(8) % 4)
    assert find_threshold(restless, 0.01).value < 3.3
