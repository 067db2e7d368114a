"""The score of a map in numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.contract.manifest import ScoreDefinition
from edge_service.contract.score import can_compute, compute
from edge_service.errors import PackageError

MAP = np.arange(100, dtype=np.float32).reshape(10, 10)


@pytest.mark.parametrize(
    ("kind", "parameters", "expected"),
    [
        ("max", {}, 99.0),
        ("max", {"border": 1}, 88.0),
        ("top_mean", {}, 99.0),
        ("top_mean", {"fraction": 0.04}, 97.5),
        ("top_mean", {"fraction": 1.0}, 49.5),
        ("top_mean", {"fraction": 0.0001}, 99.0),
        ("pooled_max", {}, 88.0),
        ("pooled_max", {"kernel": 1}, 99.0),
        ("pooled_max", {"kernel": 2, "border": 1}, 82.5),
        ("pooled_max", {"kernel": 50}, 49.5),
    ],
)
def test_each_kind_by_hand(kind: str, parameters: dict[str, int | float | str], expected: float):
    """Each kind gives the number one gets by hand on a map of 0 to 99."""
    assert compute(ScoreDefinition(kind=kind, parameters=parameters), MAP) == expected


@given(st.sampled_from(["max", "top_mean", "pooled_max"]), st.integers(0, 2**32 - 1))
def test_no_score_exceeds_the_largest_value(kind: str, seed: int):
    """Whatever the map, the score lies between its smallest and its largest value."""
    anomaly_map = np.random.default_rng(seed).random((7, 9), np.float32)
    score = compute(ScoreDefinition(kind=kind), anomaly_map)
    assert anomaly_map.min() <= score <= anomaly_map.max()


@pytest.mark.parametrize("kind", ["opaque", "invented_later"])
def test_an_unknown_kind_says_so(kind: str):
    """A kind that only the graph or a newer edge knows is not guessed at."""
    definition = ScoreDefinition(kind=kind)
    assert not can_compute(definition)
    with pytest.raises(PackageError, match=kind):
        compute(definition, MAP)


@pytest.mark.parametrize("border", [5, 100, -1])
def test_a_border_that_leaves_nothing_is_refused(border: int):
    """A border as wide as the map, or a negative one, is an error and not an empty maximum."""
    with pytest.raises(PackageError, match="border"):
        compute(ScoreDefinition(parameters={"border": border}), MAP)
