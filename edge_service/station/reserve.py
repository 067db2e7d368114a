"""Keeps numbers for inspections in reserve, ahead of their use."""

import asyncio
from collections.abc import Callable

import structlog

from edge_service.errors import OkngError
from edge_service.lifecycle import Backoff, OwnedThread
from edge_service.station.numbers import BLOCK, Claim, Numbers

log = structlog.get_logger()

LOW = BLOCK // 2  # numbers left when the next block is reserved
NONE_LEFT = 4  # more than can be in flight: with so few left no part is taken any more


class Reserve:
    """The numbers that this run may use."""

    def __init__(self, numbers: Numbers, claim: Claim, backoff: Backoff | None = None) -> None:
        self._numbers, self._claim = numbers, claim
        self._backoff = backoff or Backoff(1.0, 10.0)
        self._next = claim.first
        self._low = asyncio.Event()

    def used(self, counter: int) -> None:
        """Note that an inspection took ``counter``."""
        self._next = counter + 1
        if self._left <= LOW:
            self._low.set()

    @property
    def used_up(self) -> bool:
        """Whether no further part may be taken."""
        return self._left <= NONE_LEFT

    async def run(self, report: Callable[[OkngError | None], None]) -> None:
        """Reserve block after block until cancelled; ``report`` hears each refusal, and None at success."""
        thread = OwnedThread("numbers")
        try:
            while True:
                await self._low.wait()
                self._low.clear()
                while self._left <= LOW:
                    await self._extend(thread, report)
        finally:
            thread.close()

    @property
    def _left(self) -> int:
        return self._claim.end - self._next

    async def _extend(self, thread: OwnedThread, report: Callable[[OkngError | None], None]) -> None:
        try:
            self._claim = await thread.call(self._numbers.extend, self._claim)
        except OkngError as error:
            log.warning("numbers_not_reserved", left=self._left, error=error.what, remedy=error.remedy)
            report(error)
            await asyncio.sleep(self._backoff.next_s())
        else:
            self._backoff.reset()
            report(None)
