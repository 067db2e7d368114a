"""Client mode: the station polls PLCs that can only be servers, good ones and bad ones."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pyModbusTCP.server import ModbusServer
from structlog.testing import capture_logs

from edge_service.domain.inspection import TriggerSource
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_client import ModbusClient, ModbusClientSettings
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.fieldbus.registers import Orders, WordOrder
from tests.support.machine_station import MachineStation
from tests.support.modbus_raw import RawMaster, write
from tests.support.plc_server import PlcServer
from tests.support.waiting import until

ENABLE = 0x0025
VALID = 0x0800
STATION_AT = 1000


def settings(port: int, **changes: object) -> ModbusClientSettings:
    """Return how the tests poll: quickly, and with little patience."""
    quick = {"poll_s": 0.005, "reply_s": 0.05, "reconnect_first_s": 0.02, "reconnect_most_s": 0.05}
    return ModbusClientSettings("127.0.0.1", port, **(quick | changes))


@asynccontextmanager
async def polling(
    port: int, station: MachineStation, memory: Memory | None = None, **changes: object
) -> AsyncIterator[ModbusClient]:
    """Let a station poll."""
    client = ModbusClient(settings(port, **changes), memory or Memory(station))
    task = asyncio.create_task(client.run(), name="client mode")
    try:
        yield client
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def station_words(plc: PlcServer, first: int, last: int) -> list[int]:
    """Return what the station wrote into the PLC."""
    return plc.registers[STATION_AT + first : STATION_AT + last + 1]


async def written(plc: PlcServer, word: int, value: int) -> None:
    """Wait until the station wrote that value."""
    await until(lambda: plc.registers[STATION_AT + word] == value)


async def inspect(plc: PlcServer, sequence: int) -> list[int]:
    """Be the PLC's program for one part; return its record."""
    plc.registers[2] = sequence
    await until(
        lambda: bool(plc.registers[STATION_AT] & VALID) and plc.registers[STATION_AT + 11] == sequence
    )
    record = station_words(plc, 10, 63)
    assert record[0] == record[-1], "the record is whole as soon as ResultsValid is seen"
    plc.registers[3] = record[0]
    await until(lambda: not plc.registers[STATION_AT] & VALID)
    return record


async def test_parts_are_inspected():
    """Twenty parts in sequence mode, each with its own record, source 7, and the map at its place."""
    async with MachineStation() as station, PlcServer() as plc, polling(plc.port, station) as client:
        await client.connected.wait()
        plc.registers[0] = ENABLE
        await plc.next_poll()
        for sequence in range(1, 21):
            plc.registers[16:18] = [0x4142, sequence]
            record = await inspect(plc, sequence)
            assert (record[1], record[3], record[9]) == (sequence, 1, TriggerSource.CLIENT_MODE)
            assert record[32:34] == [0x4142, sequence]
        assert station_words(plc, 96, 99) == [1, 0x4142, 0x0102, 0x0304]
    assert len(station.published) == 20


async def test_record_first_then_status():
    """Words 16-119 are written before 0-15, only when they changed, and the command block is only read."""
    async with MachineStation() as station, PlcServer() as plc, polling(plc.port, station) as client:
        await client.connected.wait()
        plc.registers[0] = ENABLE
        await plc.next_poll()
        plc.asked.clear()
        await inspect(plc, 1)
        await plc.next_poll(5)
        writes = [entry for entry in plc.asked if entry[0] == 16]
        for this, following in zip(writes, [*writes[1:], None], strict=True):
            if this == (16, STATION_AT + 16, 104):
                assert following == (16, STATION_AT, 16)
            else:
                assert this == (16, STATION_AT, 16)
        assert len(writes) < len(plc.asked) / 2, "what did not change is not written again"
        assert {entry for entry in plc.asked if entry[0] == 3} == {(3, 0, 36)}


async def test_offsets_sizes_and_orders():
    """The blocks lie where the PLC's program has room, as large and in the order it can take."""
    place = {"command_at": 500, "station_at": 700, "station_words": 64}
    async with MachineStation() as station, PlcServer() as plc:
        plc.registers[764] = 0xBEEF
        order = Orders(word_order=WordOrder.CDAB)
        async with polling(plc.port, station, orders=order, **place) as client:
            await client.connected.wait()
            plc.registers[512:514] = [0x2345, 0x0001]  # the encoder, low word first
            plc.registers[500] = ENABLE
            await plc.next_poll()
            plc.registers[502] = 1
            await until(lambda: bool(plc.registers[700] & VALID))
            assert plc.registers[722:724] == [0x2345, 0x0001]
            assert plc.registers[764] == 0xBEEF


async def test_first_image_is_a_baseline():
    """What a PLC shows when the station comes (trigger, ack, command) fires nothing; the next does."""
    async with MachineStation() as station, PlcServer() as plc:
        plc.registers[:9] = [ENABLE, 0, 7, 5, 0, 1, 3, 0, 2]
        async with polling(plc.port, station) as client:
            await client.connected.wait()
            await plc.next_poll()
            assert station_words(plc, 4, 7) == [0, 0, 0, 0]
            assert (await inspect(plc, 8))[1] == 8
    assert len(station.published) == 1


