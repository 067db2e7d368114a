"""A camera's own pixel formats come out as the colours that fell on the sensor."""

import cv2
import numpy as np
import pytest

from edge_service.domain.inspection import Frame
from edge_service.domain.pixels import picture_size, to_bgr
from edge_service.errors import BadImageError
from edge_service.inference.engine import OpenVinoEngine
from tests.unit.test_engine import FakeRuntime, brightness

BLUE, GREEN, RED = 10, 100, 200
MOSAICS = {"BayerRG8": "RGGB", "BayerGR8": "GRBG", "BayerGB8": "GBRG", "BayerBG8": "BGGR"}


@pytest.mark.parametrize(("name", "cell"), MOSAICS.items())
def test_a_mosaic_becomes_a_pixel_a_cell(name: str, cell: str):
    """Red, mean green and blue of each 2 x 2 cell, whichever way the mosaic lies."""
    values = {"R": RED, "G": GREEN, "B": BLUE}
    mosaic = np.tile(np.array([values[each] for each in cell], np.uint8).reshape(2, 2), (4, 6))
    picture = to_bgr(mosaic, name)
    assert picture.shape == (4, 6, 3)
    assert (picture == (BLUE, GREEN, RED)).all()


def test_the_mean_of_two_greens_does_not_overflow():
    """Bright greens stay bright."""
    mosaic = np.full((4, 4), 255, np.uint8)
    mosaic[0::2, 1::2] = 254
    assert (to_bgr(mosaic, "BayerRG8")[:, :, 1] == 254).all()


def test_nv12_is_what_opencv_makes_of_it():
    """On a picture of even cells, colour for colour within rounding."""
    random = np.random.default_rng(1)
    cells = random.integers(60, 200, (8, 12), np.uint8).repeat(2, 0).repeat(2, 1)
    chroma = random.integers(100, 156, (8, 24), np.uint8)
    picture = np.vstack([cells, chroma])
    ours, theirs = to_bgr(picture, "NV12"), cv2.cvtColor(picture, cv2.COLOR_YUV2BGR_NV12)[::2, ::2]
    assert np.abs(ours.astype(int) - theirs.astype(int)).max() <= 3
    assert picture_size(picture, "NV12") == (16, 24)


def test_nv12_is_the_mean_of_four_luma_with_their_chroma():
    """On any bytes: BT.601 in limited range, clipped, within rounding; a cut-out is taken as it lies."""
    whole = np.random.default_rng(2).integers(0, 256, (36, 40), np.uint8)
    for picture in (whole, whole[:, 8:30], whole[3:9, 2:4]):
        rows = picture.shape[0] * 2 // 3
        luma = 1.164 * (picture[:rows].reshape(rows // 2, 2, -1, 2).mean((1, 3)) - 16.0)
        blue, red = (picture[rows:, at::2] - 128.0 for at in (0, 1))
        bgr = np.stack([luma + 2.018 * blue, luma - 0.392 * blue - 0.813 * red, luma + 1.596 * red], axis=2)
        assert np.abs(to_bgr(picture, "NV12") - np.clip(bgr, 0, 255)).max() <= 0.51


@pytest.mark.parametrize(
    ("shape", "name"), [((3, 4), "BayerRG8"), ((4, 4, 3), "BayerRG8"), ((4, 4), "NV12"), ((4, 4), "YUV411")]
)
def test_what_cannot_be_in_that_format_is_refused(shape: tuple[int, ...], name: str):
    """Odd sides, colours in a mosaic, half a chroma plane, and formats nobody knows."""
    with pytest.raises(ValueError, match=name):
        to_bgr(np.zeros(shape, np.uint8), name)


async def test_the_engine_judges_a_mosaic_and_refuses_a_broken_one():
    """A Bayer frame is judged like the picture it shows; a broken one is BadImageError, code 304."""
    mosaic = np.full((32, 32), 128, np.uint8)
    with OpenVinoEngine(FakeRuntime(CPU=brightness), ("CPU",)) as engine:
        frame = Frame(mosaic, 0.0, 0.0, 0.0, "test", pixel_format="BayerRG8")
        assert (await engine.infer(frame)).score == pytest.approx(128 / 255)
        with pytest.raises(BadImageError):
            await engine.infer(Frame(mosaic[:31], 0.0, 0.0, 0.0, "test", pixel_format="BayerRG8"))
