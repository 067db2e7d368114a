"""Which other ways a part may lie, and pictures of it that lie so."""

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from edge_service.simulation import render  # noqa: E402 - after the skip
from trainer.datasets.symmetry import Symmetry, every_way, possible, taking_turns  # noqa: E402
from trainer.datasets.variation import VariedPictures  # noqa: E402
from trainer.domain import LAYERS, Picture  # noqa: E402
from trainer.pipeline.indifference import find_symmetries  # noqa: E402
from trainer.teacher.backbone import build_teacher  # noqa: E402
from trainer.teacher.weights import load_weights  # noqa: E402

pytestmark = pytest.mark.training

SIDE = 96


def test_each_way_keeps_every_pixel_and_differs_from_the_others() -> None:
    """Of a picture without any likeness all eight ways are different, and none loses a value."""
    picture = np.arange(4 * 4 * 3, dtype=np.uint8).reshape(1, 4, 4, 3)
    ways = [picture, *(symmetry.of(picture) for symmetry in Symmetry)]
    assert len({way.tobytes() for way in ways}) == 8
    assert all(np.array_equal(np.sort(way, None), np.sort(picture, None)) for way in ways)


def test_only_a_square_picture_can_be_turned_by_a_quarter() -> None:
    """The model's input has one shape; what would change it is out of the question."""
    assert possible(96, 96) == tuple(Symmetry)
    assert possible(96, 64) == (Symmetry.MIRRORED, Symmetry.UPSIDE_DOWN, Symmetry.HALF_TURN)


def test_every_way_of_a_photograph_belongs_to_it() -> None:
    """Two photographs, two other ways: six pictures, and whose they are."""
    photographs = np.random.default_rng(0).integers(0, 255, (2, 4, 6, 3)).astype(np.uint8)
    ways = every_way(photographs, [Symmetry.MIRRORED, Symmetry.HALF_TURN])
    assert ways.owners.tolist() == [0, 1, 0, 1, 0, 1]
    assert np.array_equal(ways.pixels[3], photographs[1, :, ::-1])
    assert np.array_equal(ways.pixels[4], photographs[0, ::-1, ::-1])


def test_variations_take_turns_and_keep_their_owners() -> None:
    """Each photograph's first variation stays, its second is mirrored, its third stays again."""
    pixels = np.random.default_rng(0).integers(0, 255, (6, 4, 6, 3)).astype(np.uint8)
    varied = taking_turns(VariedPictures(pixels, np.arange(6) % 2), [Symmetry.MIRRORED])
    assert varied.owners.tolist() == [0, 1, 0, 1, 0, 1]
    for number, mirrored in enumerate([False, False, True, True, False, False]):
        expected = pixels[number, :, ::-1] if mirrored else pixels[number]
        assert np.array_equal(varied.pixels[number], expected)


def leather(seed: int, *, stretch: float = 1.0) -> Picture:
    """Render a grain without any direction; ``stretch`` draws it out from left to right."""
    random = np.random.default_rng(seed)
    grain = cv2.GaussianBlur(
        random.normal(0, 1, (SIDE, SIDE)).astype(np.float32), (0, 0), 3 * stretch, sigmaY=3
    )
    return np.repeat(np.clip(120 + 40 * grain / grain.std(), 0, 255).astype(np.uint8)[:, :, None], 3, 2)


def test_photographs_show_which_ways_make_no_difference() -> None:
    """Any way for a grain without direction, mirrored ones for a drawn-out grain, none for a board."""
    teacher = build_teacher(load_weights("bundled"), LAYERS)
    assert find_symmetries(teacher, np.stack([leather(seed) for seed in range(4)]), 0) == tuple(Symmetry)
    drawn_out = np.stack([leather(seed, stretch=4) for seed in range(4)])
    assert set(find_symmetries(teacher, drawn_out, 0)) == set(possible(96, 64))
    boards = np.stack(
        [
            cv2.resize(render("pcb", seed=seed).pixels, (128, 96), interpolation=cv2.INTER_AREA)
            for seed in range(4)
        ]
    )
    assert find_symmetries(teacher, boards, 0) == ()
    assert find_symmetries(teacher, drawn_out[:2], 0) == ()
