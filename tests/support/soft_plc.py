"""A soft PLC: scans our Structured Text and exchanges its words over real Modbus, as a PLC does.

The text is the one that ``okng-edge registers --format st`` prints, read and run by ``iec61131``. What can
go wrong between PLC and station is made here: an exchange that is lost, a write that never arrives, a block
that is read in two requests, a connection that is torn down, a program that starts anew.
"""

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from enum import Enum, auto
from types import TracebackType
from typing import Any, Self

from pymodbus.client import AsyncModbusTcpClient
from pymodbus.client.base import ModbusBaseClient
from pymodbus.exceptions import ModbusException

from edge_service.domain.signal import Block
from edge_service.plc_code.structured_text import structured_text
from tests.support.iec61131 import Program, parse

SCAN_S = 0.001
LIMIT_S = 20.0


@functools.cache
def program() -> Program:
    """Return the text, checked once."""
    return Program(parse(structured_text()), time.monotonic)


class Fault(Enum):
    """What goes wrong in one scan's exchange."""

    LOST = auto()  # nothing is read, nothing written
    NOT_WRITTEN = auto()
    NOT_READ = auto()


class SoftPlc:
    """``FB_OKNG`` in a cyclic program; ``plc["Ready"]`` reads an output, ``plc.set`` writes inputs.

    ``connect`` returns a fresh client. ``split`` reads in two requests, ``compact`` reads words 0-15 and
    writes 0-4 only. With ``example`` the example program runs instead, over its own
    located words, and ``plc["GoodParts"]`` is one of its variables.
    """

    def __init__(
        self,
        connect: Callable[[], ModbusBaseClient],
        *,
        split: bool = False,
        example: bool = False,
        compact: bool = False,
        **inputs: Any,
    ) -> None:
        self._connect = connect
        read = [(0, 16)] if compact else [(0, 16), (16, 120)] if split else [(0, 120)]
        self._reads, self._writes = read, 5 if compact else Block.COMMAND.words
        self._example = example
        self._inputs = inputs | {"Compact": compact}
        self._words = [0] * Block.STATION.words
        self._client: ModbusBaseClient | None = None
        self.fault: Callable[[], Fault | None] = lambda: None
        self.restart_program()

    @classmethod
    def over_tcp(cls, host: str, port: int, **options: Any) -> Self:
        """Talk Modbus/TCP."""
        return cls(
            lambda: AsyncModbusTcpClient(host, port=port, reconnect_delay=0, retries=0, timeout=2.0),
            **options,
        )

    def restart_program(self) -> None:
        """Start the PLC's program anew: every variable at its initial value."""
        self._block = program().new("OKNG_EXAMPLE" if self._example else "FB_OKNG")
        if not self._example:
            self.set(Enable=True, **self._inputs)

    def set(self, **inputs: Any) -> None:
        """Set inputs of the block."""
        for name, value in inputs.items():
            assert name.upper() in self._block.values, name
            self._block.values[name.upper()] = value

    def __getitem__(self, name: str) -> Any:
        return self._block.values[name.upper()]

    async def __aenter__(self) -> Self:
        await self.reconnect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()

    async def reconnect(self) -> None:
        """Tear the connection down and open another."""
        if self._client is not None:
            self._client.close()
        self._client = self._connect()
        await self._client.connect()

    async def scan(self) -> None:
        """Read, run the program once, write. Without a station nothing is exchanged."""
        fault = self.fault()
        if fault not in {Fault.LOST, Fault.NOT_READ}:
            await self._exchange(self._read())
        values = self._block.values
        if self._example:
            values |= {f"FROMSTATION{index}": word for index, word in enumerate(self._words)}
        else:
            values["FROMSTATION"] = list(self._words)
        self._block()
        if fault not in {Fault.LOST, Fault.NOT_WRITTEN}:
            await self._exchange(self._write())
        await asyncio.sleep(SCAN_S)

    async def _exchange(self, request: Awaitable[None]) -> None:
        try:
            await request
        except ModbusException:
            await self.reconnect()

    async def _read(self) -> None:
        assert self._client is not None
        for first, last in self._reads:
            reply = await self._client.read_input_registers(first, count=last - first)
            self._words[first:last] = reply.registers

    async def _write(self) -> None:
        assert self._client is not None
        values = self._block.values
        located = [values.get(f"TOSTATION{index}", 0) for index in range(Block.COMMAND.words)]
        words = located if self._example else values["TOSTATION"]
        await self._client.write_registers(0, list(words[: self._writes]))

    async def until(self, holds: Callable[[], bool]) -> None:
        """Scan until it holds."""
        deadline = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < deadline, (self["State"], self["NotReadyCode"], self["Code"])
            await self.scan()

    async def ready(self) -> None:
        """Scan until a part may come."""
        await self.until(lambda: bool(self["Ready"]))

    async def trigger(self, serial: bytes = b"") -> None:
        """Raise Trigger for one scan with that serial, whatever Ready says."""
        octets = serial.ljust(40, b"\0")
        words = [int.from_bytes(octets[at : at + 2]) for at in range(0, 40, 2)]
        self.set(Trigger=True, PartSerial=words)
        await self.scan()
        self.set(Trigger=False)

    async def inspect(self, serial: bytes = b"") -> tuple[bool, int, int]:
        """Inspect one part; return Ok, Verdict and Code."""
        await self.ready()
        await self.trigger(serial)
        await self.until(lambda: bool(self["Done"]))
        return self["Ok"], self["Verdict"], self["Code"]

    async def execute(self, command: int, *parameters: int) -> int:
        """Execute a command; return CommandResult."""
        await self.ready()
        given = {f"Parameter{index}": value for index, value in enumerate(parameters, 1)}
        self.set(Execute=True, Command=command, **given)
        await self.scan()
        self.set(Execute=False)
        await self.until(lambda: not self["CommandBusy"])
        return int(self["CommandResult"])
