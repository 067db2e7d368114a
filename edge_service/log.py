"""Structured logs on stderr: an event name plus key-values, one line each.

A terminal gets colours, anything else (journald, a file, a pipe) gets JSON. Call ``configure`` once
in a composition root; everybody else only does ``log = structlog.get_logger()`` and
``log.info("inspection", verdict="OK", score=0.31)``.
"""

import logging
import sys

import structlog


def configure(level: str = "info", *, json: bool | None = None) -> None:
    """Send structlog to stderr at ``level`` ("debug", "info", "warning", "error").

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
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
