"""A part each so many milliseconds, unasked: for a conveyor that never stops, and for trials."""

import asyncio
from contextlib import suppress

from edge_service.domain.inspection import TriggerSource
from edge_service.errors import RefusedError
from edge_service.station import Station


async def trigger_each(station: Station, interval_s: float) -> None:
    """Trigger until cancelled; one that is not taken counts as missed, as any other."""
    loop = asyncio.get_running_loop()
    due = loop.time()
    while True:
        due = max(due + interval_s, loop.time())
        await asyncio.sleep(due - loop.time())
        with suppress(RefusedError):
            station.operations.begin(TriggerSource.INTERVAL)
