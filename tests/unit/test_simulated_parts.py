"""Simulated products: the same call gives the same pixels, and every defect is where its mask says."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from edge_service.errors import ConfigurationError
from edge_service.simulation import defect_kinds, products, render, samples, schedule

EVERY_DEFECT = [(product, kind) for product in products() for kind in defect_kinds(product)]


def test_the_products_and_their_defects_are_those_of_the_demo():
    """A PCB and a crate of bottles, with the kinds of defect that lines know."""
    assert products() == ("pcb", "crate")
    assert defect_kinds("pcb") == (
        "missing",
        "shifted",
        "rotated",
        "wrong_component",
        "solder_bridge",
        "scratch",
    )
    assert defect_kinds("crate") == ("missing_bottle", "wrong_cap", "foreign_object", "dirt")


@pytest.mark.parametrize("product", products())
def test_the_same_part_looks_the_same_again(product: str):
    """Rendering is a pure function of product, seed and defect."""
    kind = defect_kinds(product)[0]
    first, other = render(product, seed=5, defect=kind), render(product, seed=6, defect=kind)
    again = render(product, seed=5, defect=kind)
    assert np.array_equal(first.pixels, again.pixels)
    assert np.array_equal(first.mask, again.mask)
    assert not np.array_equal(first.pixels, other.pixels)


@pytest.mark.parametrize("product", products())
def test_a_good_part_is_a_camera_frame_with_an_empty_mask(product: str):
    """Pixels are uint8 BGR, 720 by 960, neither black nor blown out, and nothing is marked."""
    part = render(product, seed=11)
    assert part.pixels.shape == (720, 960, 3)
    assert part.pixels.dtype == np.uint8
    assert 50 < part.pixels.mean() < 170
    assert np.mean(part.pixels == 255) < 0.03
    assert part.mask.shape == (720, 960)
    assert part.mask.dtype == np.bool_
    assert not part.mask.any()
    assert (part.product, part.defect, part.seed) == (product, None, 11)


@pytest.mark.parametrize(("product", "kind"), EVERY_DEFECT)
@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_a_defect_covers_a_small_share_of_the_frame(product: str, kind: str, seed: int):
    """Every defect is between 0.3 and 4 % of the frame."""
    share = render(product, seed=seed, defect=kind).mask.mean()
    assert 0.003 <= share <= 0.04


@pytest.mark.parametrize(("product", "kind"), EVERY_DEFECT)
def test_a_defect_changes_what_its_mask_marks(product: str, kind: str):
    """Same seed with and without the defect: the picture differs under the mask, hardly anywhere else."""
    good, bad = render(product, seed=21), render(product, seed=21, defect=kind)
    change = np.abs(good.pixels.astype(np.int16) - bad.pixels).max(axis=2)
    assert np.median(change[bad.mask]) > 12
    assert np.mean(change[~bad.mask] > 12) < 0.02


def test_good_parts_differ_from_each_other():
    """Light, place and noise vary from part to part."""
    first, second = render("pcb", seed=1).pixels, render("pcb", seed=2).pixels
    assert np.abs(first.astype(np.int16) - second).mean() > 4


@pytest.mark.parametrize("product", products())
def test_a_schedule_shows_every_kind_of_defect_at_least_twice(product: str):
    """With at least twice as many defective parts as kinds, each kind comes twice or more, evenly."""
    kinds = defect_kinds(product)
    planned = schedule(product, seed=3, good=20, defective=20)
    counts = [sum(part.defect == kind for part in planned) for kind in kinds]
    assert len(planned) == 40
    assert sum(part.defect is None for part in planned) == 20
    assert min(counts) >= 2
    assert max(counts) - min(counts) <= 1
    least = schedule(product, seed=3, good=0, defective=2 * len(kinds))
    assert sorted(part.defect or "" for part in least) == sorted(kinds * 2)


def test_a_schedule_is_mixed_repeatable_and_never_shows_a_part_twice():
    """The same seed plans the same parts; another seed plans other parts; good and bad alternate."""
    planned = schedule("pcb", seed=3, good=20, defective=20)
    assert planned == schedule("pcb", seed=3, good=20, defective=20)
    other = schedule("pcb", seed=4, good=20, defective=20)
    assert len({part.seed for part in planned + other}) == 80
    changes = sum((a.defect is None) != (b.defect is None) for a, b in pairwise(planned))
    assert changes > 8


def test_a_planned_part_renders_itself():
    """What a plan says is what is photographed."""
    planned = schedule("crate", seed=2, good=0, defective=4)[0]
    part = planned.render()
    assert (part.product, part.seed, part.defect) == ("crate", planned.seed, planned.defect)
    assert part.mask.any()


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: render("teapot", seed=1), "pcb, crate"),
        (lambda: defect_kinds("teapot"), "pcb, crate"),
        (lambda: schedule("teapot", seed=1, good=1, defective=1), "pcb, crate"),
        (lambda: render("crate", seed=1, defect="scratch"), "missing_bottle, wrong_cap"),
        (lambda: render("crate", seed=-1), "0 or more"),
        (lambda: schedule("crate", seed=1, good=-1, defective=1), "from 0"),
        (lambda: schedule("crate", seed=-1, good=1, defective=1), "0 or more"),
        (lambda: samples("teapot", seed=1, count=1), "pcb, crate"),
        (lambda: samples("pcb", seed=-1, count=1), "0 or more"),
        (lambda: samples("pcb", seed=1, count=-1), "from 0"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(call: Callable[[], object], named: str):
    """An unknown product or defect, or a negative number, says what is allowed."""
    with pytest.raises(ConfigurationError) as refused:
        call()
    assert named in str(refused.value)


def test_samples_are_good_parts_that_no_schedule_shows():
    """What a model learns from is never what it is shown, whatever the seeds."""
    learned = [part for seed in (0, 1, 2) for part in samples("crate", seed=seed, count=50)]
    shown = {
        part.seed for seed in (0, 1, 2, 3) for part in schedule("crate", seed=seed, good=40, defective=40)
    }
    assert all(part.defect is None for part in learned)
    assert len({part.seed for part in learned}) == 150
    assert not shown & {part.seed for part in learned}
