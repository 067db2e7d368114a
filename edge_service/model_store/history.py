"""What happened to the models of one name, a line of JSON each: who changed what, when and why.

A history is for people: where it cannot be written, the change itself stands all the same.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger()

FILE = ".history.jsonl"


def note(folder: Path, event: str, **facts: Any) -> None:
    """Append a line to the history in a model's folder, with the time in UTC."""
    note_in(folder / FILE, event, **facts)


def read(folder: Path) -> list[Mapping[str, Any]]:
    """Return every line that can be read of the history in a model's folder, oldest first."""
    return read_from(folder / FILE)


def note_in(file: Path, event: str, **facts: Any) -> None:
    """Append a line to ``file``."""
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, **facts})
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{line}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        log.warning("history_not_written", file=str(file), reason=error.strerror)


def read_from(file: Path) -> list[Mapping[str, Any]]:
    """Return every line that can be read, oldest first."""
    try:
        lines = file.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found: list[Mapping[str, Any]] = []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:  # a power cut in the middle of a line
            continue
        if isinstance(entry, dict):
            found.append(entry)
    return found
