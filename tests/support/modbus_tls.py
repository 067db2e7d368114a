"""A master behind TLS whose records a test may cut up as it likes."""

import asyncio
import contextlib
import ssl
import struct
from types import TracebackType
from typing import Self

from tests.support.modbus_raw import frame


class TlsMaster:
    """One connection; TLS happens in memory, so the bytes on the wire are in the test's hands."""

    def __init__(self, address: tuple[str, int], context: ssl.SSLContext) -> None:
        self._address = address
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=address[0])
        self._plain = bytearray()

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(*self._address)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.transport.abort()

    async def shake_hands(self, *, cut: int = 0) -> None:
        """Do the handshake, in pieces of ``cut`` bytes where given. Raises ssl.SSLError, EOFError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                await self.put(self._outgoing.read(), cut=cut)
                await self._take()
            else:
                await self.put(self._outgoing.read(), cut=cut)
                return

    def encrypted(self, plain: bytes) -> bytes:
        """Return one record."""
        self._tls.write(plain)
        return self._outgoing.read()

    async def put(self, data: bytes, *, cut: int = 0) -> None:
        """Send bytes as they are, in pieces of ``cut`` bytes where given."""
        size = cut or max(1, len(data))
        for start in range(0, len(data), size):
            self.writer.write(data[start : start + size])
            await self.writer.drain()
            await asyncio.sleep(0)

    async def ask(self, pdu: bytes, unit: int = 1) -> bytes:
        """Send a request in one record and return the reply's PDU."""
        await self.put(self.encrypted(frame(pdu, 7, unit)))
        return (await self.reply())[1]

    async def reply(self) -> tuple[int, bytes]:
        """Read one frame: transaction, PDU. Raises ssl.SSLError, EOFError."""
        transaction, _, length, _ = struct.unpack(">HHHB", await self._exactly(7))
        return transaction, await self._exactly(length - 1)

    async def _exactly(self, count: int) -> bytes:
        while len(self._plain) < count:
            with contextlib.suppress(ssl.SSLWantReadError):
                self._plain += self._tls.read(65536)
                continue
            await self._take()
        wanted = bytes(self._plain[:count])
        del self._plain[:count]
        return wanted

    async def _take(self) -> None:
        async with asyncio.timeout(10):
            data = await self.reader.read(65536)
        if not data:
            raise EOFError
        self._incoming.write(data)
