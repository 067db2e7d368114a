"""What a box knows of its training server once it is enrolled: address, token, the key that signs models.

One file in the data folder, readable by its owner alone, written whole. The command line writes it, core
and gateway read it; none of them needs a restart for it::

    EnrolmentFile(path).write(Enrolment(url="https://server:8443", token="...", station="line-1", ...))
    enrolment = EnrolmentFile(path).read()     # None: this box is not enrolled
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from edge_service.durable import Disk, LocalDisk
from edge_service.errors import ConfigurationError
from edge_service.language import say

_MOST_BYTES = 64 * 1024


class Enrolment(BaseModel):
    """The file's content. ``token`` is a secret: it is never logged and never shown."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    url: str
    token: str
    station: str
    key_id: str
    server: str = ""

    def __repr__(self) -> str:
        return f"Enrolment(url={self.url!r}, station={self.station!r}, token=...)"

    __str__ = __repr__


class EnrolmentFile:
    """Reads and writes the file at ``path``."""

    def __init__(self, path: Path, disk: Disk | None = None) -> None:
        self.path, self._disk = path, disk or LocalDisk()

    def exists(self) -> bool:
        """Whether this box is enrolled."""
        return self.path.exists()

    def stamp(self) -> tuple[int, int] | None:
        """Return what changes whenever the file does; None while there is none."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns

    def read(self) -> Enrolment | None:
        """Return the enrolment, None where there is none. Raises ConfigurationError: unreadable."""
        try:
            with self.path.open("rb") as file:
                return Enrolment.model_validate_json(file.read(_MOST_BYTES))
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            reason = error.strerror if isinstance(error, OSError) else say("damaged", "已损坏")
            raise ConfigurationError(
                say(f"{self.path} cannot be read: {reason}", f"无法读取 {self.path}：{reason}"),
                remedy=say(
                    "it must belong to the user the station runs as; else: okng-edge enrol URL CODE",
                    "文件须归运行工位的用户所有；或重新注册：okng-edge enrol URL CODE",
                ),
            ) from error

    def write(self, enrolment: Enrolment) -> None:
        """Keep the enrolment, mode 0600. Raises DiskFullError, ConfigurationError."""
        self._disk.write(self.path, enrolment.model_dump_json(indent=2).encode() + b"\n", mode=0o600)

    def remove(self) -> bool:
        """Forget the server; return whether there was one."""
        there = self.path.exists()
        self.path.unlink(missing_ok=True)
        return there
