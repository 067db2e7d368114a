"""What distances in a memory bank come to when the last photograph joins."""

import pytest

pytest.importorskip("torch")

from trainer.pipeline.bank import next_step

pytestmark = pytest.mark.training


def test_distances_go_on_falling_by_the_same_power() -> None:
    """What fell by the power of 0.2 from two photographs to three falls by it from three to four."""
    assert next_step((3 / 2) ** -0.2, 4) == pytest.approx((4 / 3) ** -0.2)


def test_one_photograph_more_never_makes_distances_larger() -> None:
    """Where leaving out fewer happened to measure larger, the held-out distances stay as they are."""
    assert next_step(1.1, 4) == 1.0
