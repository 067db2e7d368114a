"""Writing that survives a power cut: temporary file, fsync, rename.

``Disk`` is the seam through which the model store and the outbox touch the disk, so that tests can
fill it up or pull the plug between any two steps. ``LocalDisk`` is the real one::

    LocalDisk().write(Path("active.json"), b"{}")   # whole and on the platter, or not there at all
"""

import errno
import os
import secrets
from pathlib import Path
from typing import Protocol

from edge_service.errors import ConfigurationError, DiskFullError, OkngError
from edge_service.language import say

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Disk(Protocol):
    """What changes a disk: whole, or not at all."""

    def write(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """Put ``data`` at ``path``, replacing what was there. Raises DiskFullError, ConfigurationError."""
        ...


class LocalDisk:
    """The real disk."""

    def write(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """Write beside ``path``, fsync, and rename over it; the folder is made where it is missing."""
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                _write_and_sync(temporary, data, mode)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
            sync_folder(path.parent)
        except OSError as error:
            raise translated(error, path) from error


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def translated(error: OSError, path: Path) -> OkngError:
    """Say what an OSError while writing ``path`` means and what to do about it."""
    if error.errno in _NO_ROOM:
        return DiskFullError(
            say(f"no room on the disk to write {path}", f"磁盘空间不足，无法写入 {path}"),
            remedy=say(
                "free some space (df -h shows where it went), then try again",
                "请释放磁盘空间（df -h 可查看占用），然后重试",
            ),
        )
    return ConfigurationError(
        say(f"cannot write {path}: {error.strerror}", f"无法写入 {path}：{error.strerror}"),
        remedy=say(
            "check that the folder exists and belongs to the user the station runs as",
            "请检查该目录是否存在，以及是否属于运行本站的用户",
        ),
    )


def _write_and_sync(path: Path, data: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
