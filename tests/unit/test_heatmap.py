"""The heat map people look at."""

import cv2
import numpy as np

from edge_service.inference.heatmap import draw_heat_map, encode_jpeg


def test_colours_are_fixed_to_the_threshold() -> None:
    """A calm map stays blue over the whole frame, a spot at twice the threshold is red there alone."""
    frame = np.full((120, 200, 3), 128, np.uint8)
    calm = np.full((32, 32), 0.01, np.float32)
    strange = calm.copy()
    strange[16, 24] = 2.0
    spot = draw_heat_map(frame, strange, 1.0)[61, 153]
    assert spot[2] > spot[0]
    still = draw_heat_map(frame, calm, 1.0)
    assert still.shape == frame.shape
    assert (still[..., 0] > still[..., 2]).all()


def test_a_line_runs_around_what_is_above_the_threshold() -> None:
    """White where the map crosses the threshold, and no line on a part that stays below it."""
    frame = np.zeros((160, 160, 3), np.uint8)
    strange = np.zeros((16, 16), np.float32)
    strange[4:8, 4:8] = 2.0
    white = (draw_heat_map(frame, strange, 1.0) == 255).all(axis=2)
    rows, columns = np.nonzero(white)
    assert {rows.min(), columns.min()} <= {39, 40, 41}
    assert {rows.max(), columns.max()} <= {78, 79, 80}
    assert not white[60, 60]
    assert not (draw_heat_map(frame, strange * 0.49, 1.0) == 255).all(axis=2).any()


def test_a_map_that_is_not_finite_still_gives_a_picture() -> None:
    """NaN and infinity are shown as strange, never as calm."""
    frame = np.zeros((20, 20, 3), np.uint8)
    picture = draw_heat_map(frame, np.full((4, 4), np.nan, np.float32), 1.0)
    assert picture[10, 10, 2] > picture[10, 10, 0]


def test_a_large_frame_is_shrunk_and_a_small_one_kept() -> None:
    """The JPEG's longest side is bounded; a picture smaller than that keeps its size."""
    large = cv2.imdecode(np.frombuffer(encode_jpeg(np.zeros((1000, 3000, 3), np.uint8)), np.uint8), 1)
    small = cv2.imdecode(np.frombuffer(encode_jpeg(np.zeros((30, 40, 3), np.uint8)), np.uint8), 1)
    assert large is not None
    assert small is not None
    assert large.shape == (427, 1280, 3)
    assert small.shape == (30, 40, 3)
