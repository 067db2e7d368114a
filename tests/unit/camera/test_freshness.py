"""The bound on a frame's exposure, rule by rule."""

from edge_service.camera.freshness import SETTLING, Freshness

RATE_HZ = 20.0  # an interval of 50 ms
LATENCY_S = 0.1


def settled() -> Freshness:
    """Return a rule that has seen punctual frames 0 .. SETTLING - 1, stamped 5 s ahead of our clock."""
    rule = Freshness(LATENCY_S, RATE_HZ)
    for index in range(SETTLING):
        assert rule.exposure_began(index * 0.05, (index + 1) * 0.05, 5 + index * 0.05) is None
    return rule


def test_a_punctual_frame_is_bounded_by_the_start_of_its_read():
    """The read waited: the light fell after its beginning less the latency."""
    assert settled().exposure_began(0.5, 0.55, 5.5) == 0.5 - LATENCY_S


def test_a_frame_that_was_ready_at_once_has_no_bound():
    """A buffered frame may be of any age."""
    assert settled().exposure_began(0.5, 0.51, 5.5) is None


def test_a_late_stamp_moves_the_bound_back():
    """A read that only seems to have waited is found out by the stamp of its frame."""
    bound = settled().exposure_began(2.0, 2.06, 5.6)
    assert bound is not None
    assert abs(bound - (0.65 - LATENCY_S)) < 0.002


def test_a_source_whose_clock_was_set_back_is_judged_again():
    """A camera that restarts its clock is not refused for ever."""
    rule = settled()
    rule.exposure_began(0.5, 0.55, 1.0)
    bound = rule.exposure_began(0.55, 0.6, 1.05)
    assert bound is not None
    assert abs(bound - (0.55 - LATENCY_S)) < 0.002


def test_without_stamps_the_wait_decides():
    """A source that stamps nothing is bounded by its reads alone."""
    rule = Freshness(LATENCY_S, RATE_HZ)
    bounds = [rule.exposure_began(index * 0.05, (index + 1) * 0.05, None) for index in range(SETTLING + 1)]
    assert bounds[-1] == SETTLING * 0.05 - LATENCY_S
