"""Numbers that are never used twice, whatever dies: the boot id and the 64-bit inspection counter.

Both stand in one small file, written whole (temporary file, fsync, rename). The counter is reserved in
blocks of 1,000 ahead of its use, so no inspection ever waits for the disk; what a killed process had
reserved and not used is skipped, and the gap shows that it was.

A full disk has a defined answer. At the start: the station refuses to start, for it could not promise
unique numbers. Later: it judges on within its reserved block while error 501 shows, and takes no more
parts once the block is used up, until there is room again.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from edge_service.durable import Disk, LocalDisk
from edge_service.errors import ConfigurationError
from edge_service.language import say

BLOCK = 1_000
FILE = "numbers.json"


@dataclass(frozen=True, slots=True)
class Claim:
    """What this run may use: its boot id and the counters from ``first`` up to, not with, ``end``."""

    boot_id: int
    first: int
    end: int


class Numbers:
    """The file of numbers in the station's data folder; its methods block (a few fsyncs)."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self._path = folder / FILE
        self._disk = disk or LocalDisk()

    def claim(self) -> Claim:
        """Step the boot id on and reserve the first block. Raises DiskFullError, ConfigurationError."""
        boot_id, end = self._read()
        claim = Claim(boot_id + 1, end, end + BLOCK)
        self._write(claim)
        return claim

    def extend(self, claim: Claim) -> Claim:
        """Reserve one more block behind ``claim``. Raises DiskFullError; then ``claim`` stands."""
        longer = Claim(claim.boot_id, claim.first, claim.end + BLOCK)
        self._write(longer)
        return longer

    def _write(self, claim: Claim) -> None:
        document = {"boot_id": claim.boot_id, "reserved_to": claim.end}
        self._disk.write(self._path, json.dumps(document).encode())

    def _read(self) -> tuple[int, int]:
        try:
            document = json.loads(self._path.read_bytes())
            boot_id, end = int(document["boot_id"]), int(document["reserved_to"])
        except FileNotFoundError:
            return 0, 1
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                say(f"{self._path} cannot be read: {error}", f"无法读取 {self._path}：{error}"),
                remedy=say(
                    "restore it from a backup, or write numbers larger than any the server has of this "
                    'station: {"boot_id": N, "reserved_to": M}',
                    '请从备份恢复，或写入大于服务器已有记录的编号：{"boot_id": N, "reserved_to": M}',
                ),
            ) from error
        return boot_id, end
