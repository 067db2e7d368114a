"""The folder of pictures: a file is there whole or not at all, power cut or not.

The core alone writes; both processes remove. A file whose row never came (the process died between the
two) is an orphan, and the core removes it at its next start.
"""

from collections.abc import Container
from pathlib import Path

from edge_service.durable import Disk, LocalDisk, translated


class PictureFolder:
    """Files by plain name below one folder."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.folder, self._disk = folder, disk or LocalDisk()

    def save(self, name: str, data: bytes) -> None:
        """Write a whole file. Raises DiskFullError, ConfigurationError; leaves no rest then."""
        self._disk.write(self.folder / name, data)

    def read(self, name: str) -> bytes:
        """Return the file's bytes. Raises OSError."""
        return (self.folder / name).read_bytes()

    def remove(self, name: str) -> None:
        """Remove the file; it may be gone already. Raises ConfigurationError: not allowed."""
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise translated(error, self.folder / name) from error

    def sweep(self, wanted: Container[str]) -> int:
        """Remove every file that is not ``wanted``, unfinished ones included; return how many."""
        entries = list(self.folder.iterdir()) if self.folder.is_dir() else []
        strays = [entry for entry in entries if entry.name not in wanted]
        for entry in strays:
            self.remove(entry.name)
        return len(strays)
