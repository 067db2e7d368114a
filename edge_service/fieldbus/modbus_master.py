"""A Modbus/TCP master of a few lines: one connection, one request at a time, for client mode.

A request is repeated when its reply stays away; a reply that comes after its time is recognised by its
transaction number and thrown away. Anything else that goes wrong raises PlcError and ends the connection::

    async with ModbusMaster("192.168.1.20", 502, unit=1, reply_s=0.5, tries=3) as plc:
        words = await plc.read(0, 36)
        await plc.write(1000, words)
"""

import asyncio
import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from edge_service.errors import PlcError
from edge_service.fieldbus.mbap import BadHeaderError, MbapReader, Request
from edge_service.language import say

_READ, _WRITE = 3, 16
_PIECE = 4096
_ILLEGAL_ADDRESS = 2


class ModbusMaster:
    """One connection to a server, from enter to exit. Raises PlcError."""

    def __init__(self, host: str, port: int, *, unit: int, reply_s: float, tries: int) -> None:
        self._host, self._port, self._unit = host, port, unit
        self._reply_s, self._tries = reply_s, tries
        self._frames = MbapReader()
        self._transaction = 0

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._reply_s * self._tries):
                self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        except (OSError, TimeoutError) as error:
            raise self._trouble(
                say(f"no connection: {error or 'time-out'}", f"无法连接：{error or '超时'}"),
                say(
                    "is the PLC's Modbus server on, and the address right?",
                    "PLC 的 Modbus 服务器是否启用？地址是否正确？",
                ),
            ) from error
        wire: socket.socket = self._writer.get_extra_info("socket")
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.transport.abort()

    async def read(self, address: int, count: int) -> tuple[int, ...]:
        """Return ``count`` holding registers from ``address`` on."""
        reply = await self._ask(struct.pack(">BHH", _READ, address, count), address, count)
        if len(reply) != 2 + 2 * count:
            raise self._trouble(
                say(
                    f"{count} registers asked, {len(reply) - 2} bytes came",
                    f"请求 {count} 个寄存器，收到 {len(reply) - 2} 字节",
                ),
            )
        return struct.unpack(f">{count}H", reply[2:])

    async def write(self, address: int, words: Sequence[int]) -> None:
        """Write holding registers from ``address`` on."""
        count = len(words)
        pdu = struct.pack(f">BHHB{count}H", _WRITE, address, count, 2 * count, *words)
        await self._ask(pdu, address, count)

    async def _ask(self, pdu: bytes, address: int, count: int) -> bytes:
        for _ in range(self._tries):
            self._transaction = (self._transaction + 1) & 0xFFFF
            self._writer.write(Request(self._transaction, self._unit, b"").reply(pdu))
            try:
                async with asyncio.timeout(self._reply_s):
                    reply = await self._reply()
            except TimeoutError:
                continue
            except (OSError, BadHeaderError) as error:
                raise self._trouble(say(f"connection lost: {error}", f"连接丢失：{error}")) from error
            return self._checked(pdu[0], reply, address, count)
        waited_s = self._reply_s * self._tries
        raise self._trouble(say(f"no reply for {waited_s:g} s", f"{waited_s:g} 秒无应答"))

    async def _reply(self) -> bytes:
        """Return the reply to the last request; what came too late for the ones before is passed over."""
        while True:
            while (frame := self._frames.next()) is not None:
                if frame.transaction == self._transaction:
                    return frame.pdu
            data = await self._reader.read(_PIECE)
            if not data:
                raise ConnectionResetError(say("closed by the PLC", "被 PLC 关闭"))
            self._frames.feed(data)

    def _checked(self, function: int, reply: bytes, address: int, count: int) -> bytes:
        if reply[0] == function:
            return reply
        code = reply[1] if len(reply) > 1 else 0
        last = address + count - 1
        remedy = say(
            f"the PLC must serve holding registers {address}-{last}, to be read and written",
            f"PLC 必须提供可读写的保持寄存器 {address}-{last}",
        )
        raise self._trouble(
            say(
                f"exception {code:02X} on holding registers {address}-{last}",
                f"保持寄存器 {address}-{last} 返回异常 {code:02X}",
            ),
            remedy if code == _ILLEGAL_ADDRESS else "",
        )

    def _trouble(self, what: str, remedy: str = "") -> PlcError:
        return PlcError(f"{self._host}:{self._port}: {what}", remedy=remedy)
