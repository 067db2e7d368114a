"""The RTU server as a task, for the length of a block."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge_service.fieldbus.modbus_rtu import ModbusRtuServer


@asynccontextmanager
async def running(server: ModbusRtuServer) -> AsyncIterator[None]:
    """Let the server run."""
    task = asyncio.create_task(server.run(), name="rtu")
    listening = asyncio.create_task(server.listening.wait())
    try:
        await asyncio.wait({task, listening}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield
    finally:
        for each in (task, listening):
            each.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await each
