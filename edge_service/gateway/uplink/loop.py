"""One thing done again and again against a server that may be anything: the named supervisor of a loop.

After a turn that went well the next one follows after ``pause_s``, or at once where more waits. After one
that did not, it waits longer each time, jittered, up to ``most_s``, or as long as the server asked for; it
goes on earlier when another loop has reached the server again.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from edge_service.errors import LinkError, OkngError
from edge_service.gateway.uplink.state import UplinkState
from edge_service.gateway.uplink.trouble import AwayError, NonsenseError, TokenError
from edge_service.lifecycle import Backoff

log = structlog.get_logger()

Turn = Callable[[], Awaitable[bool]]
"""Does what is due; returns whether more is due at once. Raises OkngError."""


class Loop:
    """Turns ``turn`` until cancelled; every OkngError is shown in ``state`` and tried again."""

    def __init__(self, name: str, turn: Turn, state: UplinkState, *, pause_s: float, most_s: float) -> None:
        self.name, self._turn, self._state = name, turn, state
        self._pause_s, self._most_s = pause_s, most_s
        self._backoff = Backoff(min(0.5, most_s), most_s)
        self._failing: OkngError | None = None
        self._again = asyncio.Event()
        self.recovered: Callable[[], None] = lambda: None

    def try_again(self) -> None:
        """The server was reached: do not wait any longer."""
        self._again.set()

    async def run(self) -> None:
        """Turn until cancelled."""
        while True:
            try:
                more = await self._turn()
            except OkngError as error:
                self._failed(error)
                await self._wait(self._patience(error))
            else:
                self._went_well()
                if not more:
                    await asyncio.sleep(self._pause_s)

    def _failed(self, error: OkngError) -> None:
        if self._failing is None or type(self._failing) is not type(error):  # once an outage, not a try
            log.warning("uplink_trouble", loop=self.name, error=error.what, remedy=error.remedy)
        self._failing = error
        self._state.met(self.name, error)

    def _went_well(self) -> None:
        self._backoff.reset()
        self._state.met(self.name, None)
        if self._failing is not None:
            self._failing = None
            log.info("uplink_recovered", loop=self.name)
            self.recovered()

    def _patience(self, error: OkngError) -> float:
        wait_s = self._backoff.next_s()
        match error:
            case TokenError() | NonsenseError():
                return self._most_s  # no better by itself; a new enrolment begins at once
            case AwayError(retry_after_s=float(asked_s)):
                return min(max(wait_s, asked_s), self._most_s)
            case LinkError():
                return wait_s
        return wait_s

    async def _wait(self, seconds: float) -> None:
        self._again.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._again.wait(), seconds)
