"""Logs that garbage on a wire cannot flood: a few lines a minute for each event, then a count."""

from collections.abc import Callable

import structlog

_WINDOW_S = 60.0
_LINES = 5

log = structlog.get_logger()


class QuietLog:
    """Warns at most five times a minute per event; the first line afterwards says how many were left out."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}  # event -> window's start, lines asked for in it

    def warning(self, event: str, **facts: object) -> None:
        """Log a warning, or only count it."""
        now = self._clock()
        start, asked = self._windows.get(event, (now, 0))
        if now - start >= _WINDOW_S:
            left_out = max(0, asked - _LINES)
            facts = facts | {"left_out": left_out} if left_out else facts
            start, asked = now, 0
        self._windows[event] = (start, asked + 1)
        if asked < _LINES:
            log.warning(event, **facts)
