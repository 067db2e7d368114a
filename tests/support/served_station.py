"""A station of the real machine behind the real Modbus/TCP server, its heart beating: for a PLC's side."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.fieldbus.registers import Orders
from tests.support.machine_station import MachineStation

BEAT_S = 0.02


@contextlib.asynccontextmanager
async def beating(station: MachineStation) -> AsyncIterator[None]:
    """Let the station's heart beat."""
    task = asyncio.create_task(_beat(station), name="station heartbeat")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def serving(
    station: MachineStation, port: int = 0, orders: Orders | None = None
) -> AsyncIterator[tuple[str, int]]:
    """Serve the station, its heart beating; give host and port."""
    settings = ModbusTcpSettings(host="127.0.0.1", port=port, orders=orders or Orders())
    async with station, ModbusTcpServer(settings, Memory(station)) as server, beating(station):
        yield server.socket_address()


async def _beat(station: MachineStation) -> None:
    while True:
        station.machine.beat()
        await asyncio.sleep(BEAT_S)
