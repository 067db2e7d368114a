"""The judgement rule: a raw score and a threshold in, a verdict out. Pure, and it fails safe.

- Anything that is not a finite number gives ERROR, never OK.
- A score equal to the threshold is NG.
- With an undecided band, scores less than the band below the threshold are UNDECIDED (code 405), which
  the PLC reads as not OK.

::

    judge(raw, threshold=0.8, frame_height=1080, frame_width=1920).verdict
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edge_service.domain.codes import Code
from edge_service.domain.inspection import Judgement, RawScore, Verdict

ScoreOfMap = Callable[[NDArray[np.float32]], float]


def judge(
    raw: RawScore,
    *,
    threshold: float,
    frame_height: int,
    frame_width: int,
    undecided_band: float = 0.0,
    mask: NDArray[np.bool_] | None = None,
    score_of_map: ScoreOfMap | None = None,
) -> Judgement:
    """Judge one part.

    ``threshold`` and ``undecided_band`` are in raw score units; the defect's place and area come in pixels
    of the frame (``frame_height`` x ``frame_width``). ``mask``: bool, shape of the anomaly map, True where
    the part is judged; then ``score_of_map`` computes the score of what is left (``contract.score``), and
    leaving it out is a ValueError, as is a mask of another shape or one that hides everything.
    """
    if not math.isfinite(threshold) or threshold <= 0 or not undecided_band >= 0:
        return Judgement(Verdict.ERROR, code=Code.CONFIGURATION_REJECTED)
    if not math.isfinite(raw.score) or raw.anomaly_map.size == 0 or not np.isfinite(raw.anomaly_map).all():
        return Judgement(Verdict.ERROR, code=Code.SCORE_NOT_FINITE, threshold=threshold)
    score, visible = raw.score, raw.anomaly_map
    if mask is not None:
        visible = _masked(raw.anomaly_map, mask)
        if score_of_map is None:
            raise ValueError("a mask needs score_of_map, to score what it leaves visible")
        score = score_of_map(visible)
        if not math.isfinite(score):
            return Judgement(Verdict.ERROR, code=Code.SCORE_NOT_FINITE, threshold=threshold)
    if score < threshold - undecided_band:
        return Judgement(Verdict.OK, score=score, threshold=threshold)
    x, y, area = _defect(visible, threshold, frame_height, frame_width)
    undecided = score < threshold
    return Judgement(
        Verdict.UNDECIDED if undecided else Verdict.NG,
        code=Code.UNDECIDED_BAND if undecided else 0,
        score=score,
        threshold=threshold,
        defect_x=x,
        defect_y=y,
        defect_area_px=area,
    )


def _masked(anomaly_map: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Sink what the mask hides to the calmest value that it leaves visible."""
    if mask.shape != anomaly_map.shape or not mask.any():
        raise ValueError(f"mask of shape {mask.shape} does not fit a map of shape {anomaly_map.shape}")
    return np.where(mask, anomaly_map, anomaly_map[mask].min())


def _defect(
    anomaly_map: NDArray[np.float32], threshold: float, frame_height: int, frame_width: int
) -> tuple[int, int, int]:
    """Return x and y of the strangest spot and the area at or above the threshold, in frame pixels."""
    height, width = anomaly_map.shape
    row, column = divmod(int(anomaly_map.argmax()), width)
    x = int((column + 0.5) * frame_width / width)
    y = int((row + 0.5) * frame_height / height)
    share = np.count_nonzero(anomaly_map >= threshold) / anomaly_map.size
    return x, y, round(share * frame_height * frame_width)
