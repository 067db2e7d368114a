"""Eight readers beside a PLC that never pauses, at the real inspection loop (20,000 parts: benchmarks)."""

import asyncio
from pathlib import Path

from tests.support.crowd import READERS, drive, fast_station, watch

PARTS = 400


async def test_nothing_torn_lost_or_doubled(tmp_path: Path):
    """Each part gets its own record, once and in order; every snapshot of every reader is of one piece."""
    stop = asyncio.Event()
    async with fast_station(tmp_path) as (address, counters), asyncio.TaskGroup() as group:
        watchers = [group.create_task(watch(address, f"127.0.0.{i + 2}", stop)) for i in range(READERS)]
        await drive(address, PARTS)
        stop.set()
    assert counters == list(range(counters[0], counters[0] + PARTS))
    assert all(task.result()[1] for task in watchers)
