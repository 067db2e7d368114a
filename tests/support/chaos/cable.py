"""A network cable that can be cut: a small TCP proxy on loopback."""

import asyncio
import contextlib
import random
from typing import Self

PIECE = 4096  # bytes passed on at a time, so that cuts fall into the middle of things


class Cable:
    """Joins ``port`` (a free one) to the server's port; ``cut`` breaks every connection, new ones too."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._whole = True
        self.port = 0
        self.cuts = 0
        self.connections = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.cut()
        self._server.close()
        await self._server.wait_closed()

    def cut(self) -> None:
        """Break everything that is under way, as if the cable was pulled."""
        self._whole = False
        self.cuts += 1
        for writer in self._open:
            writer.transport.abort()

    def mend(self) -> None:
        """Put the cable back."""
        self._whole = True

    async def flap(self, chance: random.Random, up_s: float, down_s: float) -> None:
        """Cut and mend at random until cancelled; whole at the end."""
        try:
            while True:
                await asyncio.sleep(chance.uniform(0.2, 2.0) * up_s)
                self.cut()
                await asyncio.sleep(chance.uniform(0.2, 2.0) * down_s)
                self.mend()
        finally:
            self.mend()

    async def _join(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        self._open.add(back)
        forth: asyncio.StreamWriter | None = None
        try:
            if self._whole:
                far, forth = await asyncio.open_connection("127.0.0.1", self._target)
                self._open.add(forth)
                self.connections += 1
                await asyncio.gather(_pass(near, forth), _pass(far, back))
        except OSError:
            pass  # one side went away, or nobody listens: that is what this is for
        finally:
            for writer in (back, forth):
                if writer is not None:
                    self._open.discard(writer)
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()
