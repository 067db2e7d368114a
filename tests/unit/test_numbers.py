"""Numbers that are never used twice."""

import asyncio
from pathlib import Path

import pytest

from edge_service.durable import LocalDisk
from edge_service.errors import ConfigurationError, DiskFullError, OkngError
from edge_service.lifecycle import Backoff
from edge_service.station import Claim, Numbers, Reserve
from edge_service.station.numbers import BLOCK, FILE


class Disk(LocalDisk):
    """A disk that is full while ``room`` is False."""

    room = True

    def write(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
        """Write, or find no room."""
        if not self.room:
            raise DiskFullError("no room")
        super().write(path, data, mode=mode)


def test_each_start_has_a_new_boot_id_and_fresh_counters(tmp_path: Path) -> None:
    """What a run had reserved is never given again, used or not."""
    first, second = Numbers(tmp_path).claim(), Numbers(tmp_path).claim()
    assert first == Claim(1, 1, 1 + BLOCK)
    assert second == Claim(2, 1 + BLOCK, 1 + 2 * BLOCK)
    longer = Numbers(tmp_path).extend(second)
    assert longer.end == 1 + 3 * BLOCK
    assert Numbers(tmp_path).claim() == Claim(3, longer.end, longer.end + BLOCK)


def test_a_full_disk_refuses_the_start_and_leaves_the_file_whole(tmp_path: Path) -> None:
    """Without room nothing is claimed, and afterwards the numbers go on where they were."""
    disk = Disk()
    Numbers(tmp_path, disk).claim()
    disk.room = False
    with pytest.raises(DiskFullError):
        Numbers(tmp_path, disk).claim()
    disk.room = True
    assert Numbers(tmp_path, disk).claim().boot_id == 2


def test_a_broken_file_is_never_guessed_at(tmp_path: Path) -> None:
    """A file that cannot be read is an error with what to do, not a start from 1."""
    (tmp_path / FILE).write_text("{")
    with pytest.raises(ConfigurationError) as error:
        Numbers(tmp_path).claim()
    assert "reserved_to" in error.value.remedy


async def test_the_next_block_is_reserved_before_the_last_number_is_used(tmp_path: Path) -> None:
    """Half-way through a block the next is reserved, and inspections never wait for it."""
    numbers = Numbers(tmp_path)
    claim = numbers.claim()
    reserve = Reserve(numbers, claim)
    reports: asyncio.Queue[OkngError | None] = asyncio.Queue()
    task = asyncio.create_task(reserve.run(reports.put_nowait))
    reserve.used(claim.end - 3)
    assert reserve.used_up
    assert await reports.get() is None
    assert not reserve.used_up
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_full_disk_is_reported_and_tried_again(tmp_path: Path) -> None:
    """Each refusal is reported; once there is room the reserve fills up again by itself."""
    disk = Disk()
    numbers = Numbers(tmp_path, disk)
    claim = numbers.claim()
    reserve = Reserve(numbers, claim, Backoff(0.001, 0.001))
    reports: asyncio.Queue[OkngError | None] = asyncio.Queue()
    task = asyncio.create_task(reserve.run(reports.put_nowait))
    disk.room = False
    reserve.used(claim.end - 3)
    assert isinstance(await reports.get(), DiskFullError)
    assert reserve.used_up
    disk.room = True
    while await reports.get() is not None:
        pass
    assert not reserve.used_up
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