async def test_plc_restarts_mid_cycle():
    """A PLC that vanishes: 231, PlcLost, the part still ends; back again its image is a baseline."""
    async with (
        MachineStation(inference_s=0.05) as station,
        PlcServer() as plc,
        polling(plc.port, station) as client,
    ):
        await client.connected.wait()
        plc.registers[0] = ENABLE
        await plc.next_poll()
        plc.registers[2] = 1
        await written(plc, 4, 1)
        await plc.stop()
        await until(lambda: bool(station.outputs()["Status.PlcLost"]))
        assert station.outputs()["Status.ErrorCode"] == 231
        assert station.outputs()["Status.TriggerReady"] is False
        await until(lambda: bool(station.outputs()["Status.ResultsValid"]))
        plc.registers[STATION_AT : STATION_AT + 120] = [0] * 120
        plc.registers[2] = 9  # its program started with another number
        await plc.start()
        await client.connected.wait()
        await plc.next_poll()
        assert station.outputs()["Status.PlcLost"] is False
        assert station_words(plc, 11, 11) == [1], "every word is written anew: the record still stands"
        assert len(station.published) == 1
        plc.registers[3] = station_words(plc, 10, 10)[0]
        assert (await inspect(plc, 10))[1] == 10


async def test_lost_replies_are_asked_again():
    """One or two replies that stay away change nothing; three in a row are a lost PLC."""
    async with MachineStation() as station, PlcServer() as plc, polling(plc.port, station) as client:
        await client.connected.wait()
        plc.registers[0] = ENABLE
        await plc.next_poll()
        plc.silent = 2
        assert (await inspect(plc, 1))[1] == 1
        assert plc.connections == 1
        plc.silent = 3
        await until(lambda: bool(station.outputs()["Status.PlcLost"]))
        await client.connected.wait()
        assert plc.connections == 2
        assert (await inspect(plc, 2))[1] == 2


async def test_a_late_reply_is_not_taken_for_the_next():
    """A reply after its time carries an old number: it is passed over, and so is its old image."""
    async with MachineStation() as station, PlcServer() as plc, polling(plc.port, station) as client:
        await client.connected.wait()
        plc.registers[0] = ENABLE
        await plc.next_poll()
        plc.hold_back = 1
        await until(lambda: bool(plc.late))
        plc.registers[2] = 1
        await written(plc, 4, 1)
        assert plc.connections == 1
        await written(plc, 11, 1)
    assert len(station.published) == 1


async def test_a_plc_without_these_registers_is_told():
    """Exception 02 names the registers that the PLC must serve; the log is not flooded by it."""
    with capture_logs() as lines:
        async with MachineStation() as station, PlcServer(500) as plc, polling(plc.port, station):
            await until(lambda: bool(station.outputs()["Status.PlcLost"]))
            await until(lambda: plc.connections > 12)
    told = [line for line in lines if line["event"] == "modbus_client_lost"]
    assert len(told) == 5
    assert "exception 02 on holding registers 1016-1119" in told[0]["error"]


async def test_nobody_there():
    """A PLC that is off is waited for, and found when it is on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with MachineStation() as station, polling(port, station) as client:
        await until(lambda: bool(station.outputs()["Status.PlcLost"]))
        plc = PlcServer()
        plc.port = port
        async with plc:
            await client.connected.wait()
            assert station.outputs()["Status.PlcLost"] is False


@pytest.mark.parametrize("garbage", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\0\0\0\0\0\0", b""])
async def test_something_else_answers(garbage: bytes):
    """A server that is no Modbus server, or hangs up at once, is a lost PLC and no more."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(12)
        writer.write(garbage)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, MachineStation() as station, polling(server.sockets[0].getsockname()[1], station):
        await until(lambda: bool(station.outputs()["Status.PlcLost"]))


async def test_a_second_writer_waits():
    """While a master on TCP owns the station the polled PLC may not; afterwards its image is a baseline."""
    async with MachineStation() as station, PlcServer() as plc:
        memory = Memory(station)
        server = ModbusTcpServer(ModbusTcpSettings(host="127.0.0.1", port=0), memory)
        async with server, RawMaster(server.socket_address()) as owner:
            await owner.ask(write(0, ENABLE))
            async with polling(plc.port, station, memory) as client:
                await client.connected.wait()
                plc.registers[0:3] = [ENABLE, 0, 4]
                await written(plc, 89, 250)
                await owner.ask(write(0, 0))
                await until(lambda: station.owner() == client.address())
                await plc.next_poll()
                assert station.published == []
                assert (await inspect(plc, 5))[1] == 5


async def test_cancelled_in_the_middle_of_a_read():
    """Ending the station while the PLC owes a reply ends at once."""
    async with (
        MachineStation() as station,
        PlcServer() as plc,
        asyncio.timeout(5),
        polling(plc.port, station, reply_s=30.0) as client,
    ):
        await client.connected.wait()
        plc.silent = 1
        await plc.next_poll(1)


def free_port() -> int:
    """Return a port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


async def test_pymodbustcp_as_the_plc():
    """A server that others wrote is polled like any PLC: its program inspects ten parts."""
    server = ModbusServer("127.0.0.1", free_port(), no_block=True)
    server.start()
    bank = server.data_bank
    try:
        async with MachineStation() as station, polling(server.port, station, reply_s=1.0) as client:
            await client.connected.wait()
            bank.set_holding_registers(0, [ENABLE])
            await until(lambda: bool(bank.get_holding_registers(STATION_AT)[0] & 1))
            for sequence in range(1, 11):
                bank.set_holding_registers(2, [sequence])
                await until(lambda number=sequence: bank.get_holding_registers(STATION_AT + 11)[0] == number)
                record = bank.get_holding_registers(STATION_AT, 64)
                assert (record[10], record[13], record[63]) == (sequence, 1, sequence)
                bank.set_holding_registers(3, [record[10]])
                await until(lambda: not bank.get_holding_registers(STATION_AT)[0] & VALID)
    finally:
        server.stop()
