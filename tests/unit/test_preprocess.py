"""From the camera's picture to the graph's input."""

import cv2
import numpy as np
import pytest

from edge_service.errors import BadImageError
from edge_service.inference.preprocess import to_model_input

PICTURE = np.random.default_rng(7).integers(0, 256, (90, 120, 3), np.uint8)


@pytest.mark.parametrize("shape", [(90, 120), (45, 60), (64, 64), (200, 300), (45, 300), (1, 1)])
def test_any_size_becomes_the_models(shape: tuple[int, int]):
    """Whatever the frame's size, the result is contiguous uint8 of the model's shape."""
    image = to_model_input(PICTURE, *shape)
    assert image.shape == (1, *shape, 3)
    assert image.dtype == np.uint8
    assert image.flags.c_contiguous


def test_shrinking_averages_and_enlarging_is_linear():
    """Halving averages each 2 x 2 block, along one side each pair; doubling is linear enlargement."""
    halved = to_model_input(PICTURE, 45, 60)[0].astype(float)
    blocks = PICTURE.reshape(45, 2, 60, 2, 3).mean(axis=(1, 3))
    assert np.abs(halved - blocks).max() <= 0.5
    pairs = PICTURE.reshape(90, 60, 2, 3).mean(axis=2)
    assert np.abs(to_model_input(PICTURE, 90, 60)[0] - pairs).max() <= 0.5
    assert np.array_equal(to_model_input(PICTURE, 180, 240)[0], cv2.resize(PICTURE, (240, 180)))


@pytest.mark.parametrize("shape", [(1080, 1920), (1200, 1600), (487, 731), (2048, 2592)])
def test_a_large_picture_keeps_its_brightness_everywhere(shape: tuple[int, int]):
    """However it is halved on the way, a smooth picture stays within two grey levels of the true mean."""
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    smooth = 127 + 60 * np.sin(rows / shape[0] * 6) + 60 * np.cos(columns / shape[1] * 5)
    picture = np.repeat(smooth.astype(np.uint8)[:, :, np.newaxis], 3, axis=2)
    truth = cv2.resize(smooth, (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(to_model_input(picture, 256, 256)[0, :, :, 1] - truth).max() < 2.0


@pytest.mark.parametrize("length", [100, 119, 125, 130, 177, 199, 200, 240, 251, 300, 399, 777])
def test_every_pixel_has_a_vote(length: int):
    """A bright line one pixel wide is seen wherever it lies: never less than 0.7 of its fair share."""
    seen = []
    for at in range(length):
        line = np.zeros((1, length), np.uint8)
        line[0, at] = 255
        shrunk = to_model_input(np.repeat(line, 100, axis=0), 100, 100)[0, 50, :, 0]
        seen.append(float(shrunk.sum()) / 255.0 * length / 100)
    assert min(seen[1:-1]) > 0.7, min(seen)
    assert max(seen) < 1.55


def test_fine_texture_does_not_alias():
    """A checkerboard of single pixels becomes even grey, not a pattern of the resize."""
    board = (np.indices((1024, 1280)).sum(axis=0) % 2 * 255).astype(np.uint8)
    image = to_model_input(board, 200, 256)
    assert image.min() >= 125
    assert image.max() <= 130


def test_the_models_own_size_is_left_alone():
    """A picture that fits is passed on bit by bit, and not written to."""
    before = PICTURE.copy()
    assert np.array_equal(to_model_input(PICTURE, 90, 120)[0], PICTURE)
    assert np.array_equal(PICTURE, before)


def test_grey_becomes_three_equal_channels():
    """Mono cameras give (h, w) or (h, w, 1): both become the same BGR input."""
    grey = PICTURE[:, :, 0]
    image = to_model_input(grey, 45, 60)[0]
    assert np.array_equal(image[:, :, 0], image[:, :, 2])
    assert np.array_equal(image, to_model_input(grey[:, :, np.newaxis], 45, 60)[0])


@pytest.mark.parametrize("shape", [(45, 60), (90, 120), (32, 37), (180, 240), (1, 1)])
def test_a_fourth_channel_is_dropped(shape: tuple[int, int]):
    """Alpha says nothing about the part: the other three give the very same pixels without it."""
    with_alpha = np.dstack([PICTURE, np.full((90, 120), 9, np.uint8)])
    for picture in (with_alpha, with_alpha[::-1, ::-1], np.asfortranarray(with_alpha)):
        assert np.array_equal(to_model_input(picture, *shape), to_model_input(picture[:, :, :3], *shape))


def test_views_and_read_only_pictures_are_taken():
    """A cut-out, a mirrored or a read-only frame needs no copy by the caller."""
    frozen = PICTURE.copy()
    frozen.flags.writeable = False
    for picture in (PICTURE[10:80, 5:100], PICTURE[::-1, ::-1], frozen, np.asfortranarray(PICTURE)):
        plain = np.array(picture, order="C")
        assert np.array_equal(to_model_input(picture, 32, 32), to_model_input(plain, 32, 32))
        assert np.array_equal(to_model_input(picture, *picture.shape[:2])[0], plain)


@pytest.mark.parametrize(
    ("pixels", "reason"),
    [
        (np.zeros((9, 9, 3), np.uint16), "uint16"),
        (np.zeros((9, 9), np.float32), "float32"),
        (np.zeros((9, 9), np.bool_), "bool"),
        (np.zeros((9, 9, 2), np.uint8), "2 channels"),
        (np.zeros((9, 9, 5), np.uint8), "5 channels"),
        (np.zeros((0, 9, 3), np.uint8), "shape"),
        (np.zeros((9, 0), np.uint8), "shape"),
        (np.zeros(9, np.uint8), "shape"),
        (np.zeros((1, 9, 9, 3), np.uint8), "shape"),
        (None, "shape"),
    ],
)
def test_what_cannot_be_judged_is_refused(pixels: np.ndarray, reason: str):
    """16-bit, float, empty and oddly shaped arrays are a BadImageError that says why and what to set."""
    with pytest.raises(BadImageError, match=reason) as refused:
        to_model_input(pixels, 32, 32)
    assert "Mono8" in refused.value.remedy
    assert refused.value.code == 304
