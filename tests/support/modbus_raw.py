"""A master that sends whatever bytes a test wants, and reads replies frame by frame."""

import asyncio
import struct
from types import TracebackType
from typing import Self


def frame(pdu: bytes, transaction: int = 1, unit: int = 1) -> bytes:
    """Return a well-formed Modbus/TCP frame."""
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def words_of(pdu: bytes) -> tuple[int, ...]:
    """Return the registers in a reply to function 3, 4 or 23."""
    return struct.unpack(f">{pdu[1] // 2}H", pdu[2:])


class RawMaster:
    """One connection. ``source`` is the local address to speak from (127.0.0.2 is another master)."""

    def __init__(self, address: tuple[str, int], source: str = "127.0.0.1") -> None:
        self._address = address
        self._source = source

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(*self._address, local_addr=(self._source, 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.transport.abort()

    async def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> tuple[int, int, bytes]:
        """Read one frame: transaction, unit, PDU."""
        async with asyncio.timeout(10):
            head = await self.reader.readexactly(7)
            transaction, protocol, length, unit = struct.unpack(">HHHB", head)
            assert protocol == 0
            return transaction, unit, await self.reader.readexactly(length - 1)

    async def ask(self, pdu: bytes, unit: int = 1) -> bytes:
        """Send a request and return the reply's PDU."""
        await self.send(frame(pdu, 7, unit))
        transaction, answered_unit, reply = await self.reply()
        assert (transaction, answered_unit) == (7, unit)
        return reply

    async def closed(self) -> bytes:
        """Wait until the server closes the connection; return what came before."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


def read(address: int, count: int, function: int = 3) -> bytes:
    """Return the PDU of a read."""
    return struct.pack(">BHH", function, address, count)


def write(address: int, *words: int) -> bytes:
    """Return the PDU of function 16."""
    count = len(words)
    return struct.pack(f">BHHB{count}H", 16, address, count, 2 * count, *words)
