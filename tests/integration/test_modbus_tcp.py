"""The Modbus/TCP server as a PLC sees it, byte by byte over real sockets."""

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest
from structlog.testing import capture_logs

from edge_service.domain.signal import SignalValue
from edge_service.errors import ConfigurationError
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.fieldbus.registers import Orders, WordOrder
from edge_service.handshake.inputs import PlcInputs
from tests.support.machine_station import MachineStation
from tests.support.modbus_raw import RawMaster, frame, read, words_of, write

LOCAL = ModbusTcpSettings(host="127.0.0.1", port=0)
ENABLE = 0x0025  # TriggerEnable, BufferResultsEnable, SequenceMode


@asynccontextmanager
async def serving(settings: ModbusTcpSettings = LOCAL) -> AsyncIterator[ModbusTcpServer]:
    """Serve a station on a free port."""
    async with MachineStation() as station, ModbusTcpServer(settings, Memory(station)) as server:
        yield server


@asynccontextmanager
async def master(settings: ModbusTcpSettings = LOCAL) -> AsyncIterator[RawMaster]:
    """Serve a station and connect one master."""
    async with serving(settings) as server, RawMaster(server.socket_address()) as raw:
        yield raw


async def test_ten_requests_in_one_segment_are_all_answered():
    """Pipelined requests get ten replies, in order, each with its own transaction and unit."""
    async with master() as raw:
        await raw.send(b"".join(frame(read(96, 1, 4), number, unit=number) for number in range(10)))
        replies = [await raw.reply() for _ in range(10)]
    assert replies == [(number, number, bytes.fromhex("04020001")) for number in range(10)]


async def test_request_byte_by_byte():
    """However the bytes are cut, a request is answered once whole."""
    async with master() as raw:
        for octet in frame(read(97, 3, 4), 0x1234):
            await raw.send(bytes((octet,)))
            await asyncio.sleep(0)
        assert await raw.reply() == (0x1234, 1, bytes.fromhex("0406414201020304"))


@pytest.mark.parametrize(
    "head", ["0001 0005 0006 01", "0001 0100", "0001 0000 0104", "0001 0000 0001 01", "0001 0000 ffff"]
)
async def test_bad_header_closes_the_connection(head: str):
    """What cannot be Modbus/TCP closes the connection at once, after the requests before it were answered."""
    async with master() as raw:
        await raw.send(frame(read(96, 1, 4)) + bytes.fromhex(head))
        assert await raw.closed() == bytes.fromhex("0001 0000 0005 01 04020001")


@pytest.mark.parametrize(
    ("request_hex", "reply_hex"),
    [
        ("63", "e301"),  # unknown functions
        ("07", "8701"),
        ("2b0d0000", "ab01"),  # MEI type CANopen
        ("2b0e0500", "ab03"),
        ("2b0e0407", "ab02"),
        ("03 0000 0000", "8303"),  # counts
        ("03 0000 007e", "8303"),
        ("04 0000 0000", "8403"),
        ("01 0000 0000", "8103"),
        ("02 0000 07d1", "8203"),
        ("03 0000", "8303"),  # lengths
        ("03 0000 0001 00", "8303"),
        ("10 0000 0001 02 00", "9003"),
        ("10 0000 0002 02 0000", "9003"),
        ("10 0000 0000 00", "9003"),
        ("0f 0000 0008 02 ffff", "8f03"),
        ("17 0000 0001 0000 0001 02", "9703"),
        ("17 0000 0000 0000 0001 02 0000", "9703"),
        ("06", "8603"),
        ("16 0000 ffff", "9603"),
        ("05 0000 1234", "8503"),  # FC5 knows two values
        ("05 0000 0001", "8503"),
        ("03 0023 0002", "8302"),  # addresses
        ("03 0024 0001", "8302"),
        ("03 03e7 0001", "8302"),
        ("03 03e8 0079", "8302"),
        ("03 ffff 0001", "8302"),
        ("04 0077 0002", "8402"),
        ("04 0078 0001", "8402"),
        ("01 001f 0002", "8102"),
        ("02 0020 0001", "8202"),
        ("05 0020 ff00", "8502"),
        ("06 0024 0001", "8602"),
        ("06 03e8 0001", "8602"),  # the mirror is read-only
        ("10 0023 0002 04 0000 0000", "9002"),
        ("16 0024 ffff 0000", "9602"),
        ("17 0078 0001 0000 0001 02 0025", "9702"),
        ("0f 001f 0002 01 03", "8f02"),
    ],
)
async def test_exceptions(request_hex: str, reply_hex: str):
    """Each bad request gets its exception, changes nothing, and the connection goes on."""
    async with master() as raw:
        await raw.ask(write(2, 3, 4, 5))
        assert await raw.ask(bytes.fromhex(request_hex)) == bytes.fromhex(reply_hex)
        assert words_of(await raw.ask(read(0, 36))) == (0, 0, 3, 4, 5, *[0] * 31)


