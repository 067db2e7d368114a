"""The box's clock: kept by NTP, set by the PLC, or neither."""

import pytest

from edge_service.core.clock import BoxClock, kept_by_ntp
from edge_service.errors import ClockError
from edge_service.handshake.settings import HandshakeSettings
from tests.support.plc_bench import Bench


class World:
    """A clock to play with."""

    def __init__(self) -> None:
        self.kept = False
        self.now = 100.0
        self.seconds: list[float] = []
        self.allowed = True

    def clock(self) -> BoxClock:
        """Return the station's view of it."""
        return BoxClock(lambda: self.kept, self._set, lambda: self.now)

    def _set(self, _: int, seconds: float) -> None:
        if not self.allowed:
            raise PermissionError
        self.seconds.append(seconds)


def test_kept_by_ntp_is_good():
    """What the kernel says counts, looked up every ten seconds."""
    world = World()
    clock = world.clock()
    assert clock.good() is False
    world.kept = True
    assert clock.good() is False
    world.now += 10
    assert clock.good() is True


def test_set_by_the_plc_is_good_for_a_day():
    """A clock that command 8 has set is right at once, and no longer a day later."""
    world = World()
    clock = world.clock()
    assert clock.good() is False
    clock.set(1_700_000_000)
    assert (world.seconds, clock.good()) == ([1_700_000_000], True)
    world.now += 86_400
    assert clock.good() is False


def test_not_allowed_to_set_it():
    """A process without the right says so, and what to do."""
    world = World()
    world.allowed = False
    with pytest.raises(ClockError, match="may not set the clock") as refused:
        world.clock().set(1)
    assert "NTP" in refused.value.remedy


def test_the_kernel_answers():
    """Whatever this machine's clock is, asking for it works."""
    assert kept_by_ntp() in (True, False)


@pytest.mark.parametrize(("warns", "code"), [(False, 0), (True, 750)])
def test_records_say_that_the_clock_is_nobodys(warns: bool, code: int):  # noqa: FBT001
    """Flag b5 stands in each record meanwhile; warning 750 only where it is asked for."""
    bench = Bench(HandshakeSettings(clock_warning=warns)).start()
    bench.observe(clock_unsynchronised=True)
    bench.inspect(1)
    assert (bench["ClockUnsynchronised"], bench["WarningCode"]) == (True, code)
    bench.write(result_ack_id=1)
    bench.observe(clock_unsynchronised=False)
    bench.inspect(2)
    assert (bench["ClockUnsynchronised"], bench["WarningCode"]) == (False, 0)
