"""What the machine asks of the station: frozen facts that the station carries out, in order."""

from dataclasses import dataclass

from edge_service.domain.inspection import Trigger
from edge_service.handshake.record import Record, Result


@dataclass(frozen=True, slots=True)
class Acquire:
    """Take a frame for this part now, then judge it.

    Answer with ``exposed``, then ``finished`` or ``failed``, each with the trigger's acquisition id.
    """

    trigger: Trigger


@dataclass(frozen=True, slots=True)
class Abandon:
    """Stop working on this part: it was answered without you, a late result is discarded anyway."""

    acquisition_id: int


@dataclass(frozen=True, slots=True)
class Published:
    """A part has its answer. ``counter`` is the station's 64-bit number for the outbox, never reused.

    ``for_plc`` is False when the record was dropped because the PLC's queue was full. ``result`` is None
    when the part was never judged (time-out, failure): the record says why.
    """

    counter: int
    trigger: Trigger
    record: Record
    result: Result | None
    trigger_to_exposure_ms: float
    trigger_to_publish_ms: float
    for_plc: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """A trigger from the PLC was refused and counted as missed; for the log, nothing else to do."""

    code: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Execute:
    """Carry out a command now: no part is in flight. Answer with ``command_done`` and this ticket."""

    ticket: int
    command: int
    parameters: tuple[int, int, int, int]
    from_plc: bool


@dataclass(frozen=True, slots=True)
class CancelCommand:
    """The command ran out of time: keep, or go back to, the old state; a late answer is discarded."""

    ticket: int


@dataclass(frozen=True, slots=True)
class CommandAnswered:
    """A command has its result: 1 done, 100 and up a code. Tells whoever asked."""

    ticket: int
    code: int


Action = Acquire | Abandon | Published | Refused | Execute | CancelCommand | CommandAnswered