async def test_functions():
    """Coils, registers, mask write, read and write: each shows what the others wrote."""
    async with master() as raw:
        assert await raw.ask(bytes.fromhex("05 0006 ff00")) == bytes.fromhex("05 0006 ff00")
        assert await raw.ask(bytes.fromhex("0f 0010 0003 01 05")) == bytes.fromhex("0f 0010 0003")
        assert words_of(await raw.ask(read(0, 2))) == (0x0040, 0x0005)
        assert await raw.ask(read(0, 32, 1)) == bytes.fromhex("0104 4000 0500")
        assert await raw.ask(read(6, 1, 1)) == bytes.fromhex("0101 01")
        assert await raw.ask(bytes.fromhex("05 0006 0000")) == bytes.fromhex("05 0006 0000")
        assert await raw.ask(bytes.fromhex("06 0007 0009")) == bytes.fromhex("06 0007 0009")
        assert await raw.ask(bytes.fromhex("16 0007 00f8 0002")) == bytes.fromhex("16 0007 00f8 0002")
        assert words_of(await raw.ask(read(7, 1))) == (0x000A,)
        reply = await raw.ask(bytes.fromhex("17 0007 0002 0008 0001 02 abcd"))
        assert words_of(reply) == (0x000A, 0xABCD)
        assert await raw.ask(read(7, 1, 2)) == bytes.fromhex("0201 01")  # Online
        assert words_of(await raw.ask(read(1096, 2))) == (1, 0x4142)
        identity = await raw.ask(bytes.fromhex("2b0e0100"))
        assert identity.startswith(bytes.fromhex("2b0e018200000300 04"))
        assert b"okng-edge" in identity
        assert (await raw.ask(bytes.fromhex("2b0e0401"))).endswith(b"okng-edge")


async def test_trigger_and_answer_in_one_request():
    """Function 23 writes before it reads: the accepted sequence is in the reply to its own trigger."""
    async with master() as raw:
        await raw.ask(write(0, ENABLE, 0, 0, 0, 0))
        reply = await raw.ask(struct.pack(">BHHHHB3H", 23, 1004, 3, 0, 3, 6, ENABLE, 0, 1))
        assert words_of(reply) == (1, 0, 1)


async def test_reserved_registers_and_bits_ignore_writes():
    """What the map does not name reads 0."""
    async with master() as raw:
        await raw.ask(write(0, *[0xFFFF] * 36))
        words = words_of(await raw.ask(read(0, 36)))
    assert words[:2] == (0x00FF, 0x00FD)
    assert words[14:16] == (0, 0)
    assert words[16:] == (0xFFFF,) * 20


@pytest.mark.parametrize("unit", [0, 1, 2, 255])
async def test_any_unit_is_answered(unit: int):
    """PLCs send 0, 1 or 255; all are answered."""
    async with master() as raw:
        assert await raw.ask(read(96, 1, 4), unit) == bytes.fromhex("04020001")


async def test_strict_unit():
    """With unit_id_strict another unit gets 0B: target failed to respond."""
    async with master(replace(LOCAL, unit_id=3, unit_id_strict=True)) as raw:
        assert await raw.ask(read(96, 1, 4), 3) == bytes.fromhex("04020001")
        assert await raw.ask(read(96, 1, 4), 4) == bytes.fromhex("840b")


