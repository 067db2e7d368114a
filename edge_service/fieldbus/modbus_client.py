"""Client mode: the station polls a PLC that can only be a server, and writes its answers there.

The map is the servers' own, at an offset in the PLC's holding registers. Each turn reads the command block
in one request, lets the handshake evaluate it as it would a write, then writes what changed of the station's
words: 16-119 first, 0-15 last, so that a PLC which sees ResultsValid has the record already.

The first image after each connect is a baseline: whatever it holds fires nothing. A PLC that does not answer
three times is lost (231, PlcLost); the station comes back to it after 0.5 s, then later and later up to 10 s,
and writes all its words anew. A bit must be held until it was answered: what comes and goes between two polls
was never there. Numbers (sequence mode) cannot be missed so.
"""

import asyncio
from dataclasses import dataclass, field

import structlog

from edge_service.domain.signal import Block
from edge_service.errors import NotOwnerError, PlcError
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_master import ModbusMaster
from edge_service.fieldbus.quiet_log import QuietLog
from edge_service.fieldbus.registers import Orders, Wire
from edge_service.lifecycle import Backoff

log = structlog.get_logger()

_COMPACT = 16  # the words that say that the others are whole


@dataclass(frozen=True, slots=True)
class ModbusClientSettings:
    """Where the PLC is, and where in it the two blocks lie."""

    host: str
    port: int = 502
    unit_id: int = 1
    command_at: int = 0
    station_at: int = 1000
    station_words: int = 120
    orders: Orders = field(default_factory=Orders)
    poll_s: float = 0.02
    reply_s: float = 0.5
    tries: int = 3
    reconnect_first_s: float = 0.5
    reconnect_most_s: float = 10.0


class ModbusClient:
    """Polls one PLC for as long as ``run`` runs. Its address is the writer."""

    def __init__(self, settings: ModbusClientSettings, memory: Memory) -> None:
        self._settings = settings
        self._memory = memory
        self._wire = Wire(settings.orders)
        self._seen: tuple[int, ...] | None = None  # None: the next image is a baseline
        self._written: tuple[int, ...] = ()
        self._lost = False
        self.connected = asyncio.Event()

    def address(self) -> str:
        """Where the PLC is, for people."""
        return f"{self._settings.host}:{self._settings.port}"

    async def run(self) -> None:
        """Converse with the PLC until cancelled."""
        settings = self._settings
        backoff = Backoff(settings.reconnect_first_s, settings.reconnect_most_s)
        complaints = QuietLog(asyncio.get_running_loop().time)
        while True:
            try:
                async with ModbusMaster(
                    settings.host,
                    settings.port,
                    unit=settings.unit_id,
                    reply_s=settings.reply_s,
                    tries=settings.tries,
                ) as plc:
                    await self._meet(plc)
                    backoff.reset()
                    await self._converse(plc)
            except PlcError as error:
                complaints.warning("modbus_client_lost", error=error.what, remedy=error.remedy)
                self._lose()
            await asyncio.sleep(backoff.next_s())

    async def _meet(self, plc: ModbusMaster) -> None:
        """Make the first turn: a baseline, and every word written."""
        self._seen, self._written = None, ()
        await self._turn(plc)
        if self._lost:
            self._memory.link(self.address(), there=True)
        self._lost = False
        self.connected.set()
        log.info("modbus_client_connected", plc=self.address())

    def _lose(self) -> None:
        self.connected.clear()
        if not self._lost:
            self._memory.link(self.address(), there=False)
        self._lost = True

    async def _converse(self, plc: ModbusMaster) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            due = max(due + self._settings.poll_s, loop.time())
            await asyncio.sleep(due - loop.time())
            await self._turn(plc)

    async def _turn(self, plc: ModbusMaster) -> None:
        self._take(await plc.read(self._settings.command_at, Block.COMMAND.words))
        await self._give(plc)

    def _take(self, words: tuple[int, ...]) -> None:
        if words == self._seen:
            self._memory.heard(self.address())
            return
        changes = dict(self._wire.from_wire(Block.COMMAND, at, word) for at, word in enumerate(words))
        try:
            self._memory.write(changes, self.address(), polled=True, baseline=self._seen is None)
        except NotOwnerError:
            self._seen = None  # whoever owns the station now: what was asked meanwhile is not asked any more
        else:
            self._seen = words

    async def _give(self, plc: ModbusMaster) -> None:
        station = self._wire.to_wire(Block.STATION, self._memory.words(Block.STATION))
        words = station[: self._settings.station_words]
        at = self._settings.station_at
        if words[_COMPACT:] != self._written[_COMPACT:]:
            await plc.write(at + _COMPACT, words[_COMPACT:])
        if words[:_COMPACT] != self._written[:_COMPACT]:
            await plc.write(at, words[:_COMPACT])
        self._written = words
