"""What was new in a write: rising edges and changed numbers, against the last values seen.

The first write after the station's start is only the baseline. A bit must be seen 0 before its edge
counts, a repeated write holds nothing new.
"""

from edge_service.handshake.inputs import PlcInputs

HANDSHAKE_BITS = ("trigger", "results_ack", "execute_command")  # bit mode only
OTHER_EDGE_BITS = (
    "set_user_data",
    "clear_error",
    "clear_exposure_complete",
    "statistics_reset",
    "ng_latch_reset",
    "alarm_ack",
    "buffer_clear",
)


class Edges:
    """One write beside the one before."""

    def __init__(self, last: PlcInputs | None, inputs: PlcInputs, *, took_over: bool = False) -> None:
        self.first = last is None
        self.last = last or inputs
        self.inputs = inputs
        self._took_over = took_over

    @property
    def enabling(self) -> bool:
        """Whether the write raises TriggerEnable (or finds it raised for the first time)."""
        return self.inputs.trigger_enable and (self.first or not self.last.trigger_enable)

    @property
    def mode_counts(self) -> bool:
        """SequenceMode may change: TriggerEnable was 0 until this write."""
        return self.first or not self.last.trigger_enable or not self.inputs.trigger_enable

    @property
    def trigger_counts(self) -> bool:
        """A trigger in this write may fire: TriggerEnable stood at 1, and the writer is no newcomer."""
        return self.inputs.trigger_enable and not self.enabling and not self._took_over

    def rose(self, name: str) -> bool:
        """Whether the bit went from 0 to 1."""
        return self.inputs.bit(name) and not self.last.bit(name)

    def fell(self, name: str) -> bool:
        """Whether the bit went from 1 to 0."""
        return self.last.bit(name) and not self.inputs.bit(name)

    def renewed(self, name: str) -> bool:
        """Whether the number changed to something else than 0."""
        value: int = getattr(self.inputs, name)
        return value != 0 and value != getattr(self.last, name)


class HeldBits:
    """Since when each edge bit stands at 1; a bit held long after its answer is worth a warning."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since: dict[str, float] = {}

    def seen(self, inputs: PlcInputs, now: float, *, sequence_mode: bool) -> None:
        """Take the bits of one write; in sequence mode the three handshake bits are ignored."""
        watched = OTHER_EDGE_BITS if sequence_mode else HANDSHAKE_BITS + OTHER_EDGE_BITS
        self._since = {name: self._since.get(name, now) for name in watched if inputs.bit(name)}

    def answered(self, name: str, now: float) -> None:
        """Start anew for a bit whose answer came only now."""
        if name in self._since:
            self._since[name] = now

    def held(self, now: float, *, waiting: frozenset[str]) -> bool:
        """Whether a bit is held too long; bits in ``waiting`` have no answer yet and are right to stand."""
        limits = (since + self._limit_s for name, since in self._since.items() if name not in waiting)
        return any(now >= limit for limit in limits)

    def deadline(self, *, waiting: frozenset[str]) -> float | None:
        """When the next bit is held too long."""
        limits = (since + self._limit_s for name, since in self._since.items() if name not in waiting)
        return min(limits, default=None)
