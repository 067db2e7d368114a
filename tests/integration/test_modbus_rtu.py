"""The RTU server on a line of pseudo-terminals: its own requests, other stations', noise, and peers."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import minimalmodbus
import pytest
import serial
from structlog.testing import capture_logs

from edge_service.domain.signals import BY_NAME
from edge_service.errors import ConfigurationError
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_rtu import ModbusRtuServer, ModbusRtuSettings
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.fieldbus.registers import Orders, WordOrder
from edge_service.fieldbus.rtu_frames import framed
from tests.support.libmodbus import LibModbus
from tests.support.machine_station import MachineStation
from tests.support.modbus_raw import RawMaster, read, words_of, write
from tests.support.node_peer import run_node
from tests.support.rtu_line import RtuLine, request, words_in
from tests.support.rtu_server import running
from tests.support.waiting import until

ENABLE = 0x0025
VERSION = read(96, 1, 4)
VERSION_REPLY = bytes.fromhex("04020001")


@asynccontextmanager
async def serving(**changes: object) -> AsyncIterator[RtuLine]:
    """Serve a station on a line; unit 1, 115200 baud."""
    async with MachineStation() as station, RtuLine() as line:
        settings = replace(ModbusRtuSettings(line.device, 115200), **changes)
        async with running(ModbusRtuServer(settings, Memory(station))):
            yield line


async def test_functions_and_exceptions():
    """Reads, writes and mistakes are answered as over TCP, with the station's own unit and CRC."""
    async with serving() as line:
        assert await line.ask(VERSION) == VERSION_REPLY
        assert await line.ask(write(0, 0, 0, 3)) == bytes.fromhex("1000000003")
        assert words_in(await line.ask(read(0, 3))) == (0, 0, 3)
        assert await line.ask(bytes.fromhex("05 0006 ff00")) == bytes.fromhex("05 0006 ff00")
        assert await line.ask(bytes.fromhex("16 0007 00f8 0002")) == bytes.fromhex("16 0007 00f8 0002")
        assert words_in(await line.ask(bytes.fromhex("17 0007 0002 0008 0001 02 abcd"))) == (2, 0xABCD)
        assert len(words_in(await line.ask(read(0, 120, 4)))) == 120
        assert await line.ask(read(36, 1)) == bytes.fromhex("8302")
        assert await line.ask(read(0, 126)) == bytes.fromhex("8303")
        assert await line.ask(bytes.fromhex("06 03e8 0001")) == bytes.fromhex("8602")
        assert await line.ask(b"\x63") == bytes.fromhex("e301")
        assert await line.ask(read(0, 1) + b"\x00") == bytes.fromhex("8303")


async def test_only_our_unit_is_answered():
    """Other units, their replies and broadcasts get no byte from us; then our request is answered."""
    async with serving(unit_id=7) as line:
        line.put(request(1, VERSION))
        line.put(request(1, bytes.fromhex("04020001")))
        line.put(request(0, write(0, ENABLE)))
        assert await line.ask(VERSION, 7) == VERSION_REPLY
        assert words_in(await line.ask(read(0, 1), 7)) == (0,)
        assert line.silent()


async def test_broadcast_where_accepted():
    """With `broadcast: accept` a write to unit 0 is carried out and not answered; a read is nothing."""
    async with serving(broadcast=True) as line:
        line.put(request(0, write(4, 9)))
        await asyncio.sleep(0.01)
        line.put(request(0, VERSION))
        assert words_in(await line.ask(read(4, 1))) == (9,)
        assert line.silent()


async def test_bad_crc_is_met_with_silence():
    """A damaged write changes nothing and gets nothing; the repeated one is carried out once."""
    async with serving() as line:
        damaged = bytearray(request(1, write(4, 9)))
        damaged[7] ^= 1
        line.put(bytes(damaged))
        await asyncio.sleep(0.02)
        assert words_in(await line.ask(read(4, 1))) == (0,)
        assert line.silent()


