"""What the teachers' benchmark concludes from its figures."""

from pathlib import Path

import pytest

pytest.importorskip("matplotlib")
from benchmarks.teachers import Teacher, mean_by_teacher, table, verdicts

USING = [Teacher(name, Path(name)) for name in ("bundled", "random", "own")]
FOUND = {
    ("stfpm", "nut", "bundled"): 0.90,
    ("stfpm", "nut", "random"): 0.82,
    ("stfpm", "nut", "own"): 0.92,
    ("stfpm", "bolt", "bundled"): 0.50,
}


def test_means_are_over_sets_that_every_teacher_saw():
    """A set that one teacher alone has judged stands in the table, and in no mean."""
    assert mean_by_teacher(FOUND, "stfpm", USING) == {"bundled": 0.90, "random": 0.82, "own": 0.92}
    assert "| stfpm | bolt | 0.500 |  |  |" in table(FOUND, USING)
    assert mean_by_teacher({("stfpm", "bolt", "bundled"): 0.5}, "stfpm", USING) == {}


def test_what_was_asked_for_is_said_to_be_missed_where_it_is():
    """Eight points above random are too few, two below the reference are near enough."""
    above, below = verdicts(FOUND, USING)
    assert "+8.0 points from random" in above
    assert above.endswith("missed.")
    assert "-2.0 points from own" in below
    assert below.endswith("reached.")
