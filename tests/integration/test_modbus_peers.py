"""Masters that others wrote drive the station: pymodbus, mbpoll, libmodbus, pyModbusTCP and two of npm."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pyModbusTCP.client import ModbusClient

from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from tests.support.libmodbus import LibModbus
from tests.support.machine_station import MachineStation
from tests.support.node_peer import run_node

ENABLE = 0x0025


@asynccontextmanager
async def serving() -> AsyncIterator[tuple[str, int]]:
    """Serve a station on a free port."""
    settings = ModbusTcpSettings(host="127.0.0.1", port=0)
    async with MachineStation() as station, ModbusTcpServer(settings, Memory(station)) as server:
        yield server.socket_address()


async def test_pymodbus_uses_every_function():
    """The client of pymodbus reads, writes, masks and identifies."""
    async with serving() as (host, port):
        client = AsyncModbusTcpClient(host, port=port)
        assert await client.connect()
        try:
            assert not (await client.write_registers(0, [0, 0, 0, 0, 0, 7])).isError()
            assert (await client.read_holding_registers(5, count=1)).registers == [7]
            assert (await client.read_input_registers(98, count=2)).registers == [0x0102, 0x0304]
            assert not (await client.write_coil(6, value=True)).isError()
            assert not (await client.write_coils(16, [True, False, True])).isError()
            assert (await client.read_coils(0, count=20)).bits[:20][6] is True
            assert (await client.read_discrete_inputs(7, count=1)).bits[0] is True
            assert not (
                await client.mask_write_register(address=5, and_mask=0x00F0, or_mask=0x0001)
            ).isError()
            both = await client.readwrite_registers(
                read_address=5, read_count=1, write_address=8, values=[1, 2, 3, 4]
            )
            assert both.registers == [1]
            identity = await client.read_device_information(read_code=2)
            assert identity.information[0] == b"okng"
            refused = await client.read_holding_registers(36, count=1)
            assert (refused.isError(), refused.exception_code) == (True, 2)
        finally:
            client.close()


async def mbpoll(
    path: str, address: tuple[str, int], table: int, first: int, *values: int, count: int = 1
) -> str:
    """Run mbpoll once: write the values from register ``first`` (counted from 1) on, or read ``count``."""
    host, port = address
    what = [f"-t{table}", f"-r{first}", *([] if values else [f"-c{count}"])]
    process = await asyncio.create_subprocess_exec(
        *(path, "-1", "-q", "-m", "tcp", "-p", str(port), "-a", "1", *what, host, *map(str, values)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    text = output.decode(errors="replace")
    assert process.returncode == 0, text
    return text


def registers(text: str) -> list[int]:
    """Return the values that mbpoll printed."""
    return [int(value) for value in re.findall(r"^\[\d+\]:\s+(\d+)", text, re.MULTILINE)]


async def test_mbpoll_drives_a_part_by_hand(require_program: Callable[[str], str]):
    """Debian's mbpoll enables, triggers, reads the result and takes it, as the tutorial shows."""
    path = require_program("mbpoll")
    async with serving() as address:
        await mbpoll(path, address, 4, 1, 0, 0, 0, 0, 0)
        await mbpoll(path, address, 4, 1, ENABLE, 0, 0, 0, 0)
        await mbpoll(path, address, 4, 3, 1)
        record = registers(await mbpoll(path, address, 3, 1, count=16))
        assert (record[4], record[11], record[13]) == (1, 1, 1), "accepted, its own record, OK"
        assert record[0] & 0x0800, "ResultsValid"
        await mbpoll(path, address, 4, 4, record[10])
        status = registers(await mbpoll(path, address, 3, 1))
        assert not status[0] & 0x0800
        bits = await mbpoll(path, address, 1, 1, count=32)
        assert re.search(r"^\[8\]:\s+1", bits, re.MULTILINE), "Online as a discrete input"


async def test_libmodbus_drives_parts():
    """libmodbus, the C library behind many masters, inspects 50 parts in sequence mode."""
    library = LibModbus.load()
    async with serving() as (host, port):
        seen = await asyncio.to_thread(library.drive, library.tcp(host, port), 50)
    assert seen == [(sequence, 1) for sequence in range(1, 51)]


@pytest.mark.parametrize("package", ["modbus-serial", "jsmodbus"])
async def test_node_masters_drive_parts(package: str, require_node: Callable[[str], str]):
    """The masters behind Node-RED and many gateways inspect 20 parts and see the right exception."""
    node = require_node(package)
    async with serving() as (host, port):
        script = package.replace("-", "_") + "_tcp.mjs"
        (facts,) = await run_node(node, script, host, str(port), "20")
    assert facts["seen"] == [{"sequence": n, "id": n, "verdict": 1} for n in range(1, 21)]
    assert facts["refused"] == 2


def simple(host: str, port: int) -> tuple[object, ...]:
    """Use pyModbusTCP, a master of many scripts."""
    client = ModbusClient(host=host, port=port, unit_id=1, auto_open=True, timeout=5.0)
    assert client.write_multiple_registers(0, [0, 0, 0, 0, 7])
    assert client.write_single_coil(6, bit_value=True)
    words, texts = client.read_holding_registers(0, 5), client.read_input_registers(97, 1)
    bits = client.read_discrete_inputs(7, 1)
    refused = client.read_holding_registers(36, 1)
    found = (words, texts, bits, refused, client.last_except)
    client.close()
    return found


async def test_pymodbustcp_reads_and_writes():
    """The pyModbusTCP client sees registers, bits and the right exception."""
    async with serving() as (host, port):
        found = await asyncio.to_thread(simple, host, port)
    assert found == ([0x0040, 0, 0, 0, 7], [0x4142], [True], None, 2)
