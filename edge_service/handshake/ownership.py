"""One writer: who raised TriggerEnable owns the command block until TriggerEnable 0 or long silence."""

from edge_service.errors import NotOwnerError
from edge_service.language import say


class Ownership:
    """Who may write holding registers 0-35. A writer is an address or a port's name, not a socket."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._heard_at = 0.0
        self._last_owner: str | None = None
        self._refused_at: float | None = None
        self.owner: str | None = None

    def check(self, writer: str, now: float) -> None:
        """Raise NotOwnerError when somebody else owns the registers."""
        if self.owner is not None and writer != self.owner:
            self._refused_at = now
            raise NotOwnerError(
                say(
                    f"{writer} may not write: {self.owner} owns the registers",
                    f"{writer} 不可写入：寄存器由 {self.owner} 占用",
                ),
                remedy=say(
                    "let only one PLC write, or write TriggerEnable 0 from the owner first",
                    "只允许一个 PLC 写入，或先由占用者写 TriggerEnable 0",
                ),
            )
        self.heard(writer, now)

    def heard(self, writer: str, now: float) -> None:
        """Note a sign of life; any request of the owner counts, reads too."""
        if writer == self.owner:
            self._heard_at = now

    def settle(self, writer: str, *, enabled: bool, now: float) -> bool:
        """Give or free the registers after a write; return True when another writer took over."""
        if not enabled:
            self.owner = None
            self._last_owner = None
            return False
        if self.owner is not None:
            return False
        took_over = self._last_owner is not None and self._last_owner != writer
        self.owner = self._last_owner = writer
        self._heard_at = now
        return took_over

    def expire(self, now: float) -> None:
        """Free the registers of a silent owner, and forget an old refusal."""
        if self.owner is not None and now >= self._heard_at + self._timeout_s:
            self.owner = None
        if self._refused_at is not None and now >= self._refused_at + self._timeout_s:
            self._refused_at = None

    @property
    def second_writer(self) -> bool:
        """Somebody else tried to write lately."""
        return self._refused_at is not None

    @property
    def deadline(self) -> float | None:
        """When to call ``expire``."""
        times = [self._refused_at, self._heard_at if self.owner is not None else None]
        return min((time + self._timeout_s for time in times if time is not None), default=None)
