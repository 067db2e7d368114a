"""What clients may cost, and the brake that holds one connection to it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The section ``gateway.opcua.limits``, and what is not worth a key."""

    connections: int = 60
    connections_per_address: int = 20
    sessions: int = 30
    subscriptions: int = 10
    monitored_items: int = 2_000
    publishing_ms: int = 50
    operations_per_request: int = 1_000
    calls_per_request: int = 50
    operations_per_s: int = 5_000
    message_kib: int = 512
    chunk_bytes: int = 65_535
    activation_s: float = 10.0  # a connection without an activated session is closed
    unread_s: float = 15.0  # a client that reads nothing for so long is closed
    unread_bytes: int = 1 << 20
    session_timeout_ms: int = 600_000
    event_queue: int = 1_000
    value_queue: int = 100


class Brake:
    """A bucket of operations that fills at ``per_s``; ``spend`` says how long to wait."""

    def __init__(self, per_s: float, clock: Callable[[], float]) -> None:
        self._per_s, self._clock = per_s, clock
        self._left, self._at = per_s, clock()

    def spend(self, operations: int) -> float:
        """Take that many operations; return the seconds to wait before they may be done."""
        now = self._clock()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        self._left -= operations
        return max(0.0, -self._left / self._per_s)
