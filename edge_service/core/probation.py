"""A model that is new on the line and fails on parts is rolled back by the station itself.

New is a version that was activated and has not judged ``PROVEN`` parts yet. ``FAILURES`` parts in a row on
which it fails (codes 401 and 403: an error of the device, a score that is no number) send the station back to
the version before; what failed is rejected and the history says why. A bad verdict is no failure: whether NG
is right, the station cannot know. A step of the aftermath.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from edge_service.domain.codes import Code
from edge_service.domain.inspection import Verdict
from edge_service.errors import RefusedError
from edge_service.handshake.command import CommandCode
from edge_service.station import Done, Equipment

log = structlog.get_logger()

FAILURES = 3
PROVEN = 50
_ITS_FAULT = (Code.INFERENCE, Code.SCORE_NOT_FINITE)


class Records(Protocol):
    """What is known of models."""

    async def on_probation(self, model: str) -> bool:
        """Whether the active version is new and there is one to go back to."""
        ...

    async def prove(self, model: str, version: str) -> None:
        """Note that this version has judged enough parts."""
        ...

    def blame(self, model: str, failure: str) -> None:
        """Have the next roll back reject the version in use."""
        ...


class Probation:
    """Counts what the model in use does. ``equipment``: what the station judges with now."""

    def __init__(
        self,
        records: Records,
        equipment: Callable[[], Equipment | None],
        order: Callable[[int], Awaitable[int]],
    ) -> None:
        self._records, self._equipment, self._order = records, equipment, order
        self._digest = ""
        self._judged = 0
        self._failed = 0

    async def __call__(self, done: Done) -> None:
        """Count one part; roll back where it was one failure too many."""
        equipment = self._equipment()
        if equipment is None:
            return
        model = equipment.model
        if model.digest != self._digest:
            self._digest, self._judged, self._failed = model.digest, 0, 0
        if done.inspection.judgement.code in _ITS_FAULT:
            self._failed += 1
            if self._failed == FAILURES and await self._records.on_probation(model.name):
                await self._back(model.name, f"code {done.inspection.judgement.code} on {FAILURES} parts")
        elif done.inspection.judgement.verdict in (Verdict.OK, Verdict.NG, Verdict.UNDECIDED):
            self._failed = 0
            self._judged += 1
            if self._judged == PROVEN:
                await self._records.prove(model.name, model.version)

    async def _back(self, model: str, failure: str) -> None:
        log.error("model_rolled_back", model=model, error=failure)
        self._records.blame(model, failure)
        try:
            await self._order(CommandCode.ROLL_BACK_MODEL)
        except RefusedError as error:  # another command runs: the next failure asks again
            self._failed = FAILURES - 1
            log.warning("roll_back_refused", reason=error.what)
