"""How a box stands with its server, and how patiently it tries again."""

import asyncio
import contextlib
from collections.abc import Callable

import pytest

from edge_service.errors import DiskFailedError, OkngError
from edge_service.gateway.uplink.loop import Loop
from edge_service.gateway.uplink.state import Standing, UplinkState
from edge_service.gateway.uplink.trouble import AwayError, NonsenseError, TokenError


def state() -> UplinkState:
    """Return the state of a box that has just been enrolled."""
    made = UplinkState(clock=lambda: 1_700_000_000.0)
    made.begin("http://server:8090")
    return made


def test_the_worst_of_what_the_loops_met_is_shown() -> None:
    """A token that does not count outweighs a silent server, which outweighs what goes well."""
    seen = state()
    seen.met("health", None)
    assert (seen.standing, seen.away) == (Standing.UP, False)
    seen.met("send", AwayError("silent", remedy="look"))
    seen.met("models", TokenError("revoked", remedy="enrol"))
    assert (seen.standing, seen.what, seen.remedy) == (Standing.UNAUTHORISED, "revoked", "enrol")
    seen.met("models", None)
    assert (seen.standing, seen.away) == (Standing.AWAY, True)
    seen.met("send", None)
    assert (seen.standing, seen.what) == (Standing.UP, "")


def test_this_box_s_own_trouble_is_no_absence_of_the_server() -> None:
    """A disk that fails is shown, but does not raise warning 651."""
    seen = state()
    seen.met("send", DiskFailedError("the outbox cannot be read"))
    assert (seen.standing, seen.away) == (Standing.FAULT, False)


def test_a_new_enrolment_begins_with_a_clean_slate() -> None:
    """What was met with the old token says nothing of the new one; without a server nothing is away."""
    seen = state()
    seen.met("send", TokenError("revoked"))
    seen.begin("http://server:8090")
    assert seen.standing is Standing.CONNECTING
    seen.begin("")
    assert (seen.standing, seen.away) == (Standing.OFF, False)


class Turns:
    """A turn that fails as told, and says when it was taken."""

    def __init__(self, *errors: OkngError | None) -> None:
        self._errors = list(errors)
        self.taken = asyncio.Semaphore(0)

    async def __call__(self) -> bool:
        """Take the next turn."""
        self.taken.release()
        error = self._errors.pop(0) if self._errors else None
        if error is not None:
            raise error
        return bool(self._errors)


@contextlib.asynccontextmanager
async def turning(loop: Loop):
    """Run a loop for as long as the block lasts."""
    task = asyncio.create_task(loop.run(), name="loop")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_after_trouble_it_tries_again_and_says_that_it_recovered() -> None:
    """Two failures, then success: shown meanwhile, and the other loops are told not to wait on."""
    turns, seen, told = Turns(AwayError("silent"), AwayError("silent"), None), state(), asyncio.Event()
    loop = Loop("send", turns, seen, pause_s=60.0, most_s=0.01)
    loop.recovered = told.set
    async with turning(loop), asyncio.timeout(10):
        await told.wait()
    assert seen.standing is Standing.UP


@pytest.mark.parametrize("error", [TokenError("revoked"), NonsenseError("a web page")])
async def test_what_does_not_mend_itself_is_tried_rarely(error: OkngError) -> None:
    """A revoked token waits the longest wait at once; another loop's success cuts it short."""
    turns = Turns(error, None)
    loop = Loop("send", turns, state(), pause_s=60.0, most_s=60.0)
    async with turning(loop), asyncio.timeout(10):
        await turns.taken.acquire()
        await _a_moment(lambda: loop._failing is not None)
        assert turns.taken.locked()
        loop.try_again()
        await turns.taken.acquire()


async def test_a_server_that_says_when_is_believed_within_bounds() -> None:
    """``retry_after_s`` lengthens the wait, but never beyond the longest one."""
    loop = Loop("send", Turns(), state(), pause_s=60.0, most_s=5.0)
    assert loop._patience(AwayError("full", retry_after_s=3.0)) == 3.0
    assert loop._patience(AwayError("full", retry_after_s=86_400.0)) == 5.0
    assert loop._patience(AwayError("full", retry_after_s=-1.0)) > 0.0


async def _a_moment(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - another task's next step
        await asyncio.sleep(0)
