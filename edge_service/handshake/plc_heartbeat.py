"""Is the PLC's program alive? Its heartbeat register must keep changing."""

from edge_service.handshake.settings import HeartbeatWatch


class PlcHeartbeat:
    """Watches PLC_HEARTBEAT. ``auto`` starts with the first change, ``required`` at once."""

    def __init__(self, watch: HeartbeatWatch, timeout_s: float) -> None:
        self._watch = watch
        self._timeout_s = timeout_s
        self._value: int | None = None
        self._changed_at: float | None = None
        self.lost = watch is HeartbeatWatch.REQUIRED

    def seen(self, value: int, now: float) -> None:
        """Take the register's value after a write; the first one is only the baseline."""
        if self._value is not None and value != self._value and self._watch is not HeartbeatWatch.OFF:
            self._changed_at = now
            self.lost = False
        self._value = value

    def expire(self, now: float) -> None:
        """Declare the PLC lost when its heartbeat stood still too long."""
        if (deadline := self.deadline) is not None and now >= deadline:
            self.lost = True

    @property
    def deadline(self) -> float | None:
        """When to call ``expire``."""
        if self.lost or self._changed_at is None:
            return None
        return self._changed_at + self._timeout_s
