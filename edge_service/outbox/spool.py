"""What the PLC was just told, written down before anything else is done about it.

Pictures are encoded and files are synced one inspection after the other; when the disk is slower than the
line, several wait in memory, and a kill would take them along. So each record's line is appended here first,
without sync: the kernel has it, and a killed process loses nothing of it (a power cut may). The next process
puts the lines that the queue does not know there, without pictures.

A safety net only: where it cannot be written, everything else goes on as if it was not there.
"""

import contextlib
import os
import threading
import time
from pathlib import Path

LARGEST = 64 * 1024  # bytes from which on the file is emptied as soon as everything in it is in the queue
_PATTERN = "spool-*.jsonl"


class Spool:
    """Lines in a file of this process's own in ``folder``. ``note`` and ``settled`` may share two threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / f"spool-{time.time_ns()}-{os.getpid()}.jsonl"
        self._lock = threading.Lock()
        self._file: int | None = None
        self._last, self._settled, self._size = "", "", 0

    def note(self, number: str, line: str) -> None:
        """Append the line of inspection ``number``."""
        with self._lock, contextlib.suppress(OSError):
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
            self._size += os.write(self._file, line.encode() + b"\n")
            self._last = number

    def settled(self, number: str) -> None:
        """Inspection ``number`` is in the queue or counted as lost, and so are all that came before it."""
        with self._lock, contextlib.suppress(OSError):
            self._settled = number
            if number == self._last and self._size > LARGEST and self._file is not None:
                os.ftruncate(self._file, 0)
                self._size = 0

    def left(self) -> list[str]:
        """Return the lines that earlier processes left, oldest first; a last one may be torn."""
        lines: list[str] = []
        for path in self._earlier():
            with contextlib.suppress(OSError):
                lines += path.read_text(errors="replace").splitlines()
        return lines

    def forget_left(self) -> None:
        """Remove what earlier processes left, once it is in the queue."""
        for path in self._earlier():
            with contextlib.suppress(OSError):
                path.unlink()

    def close(self) -> None:
        """Close the file; it goes when everything in it is in the queue."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None
                if self._settled == self._last:
                    self._path.unlink(missing_ok=True)

    def _earlier(self) -> list[Path]:
        return sorted(path for path in self._folder.glob(_PATTERN) if path != self._path)
