"""Errors and warnings of the station: errors wait for ClearError, warnings clear themselves."""

from edge_service.domain.codes import Severity, severity


class Conditions:
    """What is wrong now. Times are not needed: the order of raising is the order of age."""

    def __init__(self) -> None:
        self._active: dict[int, bool] = {}  # error code -> the cause is still there
        self._acknowledged: set[int] = set()
        self._warnings: dict[int, None] = {}

    def raise_(self, code: int, *, lasting: bool = True) -> None:
        """Note an error or warning; an error that is not ``lasting`` has its cause gone already."""
        if severity(code) is Severity.WARNING:
            self._warnings.setdefault(code)
            return
        self._active[code] = lasting
        self._acknowledged.discard(code)

    def gone(self, code: int) -> None:
        """Note that the cause is gone: a warning goes with it, an error once it was acknowledged."""
        self._warnings.pop(code, None)
        if code in self._active:
            self._active[code] = False
            self._sweep()

    def set(self, code: int, *, on: bool) -> None:
        """Make the condition's presence equal to ``on``; nothing happens where it is already."""
        if on and not self.present(code):
            self.raise_(code)
        elif not on and self.present(code):
            self.gone(code)

    @property
    def errors(self) -> tuple[int, ...]:
        """Every uncleared error, the oldest first."""
        return tuple(self._active)

    @property
    def warnings(self) -> tuple[int, ...]:
        """Every active warning, the oldest first."""
        return tuple(self._warnings)

    def present(self, code: int) -> bool:
        """Whether the cause is there now."""
        return code in self._warnings or self._active.get(code, False)

    def clear_errors(self) -> None:
        """ClearError: errors whose cause is gone vanish, the others once it is."""
        self._acknowledged.update(self._active)
        self._sweep()

    @property
    def error_code(self) -> int:
        """The most severe uncleared error, the oldest of equals; 0 = none."""
        return max(self._active, key=severity, default=0)

    @property
    def warning_code(self) -> int:
        """The oldest active warning; 0 = none."""
        return next(iter(self._warnings), 0)

    @property
    def blocking(self) -> bool:
        """An uncleared error forbids judging."""
        return any(severity(code) is Severity.BLOCKING for code in self._active)

    def _sweep(self) -> None:
        done = [code for code, lasting in self._active.items() if not lasting and code in self._acknowledged]
        for code in done:
            del self._active[code]
            self._acknowledged.discard(code)
