"""A PLC's end of one Modbus/TCP connection: the station's words in, the command block out.

One request at a time; whatever goes wrong is a PlcError that says what to do. Reads change nothing::

    async with PlcLine("127.0.0.1", 1502) as line:
        print((await line.outputs())["Status.TriggerReady"])
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from edge_service.domain.signal import Block, SignalValue
from edge_service.domain.words import decode, encode
from edge_service.errors import NotOwnerError, PlcError
from edge_service.language import say

_ILLEGAL_FUNCTION = 1


class PlcLine:
    """A connection from enter to exit. Raises PlcError, and NotOwnerError when another master may write."""

    def __init__(self, host: str, port: int, *, unit: int = 1, timeout_s: float = 1.0) -> None:
        self.place = f"{host}:{port}"
        self._client = AsyncModbusTcpClient(host, port=port, timeout=timeout_s, retries=3, reconnect_delay=0)
        self._unit = unit
        self._turn = asyncio.Lock()  # one request at a time on the wire

    async def __aenter__(self) -> Self:
        if not await self._client.connect():
            raise PlcError(
                say(f"no Modbus server answers at {self.place}", f"{self.place} 没有 Modbus 服务器应答"),
                remedy=say(
                    "is the station running, is this address in its modbus.tcp.allow? "
                    "(okng-edge run --sim starts one)",
                    "工位是否在运行？地址是否在其 modbus.tcp.allow 中？（okng-edge run --sim 可启动一个）",
                ),
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    async def words(self) -> Sequence[int]:
        """Read everything the station says, in one request, as it lies on the wire."""
        count = Block.STATION.words
        reply = await self._ask(
            lambda: self._client.read_input_registers(0, count=count, device_id=self._unit)
        )
        return reply.registers

    async def outputs(self) -> Mapping[str, SignalValue]:
        """Read everything the station says, by signal name."""
        return decode(Block.STATION, await self.words())

    async def command_words(self) -> Sequence[int]:
        """Read the command block as it stands, in one request, as it lies on the wire."""
        count = Block.COMMAND.words
        reply = await self._ask(
            lambda: self._client.read_holding_registers(0, count=count, device_id=self._unit)
        )
        return reply.registers

    async def write(self, image: Mapping[str, SignalValue]) -> None:
        """Write the whole command block, in one request."""
        words = list(encode(Block.COMMAND, image))
        await self._ask(lambda: self._client.write_registers(0, words, device_id=self._unit), writes=True)

    async def _ask(self, request: Callable[[], Awaitable[ModbusPDU]], *, writes: bool = False) -> ModbusPDU:
        try:
            async with self._turn:
                if not self._client.connected:
                    await self._client.connect()
                reply = await request()
        except ModbusException as error:
            raise PlcError(
                say(f"{self.place} does not answer: {error}", f"{self.place} 无应答：{error}"),
                remedy=say("is the station running?", "工位是否在运行？"),
            ) from error
        if reply.isError():
            raise self._refused(reply.exception_code, writes=writes)
        return reply

    def _refused(self, code: int, *, writes: bool) -> PlcError:
        if writes and code == _ILLEGAL_FUNCTION:
            return NotOwnerError(
                say(
                    f"another master owns {self.place}: it refuses our writes (exception 01)",
                    f"{self.place} 由其他主站占用：拒绝写入（异常 01）",
                ),
                remedy=say(
                    "stop the other one or let it write TriggerEnable 0; the station is also free after 10 s "
                    "without a request of its owner (`okng-edge monitor` on the station names the owner)",
                    "停止另一主站或让其写 TriggerEnable 0；占用者 10 秒无请求后也会释放"
                    "（在工位上运行 `okng-edge monitor` 可看到占用者）",
                ),
            )
        return PlcError(
            say(
                f"{self.place} refused with exception {code:02X}",
                f"{self.place} 以异常 {code:02X} 拒绝",
            ),
            remedy=say("is this an okng station, and its unit id right?", "这是 okng 工位吗？站号是否正确？"),
        )
