"""A disk that runs full."""

import errno
import os
from pathlib import Path

from edge_service.durable import LocalDisk, translated


class FullDisk:
    """Writes ``room`` files, then has no room left."""

    def __init__(self, room: int = 0) -> None:
        self.room = room

    def write(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """Write while there is room; then DiskFullError, as the real disk translates it."""
        if self.room <= 0:
            raise translated(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), path)
        self.room -= 1
        LocalDisk().write(path, data, mode=mode)