async def test_word_order_reaches_the_wire():
    """A PLC that keeps the low word first reads the test value its way."""
    async with master(replace(LOCAL, orders=Orders(word_order=WordOrder.CDAB))) as raw:
        assert words_of(await raw.ask(read(97, 3, 4))) == (0x4142, 0x0304, 0x0102)


async def test_cut_off_request_ends_the_connection():
    """A request whose end stays away closes its connection after the partial time-out."""
    async with master(replace(LOCAL, partial_timeout_s=0.05)) as raw:
        await raw.send(frame(read(96, 1, 4))[:9])
        assert await raw.closed() == b""


async def test_a_vanished_peer_is_looked_for():
    """The kernel probes each silent connection, so that one whose other end is gone does not stay."""
    async with serving() as server, RawMaster(server.socket_address()) as raw:
        await raw.ask(read(96, 1, 4))
        (connection,) = server._connections
        wire = connection._transport.get_extra_info("socket")
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        idle, interval, probes = (wire.getsockopt(socket.IPPROTO_TCP, option) for option in options)
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    assert idle + interval * probes <= 30


async def test_half_closed_connection_gets_its_replies():
    """A master that sends and closes its sending half reads its replies, then the end."""
    async with master() as raw:
        await raw.send(frame(read(96, 1, 4), 1) + frame(read(97, 1, 4), 2))
        raw.writer.write_eof()
        assert await raw.reply() == (1, 1, bytes.fromhex("04020001"))
        assert await raw.reply() == (2, 1, bytes.fromhex("04024142"))
        assert await raw.closed() == b""


async def test_idle_reader_is_closed_and_the_owner_is_not():
    """Silence closes a reader's connection; the owner's stands."""
    settings = replace(LOCAL, idle_timeout_s=0.1)
    async with (
        serving(settings) as server,
        RawMaster(server.socket_address()) as owner,
        RawMaster(server.socket_address(), "127.0.0.2") as reader,
    ):
        await owner.ask(write(0, ENABLE))
        assert await reader.closed() == b""
        assert await owner.ask(read(96, 1, 4)) == bytes.fromhex("04020001")


async def test_oldest_idle_reader_gives_way():
    """When all connections are taken, a new one closes the oldest idle reader, never the owner."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(replace(LOCAL, connections=3)))

        async def connect(source: str) -> RawMaster:
            raw = await stack.enter_async_context(RawMaster(server.socket_address(), source))
            await raw.ask(read(96, 1, 4))
            return raw

        owner = await connect("127.0.0.1")
        await owner.ask(write(0, ENABLE))
        first, second = await connect("127.0.0.2"), await connect("127.0.0.3")
        await first.ask(read(96, 1, 4))
        await connect("127.0.0.4")
        assert await second.closed() == b""
        for raw in (owner, first):
            assert await raw.ask(read(96, 1, 4)) == bytes.fromhex("04020001")
        assert len(server.clients) == 3


async def test_owner_with_all_connections_keeps_them():
    """When every connection is the owner's, a new one is refused."""
    async with serving(replace(LOCAL, connections=1)) as server, RawMaster(server.socket_address()) as owner:
        await owner.ask(write(0, ENABLE))
        async with RawMaster(server.socket_address(), "127.0.0.2") as late:
            assert await late.closed() == b""
        assert await owner.ask(read(96, 1, 4)) == bytes.fromhex("04020001")


async def test_second_writer_gets_01_and_may_read():
    """While one address owns the registers another's writes are refused, its reads answered."""
    async with (
        serving() as server,
        RawMaster(server.socket_address()) as owner,
        RawMaster(server.socket_address(), "127.0.0.2") as other,
    ):
        await owner.ask(write(0, ENABLE))
        assert await other.ask(write(0, 0)) == bytes.fromhex("9001")
        assert await other.ask(bytes.fromhex("05 0000 0000")) == bytes.fromhex("8501")
        assert words_of(await other.ask(read(0, 1))) == (ENABLE,)
        assert words_of(await other.ask(read(89, 1, 4))) == (250,)