async def test_noise_and_other_stations_do_not_stop_us():
    """Two hundred rounds of noise, other stations' talk and our own requests: each of ours is answered."""
    noise = random.Random(8)
    theirs = [framed(b"\x02" + read(0, 16)), framed(b"\x02\x03\x20" + bytes(32)), framed(b"\x09\x65\x01\x02")]
    with capture_logs() as lines:
        async with serving() as line:
            for number in range(200):
                if number % 2:
                    line.put(noise.choice(theirs))
                elif number % 3 == 0:
                    line.put(noise.randbytes(noise.randint(1, 20)))
                assert await line.ask(VERSION) == VERSION_REPLY
    assert sum(line["event"] == "modbus_rtu_noise" for line in lines) <= 5


async def test_request_byte_by_byte():
    """An adapter that delivers one byte at a time, with gaps, changes nothing."""
    async with serving() as line:
        for octet in request(1, VERSION):
            line.put(bytes((octet,)))
            await asyncio.sleep(0.003)
        assert (await line.hear(7))[1:-2] == VERSION_REPLY


async def test_echoing_adapter():
    """With `local_echo` what we sent ourselves is left out, even where a reply equals its request."""
    async with serving(local_echo=True) as line:
        for value in range(20):
            pdu = bytes((6, 0, 4, 0, value))
            line.put(request(1, pdu))
            reply = await line.hear(8)
            line.put(reply)  # the adapter hears us
            await asyncio.sleep(0.004)
            assert line.silent()
        assert words_in(await line.ask(read(4, 1))) == (19,)


async def test_word_order_reaches_the_line():
    """The line has orders of its own."""
    async with serving(orders=Orders(word_order=WordOrder.CDAB)) as line:
        assert words_in(await line.ask(read(98, 2, 4))) == (0x0304, 0x0102)


async def test_line_and_network_share_one_memory():
    """The serial master owns the registers; a reader on the network sees them and may not write."""
    async with MachineStation() as station, RtuLine() as line:
        memory = Memory(station)
        rtu = ModbusRtuServer(ModbusRtuSettings(line.device, 115200), memory)
        tcp = ModbusTcpServer(ModbusTcpSettings(host="127.0.0.1", port=0), memory)
        async with running(rtu), tcp, RawMaster(tcp.socket_address()) as other:
            await line.ask(write(0, ENABLE, 0, 0, 0, 7))
            assert words_of(await other.ask(read(0, 5))) == (ENABLE, 0, 0, 0, 7)
            assert await other.ask(write(0, 0)) == bytes.fromhex("9001")
            assert station.owner() == line.device


def plug(name: Path, line: RtuLine) -> None:
    """Give a line the adapter's name."""
    name.unlink(missing_ok=True)
    name.symlink_to(line.device)


async def test_adapter_pulled_out_and_back(tmp_path: Path):
    """A lost port raises 231 and PlcLost; the port back, all goes on where it was."""
    async with MachineStation() as station, RtuLine() as first, RtuLine() as second:
        name = tmp_path / "adapter"
        plug(name, first)
        server = ModbusRtuServer(ModbusRtuSettings(str(name), 115200), Memory(station))
        async with running(server):
            await first.ask(write(0, ENABLE, 0, 0))
            first.unplug()
            await until(lambda: bool(station.outputs()["Status.PlcLost"]))
            assert station.outputs()["Status.ErrorCode"] == 231
            plug(name, second)
            async with asyncio.timeout(10):
                await server.listening.wait()
            assert station.outputs()["Status.PlcLost"] is False
            await second.ask(write(0, ENABLE, 0, 1))
            assert words_in(await second.ask(read(4, 1, 4))) == (1,)


async def test_port_that_is_not_there_is_waited_for():
    """A missing or taken port keeps the station running, is told once with what to do, and is tried again."""
    async with MachineStation() as station, RtuLine() as line:
        with capture_logs() as lines, serial.Serial(line.device, exclusive=True):
            server = ModbusRtuServer(ModbusRtuSettings(line.device), Memory(station))
            task = asyncio.create_task(server.run())
            await until(lambda: bool(station.outputs()["Status.ErrorCode"]))
            await asyncio.sleep(0.7)  # a second try
            assert not task.done()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert [line["event"] for line in lines] == ["modbus_rtu_no_port"]
    assert lines[0]["remedy"]


