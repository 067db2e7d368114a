"""Masters that others wrote drive the station: pymodbus, mbpoll, libmodbus, modbus-serial, jsmodbus."""

import asyncio
import ctypes
import ctypes.util
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from pymodbus.client import AsyncModbusTcpClient

from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
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


def libmodbus() -> ctypes.CDLL:
    """Load libmodbus, or skip; with OKNG_REQUIRE_PEERS=1 it fails."""
    name = ctypes.util.find_library("modbus")
    if name is None and os.environ.get("OKNG_REQUIRE_PEERS") == "1":
        pytest.fail("libmodbus is not installed, and OKNG_REQUIRE_PEERS=1 asks for it")
    if name is None:
        pytest.skip("libmodbus is not installed (Debian: libmodbus5)")
    library = ctypes.CDLL(name)
    library.modbus_new_tcp.restype = ctypes.c_void_p
    return library


def drive(library: ctypes.CDLL, host: str, port: int, parts: int) -> list[tuple[int, int]]:
    """Inspect parts in sequence mode through libmodbus; return trigger sequence and verdict of each."""
    context = ctypes.c_void_p(library.modbus_new_tcp(host.encode(), port))
    words = (ctypes.c_uint16 * 120)()
    seen = []
    try:
        assert library.modbus_connect(context) == 0

        def write(*values: int) -> None:
            block = (ctypes.c_uint16 * len(values))(*values)
            assert library.modbus_write_registers(context, 0, len(values), block) == len(values)

        write(0, 0, 0, 0, 0)
        write(ENABLE, 0, 0, 0, 0)
        acknowledged = 0
        for sequence in range(1, parts + 1):
            write(ENABLE, 0, sequence, acknowledged, 0)
            while True:
                assert library.modbus_read_input_registers(context, 0, 120, words) == 120
                if words[0] & 0x0800 and words[11] == sequence and words[10] == words[63]:
                    break
            acknowledged = words[10]
            seen.append((words[11], words[13]))
            write(ENABLE, 0, sequence, acknowledged, 0)
        bits = (ctypes.c_uint8 * 32)()
        assert library.modbus_read_input_bits(context, 0, 32, bits) == 32
        assert library.modbus_read_registers(context, 36, 1, words) == -1
    finally:
        library.modbus_close(context)
        library.modbus_free(context)
    return seen


async def test_libmodbus_drives_parts():
    """libmodbus, the C library behind many masters, inspects 50 parts in sequence mode."""
    library = libmodbus()
    async with serving() as (host, port):
        seen = await asyncio.to_thread(drive, library, host, port, 50)
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
