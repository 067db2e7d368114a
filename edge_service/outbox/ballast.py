"""Room kept in reserve for the moment the disk is full."""

import os
from pathlib import Path


class Ballast:
    """A file that is nothing but room: given up when the disk is full, so that giving up can be written."""

    BYTES = 4 << 20

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> None:
        """Take the room, where there is some; a disk that has none is no reason to stop."""
        try:
            with self._path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self.BYTES)
        except OSError:
            self._path.unlink(missing_ok=True)

    def throw(self) -> None:
        """Give the room back."""
        self._path.unlink(missing_ok=True)
