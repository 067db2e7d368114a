"""A serial line in a pseudo-terminal: the test holds one end, the station opens the other by name."""

import asyncio
import os
import struct
import tty
from types import TracebackType
from typing import Self

from edge_service.fieldbus.rtu_frames import crc, framed

QUIET_S = 0.01  # longer than any t3.5 of the tests


def request(unit: int, pdu: bytes) -> bytes:
    """Return a frame."""
    return framed(bytes((unit,)) + pdu)


class RtuLine:
    """A master, other stations and noise in one person."""

    async def __aenter__(self) -> Self:
        self._here, self._there = os.openpty()
        tty.setraw(self._here)
        tty.setraw(self._there)
        self.device = os.ttyname(self._there)
        self._heard = bytearray()
        self._news = asyncio.Event()
        os.set_blocking(self._here, False)
        asyncio.get_running_loop().add_reader(self._here, self._hear)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.unplug()

    def unplug(self) -> None:
        """Take the adapter out."""
        if self._here >= 0:
            asyncio.get_running_loop().remove_reader(self._here)
            os.close(self._here)
            os.close(self._there)
            self._here = -1

    def put(self, data: bytes) -> None:
        """Put bytes onto the line."""
        os.write(self._here, data)

    def _hear(self) -> None:
        self._heard += os.read(self._here, 4096)
        self._news.set()

    async def hear(self, count: int) -> bytes:
        """Wait for so many bytes from the station."""
        async with asyncio.timeout(10):
            while len(self._heard) < count:
                self._news.clear()
                await self._news.wait()
        found = bytes(self._heard[:count])
        del self._heard[:count]
        return found

    async def ask(self, pdu: bytes, unit: int = 1, *, size: int | None = None) -> bytes:
        """Send a request and return the reply's PDU; ``size``: of the reply's frame, else as for a write."""
        self.put(request(unit, pdu))
        head = await self.hear(5)
        rest = 0 if head[1] & 0x80 else (size or self._size(head)) - 5
        reply = head + await self.hear(rest)
        assert crc(reply) == 0
        assert reply[0] == unit
        return reply[1:-2]

    async def heard_within(self, wanted: bytes, timeout_s: float) -> bool:
        """Wait so long at most for these very bytes; whatever came with them is forgotten."""
        try:
            async with asyncio.timeout(timeout_s):
                while wanted not in self._heard:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return False
        self._heard.clear()
        return True

    @staticmethod
    def _size(head: bytes) -> int:
        if head[1] in (1, 2, 3, 4, 23):
            return 5 + head[2]
        return 10 if head[1] == 22 else 8

    def silent(self) -> bool:
        """Whether the station said nothing that was not read yet."""
        return not self._heard


def words_in(pdu: bytes) -> tuple[int, ...]:
    """Return the registers in a reply to function 3, 4 or 23."""
    return struct.unpack(f">{pdu[1] // 2}H", pdu[2:])
