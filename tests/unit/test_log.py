"""The log: whole lines, whoever else writes to the same place, and nobody waits for its reader."""

import contextlib
import json
import threading

import pytest
import structlog

from edge_service import log


class Recorder:
    """A file that remembers each write; while ``blocked`` it takes none."""

    def __init__(self) -> None:
        self.writes: list[str] = []
        self.blocked = threading.Event()
        self.blocked.set()

    def write(self, text: str) -> int:
        """Take a text."""
        assert self.blocked.wait(10)
        self.writes.append(text)
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def isatty(self) -> bool:
        """It is no terminal."""
        return False


def test_a_line_is_one_write() -> None:
    """Core and gateway share a stderr: half a line would let the other's come between."""
    recorder = Recorder()
    with contextlib.redirect_stderr(recorder), log.configure_for("info", "json"):
        structlog.get_logger().info("first", number=1)
        structlog.get_logger().info("second")
    structlog.reset_defaults()
    assert [json.loads(text)["event"] for text in recorder.writes] == ["first", "second"]
    assert all(text.endswith("\n") for text in recorder.writes)


def test_what_nobody_reads_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one who logs never waits; the reader is told how many lines it missed."""
    monkeypatch.setattr(log, "WAITING", 5)
    recorder = Recorder()
    recorder.blocked.clear()
    with contextlib.redirect_stderr(recorder), log.configure_for("info", "json"):
        for number in range(20):
            structlog.get_logger().info("line", number=number)
        recorder.blocked.set()
    structlog.reset_defaults()
    told = [json.loads(text) for text in recorder.writes]
    (dropped,) = [line["lines"] for line in told if line["event"] == "log_lines_dropped"]
    assert dropped + sum(line["event"] == "line" for line in told) == 20
