"""Structured logs on stderr: an event name plus key-values, one line each.

A terminal gets colours, anything else (journald, a file, a pipe) gets JSON. Call ``configure`` once
in a composition root; everybody else only does ``log = structlog.get_logger()`` and
``log.info("inspection", verdict="OK", score=0.31)``.
"""

import logging
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

import structlog

WAITING = 10_000  # lines for a slow reader of the log; beyond it lines are dropped and counted


def configure(level: str = "info", *, json: bool | None = None, to: TextIO | None = None) -> None:
    """Send structlog to stderr, or ``to``, at ``level`` ("debug", "info", "warning", "error").

    ``json`` None means JSON unless stderr is a terminal.
    """
    as_json = not sys.stderr.isatty() if json is None else json
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(to or sys.stderr),  # a line is one write
    )


@contextmanager
def configure_for(level: str, form: str) -> Iterator[None]:
    """Log as the ``log`` section of a configuration says, on a thread of its own, until the end.

    A process that answers a PLC must not wait because nobody reads its stderr: lines go to a bounded
    queue, and what does not fit is dropped and counted.
    """
    json = None if form == "auto" else form == "json"
    writer = _Writer(sys.stderr)
    configure(level, json=json, to=writer)  # type: ignore[arg-type]  # all that structlog calls is there
    try:
        yield
    finally:
        configure(level, json=json)
        writer.close()


class _Writer:
    """A file to write to without waiting."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._lines: queue.Queue[str | None] = queue.Queue(WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._turn, name="log", daemon=True)
        self._thread.start()

    def write(self, text: str) -> int:
        try:
            self._lines.put_nowait(text)
        except queue.Full:
            self._dropped += 1
        return len(text)

    def flush(self) -> None:
        """Nothing to do: the thread flushes."""

    def close(self) -> None:
        """Write what waits, for at most two seconds."""
        try:
            self._lines.put(None, timeout=1.0)
        except queue.Full:
            return
        self._thread.join(2.0)

    def _turn(self) -> None:
        while (text := self._lines.get()) is not None:
            try:
                self._file.write(text)
                if self._dropped:
                    dropped, self._dropped = self._dropped, 0
                    self._file.write(f'{{"event": "log_lines_dropped", "lines": {dropped}}}\n')
                self._file.flush()
            except (OSError, ValueError):  # the reader is gone: keep the station running
                continue
