"""From distance maps to a map and a score: what the last layer of the graph computes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from edge_service.contract.score import compute  # noqa: E402 - after the skip
from trainer.calibration.score_head import ScoreHead, score_maps  # noqa: E402
from trainer.calibration.statistics import fit_statistics  # noqa: E402
from trainer.domain import Maps  # noqa: E402

pytestmark = pytest.mark.training


def good_maps(seed: int, pictures: int = 40) -> list[Maps]:
    """Two layers of distances; the left half of the finer one varies ten times as much as the right."""
    random = np.random.default_rng(seed)
    fine = random.normal(1.0, 0.1, (pictures, 32, 48))
    fine[:, :, 24:] = 1.0 + (fine[:, :, 24:] - 1.0) / 10
    return [fine.astype(np.float32), random.normal(0.5, 0.02, (pictures, 16, 24)).astype(np.float32)]


def head() -> ScoreHead:
    """Return a head that knows ``good_maps``."""
    return ScoreHead(fit_statistics(good_maps(1), 1.0))


def test_new_good_maps_score_low_and_a_strange_place_scores_high() -> None:
    """Good maps stay around a spread or two; a patch of strange distance stands out by far."""
    good, strange = good_maps(2, 4), good_maps(2, 4)
    strange[0][:, 10:14, 30:34] += 0.4
    assert score_maps(head(), good).max() < 1.0
    assert score_maps(head(), strange).min() > 2 * score_maps(head(), good).max()


def test_the_same_difference_counts_more_where_good_parts_are_calm() -> None:
    """A place that never varies is watched more closely than a glint."""
    calm, lively = good_maps(2, 1), good_maps(2, 1)
    calm[0][:, 10:14, 36:40] += 0.2
    lively[0][:, 10:14, 6:10] += 0.2
    assert score_maps(head(), calm)[0] > 1.5 * score_maps(head(), lively)[0]


def test_no_single_pixel_decides() -> None:
    """One wild value moves the score far less than a patch of the same height."""
    single, patch = good_maps(2, 1), good_maps(2, 1)
    single[0][:, 20, 36] += 1.0
    patch[0][:, 18:22, 34:38] += 1.0
    assert score_maps(head(), single)[0] < 0.3 * score_maps(head(), patch)[0]


def test_what_a_picture_has_everywhere_counts_for_half() -> None:
    """A part that differs everywhere, as in other light, scores half of one that differs so in one place."""
    everywhere, somewhere = [maps + 1.0 for maps in good_maps(2, 1)], good_maps(2, 1)
    for maps, edge in zip(somewhere, (8, 4), strict=True):
        maps[:, edge : 2 * edge, 4 * edge : 5 * edge] += 1.0
    assert score_maps(head(), everywhere)[0] < 0.8 * score_maps(head(), somewhere)[0]
    assert score_maps(head(), everywhere)[0] > 4 * score_maps(head(), good_maps(2, 1))[0]


def test_the_edge_computes_the_same_score_from_the_map() -> None:
    """The definition in the manifest, in the edge's numpy, gives the score of the graph."""
    known = head()
    score, anomaly_map = known([torch.from_numpy(maps)[:, None] for maps in good_maps(3, 1)])
    assert compute(known.definition, anomaly_map[0, 0].detach().numpy()) == pytest.approx(
        float(score.detach()), rel=1e-5
    )


def test_the_rim_counts_for_nothing() -> None:
    """Where the networks see the end of the picture, strangeness moves the map but not the score."""
    inside, rim = good_maps(2, 1), good_maps(2, 1)
    inside[0][:, :, 8] += 1.0
    rim[0][:, :, 0] += 1.0
    assert score_maps(head(), rim)[0] < 0.6 * score_maps(head(), inside)[0]
