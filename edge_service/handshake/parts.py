"""Parts in flight: accepted, not yet answered. Answers leave in the order of acquisition."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

from edge_service.domain.inspection import Trigger
from edge_service.handshake.record import Result
from edge_service.handshake.table import Table


class PartState(Enum):
    """Where a part stands."""

    EXPOSING = "the camera takes its frame, the part must not move"
    JUDGING = "the frame is there, the model works"
    JUDGED = "it has its result and waits for the parts before it"


class PartEvent(Enum):
    """What moves it."""

    EXPOSED = "exposure ended"
    FINISHED = "result, or a failure"
    EXPOSURE_TIMEOUT = "exposure time-out, verdict 4, code 301"
    INSPECTION_TIMEOUT = "inspection time-out, verdict 5, code 402"


PART_TABLE: Table[PartState, PartEvent] = Table(
    "Part",
    PartState.EXPOSING,
    {
        (PartState.EXPOSING, PartEvent.EXPOSED): PartState.JUDGING,
        (PartState.EXPOSING, PartEvent.FINISHED): PartState.JUDGED,
        (PartState.EXPOSING, PartEvent.EXPOSURE_TIMEOUT): PartState.JUDGED,
        (PartState.EXPOSING, PartEvent.INSPECTION_TIMEOUT): PartState.JUDGED,
        (PartState.JUDGING, PartEvent.FINISHED): PartState.JUDGED,
        (PartState.JUDGING, PartEvent.INSPECTION_TIMEOUT): PartState.JUDGED,
    },
)


@dataclass(slots=True)
class Part:
    """One part in flight."""

    trigger: Trigger
    state: PartState = PartState.EXPOSING
    exposure_ms: float = 0.0
    result: Result | None = None  # the answer, ours or the station's
    by_station: bool = False  # the station itself brought the result

    def step(self, event: PartEvent) -> None:
        """Move on by the table."""
        self.state = PART_TABLE.step(self.state, event)


class Parts:
    """The parts in flight, oldest first."""

    def __init__(self, *, exposure_timeout_s: float, inspection_timeout_s: float) -> None:
        self._exposure_timeout_s = exposure_timeout_s
        self._inspection_timeout_s = inspection_timeout_s
        self._parts: deque[Part] = deque()

    def __len__(self) -> int:
        return len(self._parts)

    def add(self, part: Part) -> None:
        """Take a part in."""
        self._parts.append(part)

    def open(self, acquisition_id: int) -> Part | None:
        """Return the part that still waits for its answer, None when it has one or is unknown."""
        for part in self._parts:
            if part.trigger.acquisition_id == acquisition_id and part.state is not PartState.JUDGED:
                return part
        return None

    def unanswered(self) -> tuple[Part, ...]:
        """Return every part that still waits for its answer."""
        return tuple(part for part in self._parts if part.state is not PartState.JUDGED)

    def leave(self) -> Part | None:
        """Remove and return the oldest part if it has its answer."""
        if self._parts and self._parts[0].state is PartState.JUDGED:
            return self._parts.popleft()
        return None

    @property
    def exposing(self) -> bool:
        """A part must not move."""
        return any(part.state is PartState.EXPOSING for part in self._parts)

    def expired(self, now: float) -> list[tuple[Part, PartEvent]]:
        """Return the parts whose time is over, and which."""
        found = []
        for part in self.unanswered():
            event, deadline = self._limit(part)
            if now >= deadline:
                found.append((part, event))
        return found

    @property
    def deadline(self) -> float | None:
        """When the next part's time is over."""
        return min((self._limit(part)[1] for part in self.unanswered()), default=None)

    def _limit(self, part: Part) -> tuple[PartEvent, float]:
        whole = part.trigger.accepted_at + self._inspection_timeout_s
        exposure = part.trigger.accepted_at + self._exposure_timeout_s
        if part.state is PartState.EXPOSING and exposure <= whole:
            return PartEvent.EXPOSURE_TIMEOUT, exposure
        return PartEvent.INSPECTION_TIMEOUT, whole
