"""A folder of files named by what is in them: ``ab/abcdef...``, whole and on the platter, or not there.

::

    incoming = blobs.incoming()
    for chunk in body:
        incoming.write(chunk)
    incoming.keep()                  # fsync, rename; incoming.sha256 is its name from now on

The folder leaves ``keep_free_bytes`` of the disk to the database and to everybody else: beyond it, every
``incoming`` ends with DiskFullError.
"""

import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_service.durable import sync_folder, translated
from edge_service.errors import DiskFullError
from edge_service.language import say

_CHUNK = 256 * 1024
_LEFT_BEHIND_S = 24 * 3600


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class BlobFolder:
    """The folder. Any number of processes may share it: a name means the same bytes for all of them."""

    def __init__(
        self, root: Path, *, keep_free_bytes: int = 0, free_bytes: Callable[[Path], int] = _free_bytes
    ) -> None:
        self._root, self._incoming = root, root / "incoming"
        self._keep_free_bytes, self._free_bytes = keep_free_bytes, free_bytes
        try:
            self._incoming.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise translated(error, self._incoming) from error
        self._sweep()

    def incoming(self) -> "Incoming":
        """Return a new file to write to. Raises DiskFullError."""
        free = self._free_bytes(self._root)
        if free < self._keep_free_bytes:
            raise DiskFullError(
                say(
                    f"only {free // 2**20} MiB are free on the disk of {self._root}",
                    f"{self._root} 所在磁盘仅剩 {free // 2**20} MiB",
                ),
                remedy=say(
                    "free some space (df -h shows where it went); boxes keep what they have and try again",
                    "请释放磁盘空间（df -h 可查看占用）；边缘机会保留数据并自动重试",
                ),
            )
        return Incoming(self._incoming / f"{secrets.token_hex(8)}.tmp", self.path)

    def put(self, data: bytes) -> str:
        """Keep ``data``; return its SHA-256. Raises DiskFullError."""
        with self.incoming() as incoming:
            incoming.write(data)
            incoming.keep()
        return incoming.sha256

    def path(self, sha256: str) -> Path:
        """Return where the file of this name lies, or would."""
        return self._root / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Tell whether it is there."""
        return self.path(sha256).exists()

    def size(self, sha256: str) -> int:
        """Return its length in bytes. Raises FileNotFoundError."""
        return self.path(sha256).stat().st_size

    def read(self, sha256: str) -> bytes:
        """Return all of it. Raises FileNotFoundError."""
        return self.path(sha256).read_bytes()

    def chunks(self, sha256: str, start: int, length: int) -> Iterator[bytes]:
        """Yield ``length`` bytes from ``start`` on, a piece at a time."""
        with self.path(sha256).open("rb") as file:
            file.seek(start)
            while length > 0 and (chunk := file.read(min(_CHUNK, length))):
                length -= len(chunk)
                yield chunk

    def _sweep(self) -> None:
        """Remove what a killed process left half written a day ago."""
        for path in self._incoming.glob("*.tmp"):
            if time.time() - path.stat().st_mtime > _LEFT_BEHIND_S:
                path.unlink(missing_ok=True)


class Incoming:
    """A file that is being written: kept at the end, or gone. ``size`` and ``sha256`` of what came so far."""

    def __init__(self, path: Path, place: Callable[[str], Path]) -> None:
        self.path = path
        self._place = place
        self._digest = hashlib.sha256()
        self.size = 0
        try:
            self._file = path.open("xb")
        except OSError as error:
            raise translated(error, path) from error

    @property
    def sha256(self) -> str:
        """SHA-256 (hex) of what came so far."""
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Add a piece. Raises DiskFullError."""
        self._digest.update(chunk)
        self.size += len(chunk)
        try:
            self._file.write(chunk)
        except OSError as error:
            raise translated(error, self.path) from error

    def flush(self) -> None:
        """Let others read what came so far at ``path``. Raises DiskFullError."""
        try:
            self._file.flush()
        except OSError as error:
            raise translated(error, self.path) from error

    def keep(self) -> None:
        """Put the file under its name, where it survives a power cut. Raises DiskFullError."""
        place = self._place(self.sha256)
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            if not place.parent.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                sync_folder(place.parent.parent)
            self.path.replace(place)
            sync_folder(place.parent)
        except OSError as error:
            raise translated(error, place) from error

    def close(self) -> None:
        """Drop it unless it was kept."""
        try:
            self._file.close()
        except OSError:  # what could not be flushed goes with the file
            pass
        finally:
            self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