async def test_reconnect_goes_on_where_it_was():
    """A broken connection changes nothing: the repeated write fires no second trigger."""
    async with serving() as server:
        async with RawMaster(server.socket_address()) as plc:
            await plc.ask(write(0, ENABLE, 0, 0))
            await plc.ask(write(0, ENABLE, 0, 1))
        async with RawMaster(server.socket_address()) as plc:
            await plc.ask(write(0, ENABLE, 0, 1))
            assert words_of(await plc.ask(read(4, 3, 4))) == (1, 0, 1)


async def test_allowed_clients():
    """With an allow-list nobody else gets a connection."""
    allowed = replace(LOCAL, allowed_clients=(ip_network("127.0.0.0/30"),))
    async with serving(allowed) as server:
        async with RawMaster(server.socket_address(), "127.0.0.9") as stranger:
            assert await stranger.closed() == b""
        async with RawMaster(server.socket_address(), "127.0.0.2") as friend:
            assert await friend.ask(read(96, 1, 4)) == bytes.fromhex("04020001")


async def test_taken_port():
    """A port that is taken is a clear error with what to do."""
    async with serving() as server:
        taken = replace(LOCAL, port=server.socket_address()[1])
        with pytest.raises(ConfigurationError, match="cannot listen") as error:
            async with serving(taken):
                pass
    assert str(taken.port) in error.value.remedy


async def test_garbage_neither_stalls_nor_floods_the_log():
    """Hundreds of garbage connections leave a handful of log lines and a server that answers at once."""
    noise = random.Random(4)
    with capture_logs() as lines:
        async with serving() as server, RawMaster(server.socket_address()) as plc:
            for _ in range(200):
                async with RawMaster(server.socket_address()) as raw:
                    await raw.send(b"\x00\x01\xff" + noise.randbytes(noise.randint(1, 300)))
                    await raw.closed()
            assert await plc.ask(read(96, 1, 4)) == bytes.fromhex("04020001")
    assert len(lines) == 5


async def test_random_requests_are_all_answered():
    """Any PDU in a sound frame gets exactly one reply: the function itself or its exception."""
    noise = random.Random(5)
    async with master() as raw:
        for number in range(2000):
            function = noise.choice((noise.randint(0, 255), 1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43))
            body = noise.randbytes(noise.randint(0, 12)) if number % 2 else noise.randbytes(4)
            reply = await raw.ask(bytes((function,)) + body)
            assert reply[0] in (function, function | 0x80)


async def test_master_that_never_reads_stalls_only_itself():
    """Replies that nobody takes are not piled up; others are answered, and nothing is lost after."""
    async with (
        serving() as server,
        RawMaster(server.socket_address()) as greedy,
        RawMaster(server.socket_address(), "127.0.0.2") as other,
    ):
        count = 60_000
        request = frame(read(1000, 120))
        greedy.writer.transport.set_write_buffer_limits(high=len(request) * count * 2)
        greedy.reader._transport.pause_reading()
        greedy.writer.write(request * count)
        for _ in range(50):
            assert len(await other.ask(read(0, 36))) == 74
        stuck = next(c for c in server._connections if c.writer == "127.0.0.1")
        assert stuck._paused
        assert stuck._transport.get_write_buffer_size() < 128 * 1024
        greedy.reader._transport.resume_reading()
        for _ in range(count):
            assert len((await greedy.reply())[2]) == 242


class BrokenConversation:
    """A station with a bug."""

    def update(self, _inputs: PlcInputs, _writer: str, **_: bool) -> None:
        """Conversation."""
        raise ZeroDivisionError

    def link(self, name: str, *, there: bool) -> None:
        """Conversation."""

    def heard(self, writer: str) -> None:
        """Conversation."""

    def owner(self) -> str | None:
        """Conversation."""
        return None

    def outputs(self) -> Mapping[str, SignalValue]:
        """Conversation."""
        return {}


async def test_a_bug_ends_the_server():
    """An unexpected failure while answering is raised to whoever supervises the server."""
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with (
        ModbusTcpServer(LOCAL, Memory(BrokenConversation())) as server,
        RawMaster(server.socket_address()) as raw,
    ):
        await raw.send(frame(write(0, 1)))
        with pytest.raises(ZeroDivisionError):
            await server.failed()