async def test_port_without_rs485():
    """A port whose driver cannot switch RTS is a clear mistake of the configuration."""
    async with MachineStation() as station, RtuLine() as line:
        settings = ModbusRtuSettings(line.device, rs485=True)
        with pytest.raises(ConfigurationError, match="cannot be set so"):
            await ModbusRtuServer(settings, Memory(station)).run()


def test_t35_is_the_specifications():
    """3.5 characters of 11 bits up to 19200 baud, 1.75 ms above."""
    assert ModbusRtuSettings("x", 9600).t35_s == pytest.approx(0.00401, abs=1e-5)
    assert ModbusRtuSettings("x", 19200).t35_s == pytest.approx(0.002005, abs=1e-6)
    assert ModbusRtuSettings("x", 115200).t35_s == 0.00175


# Masters that others wrote, over a pair of pseudo-terminals


@asynccontextmanager
async def pair(require_program: Callable[[str], str], folder: Path) -> AsyncIterator[str]:
    """Serve a station on one end of socat's pair; yield the other end's name."""
    ours, theirs = folder / "station", folder / "master"
    bridge = await asyncio.create_subprocess_exec(
        require_program("socat"), *(f"PTY,link={end},raw,echo=0" for end in (ours, theirs))
    )
    try:
        await until(lambda: ours.exists() and theirs.exists())
        async with MachineStation() as station:
            server = ModbusRtuServer(ModbusRtuSettings(str(ours)), Memory(station))
            async with running(server):
                yield str(theirs)
    finally:
        bridge.terminate()
        await bridge.wait()


async def test_mbpoll_over_a_line(require_program: Callable[[str], str], tmp_path: Path):
    """Debian's mbpoll, with its default parity (even), writes and reads over the line."""
    path = require_program("mbpoll")
    async with pair(require_program, tmp_path) as device:
        line = ("-1", "-q", "-m", "rtu", "-b", "19200", "-a", "1")
        for what in (("-t4", "-r5", device, "7"), ("-t4", "-r5", device), ("-t3", "-r97", "-c2", device)):
            process = await asyncio.create_subprocess_exec(
                *(path, *line, *what), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
            )
            output, _ = await process.communicate()
            assert process.returncode == 0, output.decode()
    assert "16706" in output.decode(), "AB"


async def test_libmodbus_over_a_line(require_program: Callable[[str], str], tmp_path: Path):
    """The C library inspects 20 parts over the line in sequence mode."""
    library = LibModbus.load()
    async with pair(require_program, tmp_path) as device:
        context = library.rtu(device, 19200, "E", 1)
        seen = await asyncio.to_thread(library.drive, context, 20)
    assert seen == [(sequence, 1) for sequence in range(1, 21)]


def minimal(device: str) -> tuple[list[int], float]:
    """Read and write with minimalmodbus."""
    master = minimalmodbus.Instrument(device, 1)
    master.serial.baudrate, master.serial.timeout = 19200, 1.0
    master.write_registers(0, [0, 0, 0, 0, 7])
    master.write_bit(6, 1)
    words = master.read_registers(0, 5)
    master.write_float(12, 1.5)
    value = master.read_float(12)
    with pytest.raises(minimalmodbus.IllegalRequestError):
        master.read_register(36)
    master.serial.close()
    return words, value


async def test_minimalmodbus_over_a_line(require_program: Callable[[str], str], tmp_path: Path):
    """The master of many Python scripts reads, writes and gets the exception it should."""
    assert BY_NAME["Command.Encoder"].address == 12
    async with pair(require_program, tmp_path) as device:
        words, value = await asyncio.to_thread(minimal, device)
    assert (words, value) == ([0x0040, 0, 0, 0, 7], 1.5)


async def test_modbus_serial_over_a_line(
    require_program: Callable[[str], str], require_node: Callable[[str], str], tmp_path: Path
):
    """The master behind Node-RED inspects parts over the line with the compact block."""
    node = require_node("modbus-serial")
    async with pair(require_program, tmp_path) as device:
        (facts,) = await run_node(node, "modbus_serial_rtu.mjs", device, "19200", "10")
    assert facts["seen"] == [{"sequence": n, "id": n, "verdict": 1} for n in range(1, 11)]
    assert facts["refused"] == 2
