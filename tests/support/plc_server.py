"""A PLC that can only be a Modbus server: registers, a record of what was asked, and faults at will."""

import asyncio
import struct
from types import TracebackType
from typing import Self

from edge_service.fieldbus.mbap import MbapReader, Request
from tests.support.waiting import until


class PlcServer:
    """Serves holding registers on a free port of 127.0.0.1."""

    def __init__(self, size: int = 2000) -> None:
        self.registers = [0] * size
        self.asked: list[tuple[int, int, int]] = []  # function, address, count
        self.silent = 0  # so many requests get no reply
        self.late: list[bytes] = []  # replies that were held back
        self.hold_back = 0  # so many replies wait in ``late``
        self.connections = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self.polled = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen, on the port as before where there was one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Listen no more and drop every connection."""
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await self._server.wait_closed()
        await until(lambda: not self._writers)

    async def next_poll(self, times: int = 2) -> None:
        """Wait until the command block was read so many times more: what was set before was seen."""
        for _ in range(times):
            self.polled.clear()
            async with asyncio.timeout(10):
                await self.polled.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        frames = MbapReader()
        try:
            while data := await reader.read(4096):
                frames.feed(data)
                while (request := frames.next()) is not None:
                    self._answer(request, writer)
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        reply = request.reply(self._reply(request.pdu))
        if request.pdu[0] == 3:
            self.polled.set()
        if self.silent:
            self.silent -= 1
        elif self.hold_back:
            self.hold_back -= 1
            self.late.append(reply)
        else:
            for waiting in self.late:
                writer.write(waiting)
            self.late.clear()
            writer.write(reply)

    def _reply(self, pdu: bytes) -> bytes:
        function, address, count = struct.unpack(">BHH", pdu[:5])
        self.asked.append((function, address, count))
        if address + count > len(self.registers):
            return bytes((function | 0x80, 2))
        if function == 16:
            self.registers[address : address + count] = struct.unpack(f">{count}H", pdu[6:])
            return pdu[:5]
        return struct.pack(f">BB{count}H", 3, 2 * count, *self.registers[address : address + count])
