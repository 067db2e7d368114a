"""Photographs that do not belong among the others are named, or refused."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from edge_service.simulation import render  # noqa: E402 - after the skip
from trainer.domain import Photograph, PhotographSet  # noqa: E402
from trainer.errors import DatasetError  # noqa: E402
from trainer.pipeline.odd_photographs import Distances, judge, look_for_odd_ones  # noqa: E402

pytestmark = pytest.mark.training

GOOD = [("crate", seed, None) for seed in range(4)]
FOREIGN = ("pcb", 1, None)


def photographs(parts: list[tuple[str, int, str | None]]) -> PhotographSet:
    """Render parts, each named after its place in the list."""
    return PhotographSet(
        tuple(
            Photograph(Path(f"{number}.png"), render(product, seed=seed, defect=defect).pixels, "0" * 64)
            for number, (product, seed, defect) in enumerate(parts)
        ),
        "0" * 64,
        (),
    )


def test_good_parts_of_one_product_are_not_remarked_on() -> None:
    """Four good parts are as unlike each other as good parts are."""
    assert look_for_odd_ones(photographs(GOOD)) == ()


@pytest.mark.parametrize("defect", ["missing_bottle", "foreign_object"])
def test_a_defective_part_among_good_ones_is_named(defect: str) -> None:
    """The one with the defect is named, and no other."""
    mixed = [*GOOD[:2], ("crate", 9, defect), *GOOD[2:]]
    (warning,) = look_for_odd_ones(photographs(mixed))
    assert warning.startswith("2.png")
    assert "--leave-out" in warning


def test_another_product_is_refused_by_name_unless_it_was_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A board among crates stops the run, in both languages; ``mixed`` trains with a warning instead."""
    mixed = photographs([*GOOD, FOREIGN])
    with pytest.raises(DatasetError, match=r"4\.png") as caught:
        look_for_odd_ones(mixed)
    assert "--mixed" in str(caught.value)
    assert any("4.png" in warning for warning in look_for_odd_ones(mixed, mixed=True))
    monkeypatch.setenv("OKNG_LANG", "zh")
    with pytest.raises(DatasetError, match="不是同一产品"):
        look_for_odd_ones(mixed)


def test_two_photographs_cannot_say_which_is_odd() -> None:
    """From two photographs nothing is concluded, and nothing computed."""
    assert look_for_odd_ones(photographs([GOOD[0], FOREIGN])) == ()


def test_a_plain_picture_among_patterned_ones_is_another_product_though_they_hold_its_like() -> None:
    """Plain patches are found in every pattern; what counts is that the pattern is not found in the plain."""
    alike = np.full((4, 4), 0.6)
    alike[3, :] = 0.8
    alike[:, 3] = 1.7
    np.fill_diagonal(alike, np.inf)
    assert judge(Distances(alike, alike, np.full(4, 2.5))).products == ((0, 1, 2), (3,))


def test_half_and_half_are_two_products() -> None:
    """Two groups that are near within and far apart are told as two, though nobody stands alone."""
    alike = np.full((6, 6), 2.0)
    alike[:3, :3] = alike[3:, 3:] = 0.5
    np.fill_diagonal(alike, np.inf)
    found = judge(Distances(alike, alike, np.full(6, 2.5)))
    assert found.products == ((0, 1, 2), (3, 4, 5))
    assert found.whole == found.place == ()
