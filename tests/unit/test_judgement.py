"""The judgement rule fails safe: only a finite score below the threshold is OK."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.domain.inspection import RawScore, Verdict
from edge_service.domain.judgement import judge


def raw(score: float, *, at: tuple[int, int] = (0, 0), shape: tuple[int, int] = (4, 8)) -> RawScore:
    """Return a map that is 0 but for ``score`` at row and column ``at``."""
    anomaly_map = np.zeros(shape, np.float32)
    anomaly_map[at] = score
    return RawScore(score, anomaly_map, 1.0, "CPU")


@given(st.floats(width=32), st.floats())
def test_ok_means_finite_and_below(score: float, threshold: float):
    """For any two numbers at all, OK is given only to a finite score below a finite positive threshold."""
    judgement = judge(raw(score), threshold=threshold, frame_height=10, frame_width=10)
    if judgement.verdict is Verdict.OK:
        assert math.isfinite(score)
        assert math.isfinite(threshold)
        assert score < threshold
    else:
        assert not score < threshold or threshold <= 0 or not math.isfinite(score) or math.isinf(threshold)


def test_the_threshold_itself_is_ng():
    """A score equal to the threshold is not good enough."""
    assert judge(raw(0.5), threshold=0.5, frame_height=1, frame_width=1).verdict is Verdict.NG


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_is_an_error(score: float):
    """NaN and infinities give ERROR with code 403."""
    judgement = judge(raw(score), threshold=0.5, frame_height=1, frame_width=1)
    assert (judgement.verdict, judgement.code) == (Verdict.ERROR, 403)


def test_a_map_that_is_no_number_is_an_error():
    """A low score beside a NaN in the map is not believed; nor is an empty map."""
    spoilt = raw(0.0)
    spoilt.anomaly_map[2, 2] = math.nan
    empty = RawScore(0.0, np.zeros((0, 8), np.float32), 1.0, "CPU")
    for each in (spoilt, empty):
        judgement = judge(each, threshold=0.5, frame_height=1, frame_width=1)
        assert (judgement.verdict, judgement.code) == (Verdict.ERROR, 403)


@pytest.mark.parametrize("threshold", [0.0, -1.0, math.nan, math.inf])
def test_a_threshold_that_is_none_is_an_error(threshold: float):
    """Without a usable threshold nothing is OK: code 104."""
    judgement = judge(raw(0.1), threshold=threshold, frame_height=1, frame_width=1)
    assert (judgement.verdict, judgement.code) == (Verdict.ERROR, 104)


@pytest.mark.parametrize(
    ("score", "verdict", "code"),
    [
        (0.39, Verdict.OK, 0),
        (0.41, Verdict.UNDECIDED, 405),
        (0.49, Verdict.UNDECIDED, 405),
        (0.5, Verdict.NG, 0),
    ],
)
def test_the_undecided_band_lies_below_the_threshold(score: float, verdict: Verdict, code: int):
    """Scores less than the band below the threshold are undecided, and the threshold stays NG."""
    judgement = judge(raw(score), threshold=0.5, undecided_band=0.1, frame_height=1, frame_width=1)
    assert (judgement.verdict, judgement.code) == (verdict, code)


@pytest.mark.parametrize("band", [-0.1, math.nan])
def test_a_band_that_is_none_is_an_error(band: float):
    """A negative band would move the threshold up: refused with code 104."""
    judgement = judge(raw(0.1), threshold=0.5, undecided_band=band, frame_height=1, frame_width=1)
    assert (judgement.verdict, judgement.code) == (Verdict.ERROR, 104)


def test_the_defect_is_placed_in_the_frame():
    """Peak and area come in pixels of the frame, whatever the size of the map."""
    judgement = judge(raw(0.9, at=(1, 6)), threshold=0.5, frame_height=400, frame_width=1600)
    assert (judgement.defect_x, judgement.defect_y) == (1300, 150)
    assert judgement.defect_area_px == 400 * 1600 // 32
    assert judgement.normalised_score == pytest.approx(0.9)


def test_a_good_part_has_no_defect():
    """OK carries score and threshold but no place and no area."""
    judgement = judge(raw(0.4), threshold=0.5, frame_height=400, frame_width=1600)
    assert (judgement.defect_x, judgement.defect_y, judgement.defect_area_px) == (None, None, 0)
    assert (judgement.score, judgement.threshold) == (0.4, 0.5)


def test_what_the_mask_hides_is_not_judged():
    """A defect outside the mask is OK, the same one inside is NG with its place."""
    mask = np.ones((4, 8), np.bool_)
    mask[0, 0] = False
    hidden = judge(
        raw(0.9),
        threshold=0.5,
        frame_height=4,
        frame_width=8,
        mask=mask,
        score_of_map=lambda m: float(m.max()),
    )
    seen = judge(
        raw(0.9, at=(3, 7)),
        threshold=0.5,
        frame_height=4,
        frame_width=8,
        mask=mask,
        score_of_map=lambda m: float(m.max()),
    )
    assert hidden.verdict is Verdict.OK
    assert (seen.verdict, seen.defect_x, seen.defect_y) == (Verdict.NG, 7, 3)


def test_a_mask_that_does_not_fit_is_a_bug():
    """A mask of another shape, one that hides everything, and one without a score are refused loudly."""
    for mask in (np.ones((3, 3), np.bool_), np.zeros((4, 8), np.bool_)):
        with pytest.raises(ValueError, match="mask"):
            judge(
                raw(0.1), threshold=0.5, frame_height=1, frame_width=1, mask=mask, score_of_map=lambda _: 0.0
            )
    with pytest.raises(ValueError, match="score_of_map"):
        judge(raw(0.1), threshold=0.5, frame_height=1, frame_width=1, mask=np.ones((4, 8), np.bool_))


def test_a_masked_score_must_be_a_number_too():
    """A score function that gives NaN makes an ERROR, not an OK."""
    judgement = judge(
        raw(0.1),
        threshold=0.5,
        frame_height=1,
        frame_width=1,
        mask=np.ones((4, 8), np.bool_),
        score_of_map=lambda _: math.nan,
    )
    assert (judgement.verdict, judgement.code) == (Verdict.ERROR, 403)
