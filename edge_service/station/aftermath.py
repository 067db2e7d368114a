"""What happens to an inspection once the PLC has its answer: samples, outbox, pictures, link.

It waits in a bounded queue for its turn, so nothing on disk or on the network can hold up a verdict. While
the next part is in hand already each step waits for that one's answer, too, for ``PATIENCE_S`` or until
``PATIENT`` inspections wait: a line that never rests gets its results kept all the same.
Overflow rule: with ``QUEUE`` inspections waiting, the oldest one that still holds its picture loses it
(the record itself goes on), and the loss is logged; with ``RECORDS`` waiting the oldest record is lost
as well, logged and counted: the gap in the counter shows it at the server.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import structlog

from edge_service.domain.inspection import Frame, Inspection, RawScore
from edge_service.domain.pixels import BGR8
from edge_service.errors import OkngError

log = structlog.get_logger()

QUEUE = 32  # with pictures: 32 frames of 1920 x 1200 are 220 MB
RECORDS = 4096  # without
PATIENT = 4
PATIENCE_S = 0.05


@dataclass(frozen=True, slots=True)
class Done:
    """An answered inspection with what it was judged from; None where there is nothing (any more)."""

    inspection: Inspection
    frame: Frame | None = None
    raw: RawScore | None = None


Step = Callable[[Done], Awaitable[None]]


class Rest(Protocol):
    """Waits for a time when no part is in hand."""

    async def __call__(self, patience_s: float, calm_s: float = 0.0) -> None:
        """Return once no part has been in hand for ``calm_s``, at the latest after ``patience_s``."""
        ...


class Aftermath:
    """Runs ``steps`` for each inspection, one after the other, in the order of their answers.

    A step that fails with an OkngError (a full disk) is reported to ``trouble`` and the next one goes
    on; ``fine`` is called when all steps of an inspection went well. Anything else is a bug and ends
    the process.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        trouble: Callable[[OkngError], None],
        fine: Callable[[], None],
        rest: Rest,
    ) -> None:
        self._steps, self._trouble, self._fine, self._rest = steps, trouble, fine, rest
        self._waiting: deque[Done] = deque()
        self._something = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.lost_pictures = 0
        self.lost_records = 0

    def put(self, done: Done) -> None:
        """Take an inspection; never waits."""
        if len(self._waiting) >= QUEUE:
            self._shed()
        self._waiting.append(done)
        self._idle.clear()
        self._something.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            await self._something.wait()
            self._something.clear()
            while self._waiting:
                await self._after_the_next_part()
                done = self._waiting.popleft()
                with structlog.contextvars.bound_contextvars(inspection_id=done.inspection.global_id):
                    await self._finish(done)
            self._idle.set()

    async def drain(self) -> None:
        """Return when everything taken so far is finished."""
        await self._idle.wait()

    async def _finish(self, done: Done) -> None:
        if done.frame is not None and done.frame.pixel_format != BGR8:
            done = replace(done, frame=await asyncio.to_thread(_shown, done.frame))
        failed = False
        for step in self._steps:
            await self._after_the_next_part()
            try:
                await step(done)
            except OkngError as error:
                failed = True
                log.warning("aftermath_failed", error=error.what, code=error.code, remedy=error.remedy)
                self._trouble(error)
        if not failed:
            self._fine()

    async def _after_the_next_part(self) -> None:
        if len(self._waiting) < PATIENT:
            await self._rest(PATIENCE_S)

    def _shed(self) -> None:
        for place, waiting in enumerate(self._waiting):
            if waiting.frame is not None:
                self._waiting[place] = replace(waiting, frame=None, raw=None)
                self.lost_pictures += 1
                log.warning("picture_dropped", counter=waiting.inspection.counter, lost=self.lost_pictures)
                break
        if len(self._waiting) >= RECORDS:
            lost = self._waiting.popleft()
            self.lost_records += 1
            log.error("record_dropped", counter=lost.inspection.counter, lost=self.lost_records)


def _shown(frame: Frame) -> Frame | None:
    try:
        return frame.in_bgr()
    except ValueError as error:  # it was answered with code 304
        log.warning("picture_unreadable", reason=str(error))
        return None
