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
    """Append a line, with the time in UTC."""
    line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, **facts})
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{line}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        log.warning("history_not_written", folder=str(folder), reason=error.strerror)


def read(folder: Path) -> list[Mapping[str, Any]]:
    """Return every line that can be read, oldest first."""
    try:
        lines = (folder / FILE).read_text("utf-8", errors="replace").splitlines()
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
