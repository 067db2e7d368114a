"""The last results, for a gateway that was away: it shows them again as what was, never as what is.

Two lists, the newest first, a page at a time so that the PLC's answer never waits for a long one:
``inspections`` as they were told, and ``records`` as the PLC was shown them, each with its wall-clock time::

    {"kind": "records", "skip": 10}  ->  {"items": [{"at": 1790000000.1, "Result.InspectionId": 41, ...}]}

Overflow rule: the oldest goes.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from edge_service.core.plain import plain_signals
from edge_service.domain.codes import Code, refusal
from edge_service.handshake.outputs import record_signals
from edge_service.handshake.record import Record
from edge_service.link import Role

if TYPE_CHECKING:
    from edge_service.core.line_desk import Handler

KEPT = 100
PAGE = 10


class Past:
    """Keeps them in memory: with the core they go, since a new core's past begins with itself."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._inspections: deque[dict[str, Any]] = deque(maxlen=KEPT)
        self._records: deque[tuple[float, Record]] = deque(maxlen=KEPT)
        self._shown: Record | None = None
        self.handlers: dict[str, tuple[Role, Handler]] = {"past_results": (Role.OBSERVER, self._page)}

    def inspected(self, inspection: Mapping[str, Any]) -> None:
        """Keep an inspection, as plain values."""
        self._inspections.append({"at": self._clock(), **inspection})

    def shown(self, record: Record | None) -> None:
        """Keep the record that the PLC may read now, if it is another one; called at each change."""
        if record is not self._shown:
            self._shown = record
            if record is not None:
                self._records.append((self._clock(), record))

    async def _page(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        kind, skip = arguments.get("kind"), arguments.get("skip", 0)
        if kind not in {"inspections", "records"} or not isinstance(skip, int) or skip < 0:
            raise refusal(Code.COMMAND_PARAMETER)
        wanted = range(skip + 1, skip + PAGE + 1)
        if kind == "inspections":
            return {"items": [self._inspections[-n] for n in wanted if n <= len(self._inspections)]}
        records = [self._records[-n] for n in wanted if n <= len(self._records)]
        return {"items": [{"at": at, **plain_signals(record_signals(record))} for at, record in records]}
