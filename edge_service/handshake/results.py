"""Results on their way to the PLC, in the three profiles.

* buffered: the record stands until the PLC takes it (ack); up to ``size`` wait, the shown one included.
* unbuffered: a new record replaces one that was not taken (overrun).
* pulse: each record is valid for a fixed time, then low for a fixed time; acks are ignored.

In bit mode the next record waits while ResultsAck stays 1 (state RELEASE).
"""

from collections import deque
from dataclasses import replace
from enum import Enum

from edge_service.handshake.record import Record
from edge_service.handshake.settings import Profile
from edge_service.handshake.table import Table


class ResultState(Enum):
    """Where the shown record stands."""

    EMPTY = "no record is shown"
    VALID = "ResultsValid = 1"
    RELEASE = "waits for ResultsAck 0"
    GAP = "low between two pulses"


class ResultEvent(Enum):
    """What moves it."""

    SHOW = "a record is there and ResultsAck is 0"
    REPLACE = "a newer record, unbuffered"
    TAKE = "ack, sequence mode"
    TAKE_BIT = "ack, bit mode"
    HOLD = "ResultsAck 1 without a record"
    RELEASE = "ResultsAck 0"
    LOW = "pulse over"
    GAP_OVER = "gap over"
    CLEAR = "BufferClear"


RESULT_TABLE: Table[ResultState, ResultEvent] = Table(
    "Result",
    ResultState.EMPTY,
    {
        (ResultState.EMPTY, ResultEvent.SHOW): ResultState.VALID,
        (ResultState.EMPTY, ResultEvent.HOLD): ResultState.RELEASE,
        (ResultState.VALID, ResultEvent.REPLACE): ResultState.VALID,
        (ResultState.VALID, ResultEvent.TAKE): ResultState.EMPTY,
        (ResultState.VALID, ResultEvent.TAKE_BIT): ResultState.RELEASE,
        (ResultState.VALID, ResultEvent.LOW): ResultState.GAP,
        (ResultState.VALID, ResultEvent.CLEAR): ResultState.EMPTY,
        (ResultState.RELEASE, ResultEvent.RELEASE): ResultState.EMPTY,
        (ResultState.GAP, ResultEvent.GAP_OVER): ResultState.EMPTY,
    },
)


class Results:
    """The queue and the record that the PLC sees."""

    def __init__(self, *, size: int, pulse_s: float, gap_s: float) -> None:
        self._size = size
        self._pulse_s = pulse_s
        self._gap_s = gap_s
        self._records: deque[Record] = deque()
        self._since = 0.0
        self._overrun_pending = False
        self.profile = Profile.BUFFERED
        self.state = ResultState.EMPTY
        self.completed = False  # toggles with every record shown
        self.overrun = False

    @property
    def shown(self) -> Record | None:
        """The record that the PLC may read now."""
        return self._records[0] if self.state is ResultState.VALID else None

    @property
    def queued(self) -> int:
        """Records waiting, the shown one included."""
        return len(self._records)

    @property
    def shown_since(self) -> float | None:
        """Since when a record waits for its ack."""
        return self._since if self.state is ResultState.VALID and self.profile is not Profile.PULSE else None

    def add(self, record: Record, now: float, *, held: bool) -> tuple[bool, int]:
        """Queue a record; return whether the PLC will see it, and how many records were overrun."""
        unbuffered = self.profile is Profile.UNBUFFERED
        if not unbuffered and len(self._records) >= self._size:
            self.overrun = self._overrun_pending = True
            return False, 1
        dropped = len(self._records) if unbuffered else 0
        if dropped:
            self._records.clear()
            self.overrun = True
        flagged = replace(record, overrun_before=self._overrun_pending or dropped > 0)
        self._overrun_pending = False
        self._records.append(flagged)
        if self.state is ResultState.VALID and dropped:
            self._enter(ResultEvent.REPLACE, now)
        self.settle(now, held=held)
        return True, dropped

    def take(self, now: float, *, held: bool) -> None:
        """Remove the shown record: the PLC has it."""
        self._records.popleft()
        self.overrun = False
        self._enter(ResultEvent.TAKE_BIT if held else ResultEvent.TAKE, now)
        self.settle(now, held=held)

    def clear(self) -> int:
        """Drop every record; return how many."""
        dropped = len(self._records)
        self._records.clear()
        self.overrun = False
        self._overrun_pending = dropped > 0 or self._overrun_pending
        if self.state is ResultState.VALID:
            self.state = RESULT_TABLE.step(self.state, ResultEvent.CLEAR)
        return dropped

    def settle(self, now: float, *, held: bool) -> None:
        """Go on as far as possible; ``held``: ResultsAck is 1 and counts (bit mode, not pulse)."""
        while (event := self._due(now, held=held)) is not None:
            if event is ResultEvent.LOW:
                self._records.popleft()
                self.overrun = False
            self._enter(event, now)

    @property
    def deadline(self) -> float | None:
        """When a pulse or a gap is over."""
        if self.state is ResultState.VALID and self.profile is Profile.PULSE:
            return self._since + self._pulse_s
        return self._since + self._gap_s if self.state is ResultState.GAP else None

    def _due(self, now: float, *, held: bool) -> ResultEvent | None:
        over = self.deadline is not None and now >= self.deadline
        match self.state:
            case ResultState.EMPTY if held:
                return ResultEvent.HOLD
            case ResultState.EMPTY if self._records:
                return ResultEvent.SHOW
            case ResultState.VALID if over:
                return ResultEvent.LOW
            case ResultState.RELEASE if not held:
                return ResultEvent.RELEASE
            case ResultState.GAP if over:
                return ResultEvent.GAP_OVER
        return None

    def _enter(self, event: ResultEvent, now: float) -> None:
        self.state = RESULT_TABLE.step(self.state, event)
        self._since = now
        if self.state is ResultState.VALID:
            self.completed = not self.completed
