"""A station of the real machine behind the real Modbus servers, its heart beating: for a PLC's side."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_rtu import ModbusRtuServer, ModbusRtuSettings
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.fieldbus.registers import Orders
from tests.support.machine_station import MachineStation
from tests.support.waiting import until

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


@contextlib.asynccontextmanager
async def serving_rtu(
    station: MachineStation, require_program: Callable[[str], str], folder: Path
) -> AsyncIterator[str]:
    """Serve the station on one end of socat's pair of pseudo-terminals; give the other end's name."""
    ours, theirs = folder / "station", folder / "plc"
    bridge = await asyncio.create_subprocess_exec(
        require_program("socat"), *(f"PTY,link={end},raw,echo=0" for end in (ours, theirs))
    )
    try:
        await until(lambda: ours.exists() and theirs.exists())
        server = ModbusRtuServer(ModbusRtuSettings(str(ours), 115_200), Memory(station))
        async with station, beating(station):
            serve = asyncio.create_task(server.run(), name="rtu")
            await server.listening.wait()
            yield str(theirs)
            serve.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serve
    finally:
        bridge.terminate()
        await bridge.wait()
