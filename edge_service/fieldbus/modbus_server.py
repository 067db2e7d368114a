"""Modbus/TCP server, plain or behind TLS (Modbus/TCP Security): the PLC's door to the station.

Our own small server instead of a library's, for what the PLC sees of it: pipelined requests are all
answered, in order; a bad header closes the connection; exceptions are the specification's; garbage cannot
flood the log (docs/decisions tells more). Bounded: 16 connections (the oldest idle one that is not the
owner's gives way), 5 s for a cut-off request, 60 s for an idle one. A broken connection changes nothing of
the conversation: that belongs to the station, and a writer is an address, not a socket::

    async with ModbusTcpServer(ModbusTcpSettings(port=1502), Memory(station)) as server:
        print(server.address())
"""

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from types import TracebackType
from typing import TYPE_CHECKING, Self

from edge_service.errors import ConfigurationError
from edge_service.fieldbus.channel import Access, Channel, PlainChannel
from edge_service.fieldbus.device_identification import DeviceIdentification
from edge_service.fieldbus.mbap import Request
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_connection import ModbusConnection, refuse_unit
from edge_service.fieldbus.quiet_log import QuietLog
from edge_service.fieldbus.registers import Orders, Wire
from edge_service.fieldbus.responder import ILLEGAL_FUNCTION, Responder, exception_reply
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.fieldbus.tls import TlsSettings


@dataclass(frozen=True, slots=True)
class ModbusTcpSettings:
    """How the server listens and how words lie on the wire. Port 0 takes a free one."""

    host: str = "0.0.0.0"  # noqa: S104  # the PLC comes from the machine network; set the address to narrow it
    port: int = 502
    unit_id: int = 1
    unit_id_strict: bool = False
    orders: Orders = field(default_factory=Orders)
    allowed_clients: tuple[IPv4Network | IPv6Network, ...] = ()  # empty = everybody
    connections: int = 16
    partial_timeout_s: float = 5.0
    idle_timeout_s: float = 60.0
    version: str = ""
    station: str = ""
    tls: "TlsSettings | None" = None  # with it: Modbus/TCP Security


class ModbusTcpServer:
    """Serves from enter to exit. Raises ConfigurationError when it cannot listen."""

    def __init__(self, settings: ModbusTcpSettings, memory: Memory) -> None:
        self._settings = settings
        self._memory = memory
        identification = DeviceIdentification(version=settings.version, station=settings.station)
        self._responder = Responder(memory, Wire(settings.orders), identification)
        self._connections: list[ModbusConnection] = []
        self._server: asyncio.Server | None = None
        self._log: QuietLog | None = None
        self._failure: asyncio.Future[None] | None = None
        self._channel: Callable[[], Channel] = PlainChannel
        self.partial_timeout_s = settings.partial_timeout_s
        self.idle_timeout_s = settings.idle_timeout_s

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._log = QuietLog(loop.time)
        self._failure = loop.create_future()
        if self._settings.tls is not None:
            self._channel = _tls_channels(self._settings.tls)
        try:
            self._server = await loop.create_server(
                lambda: ModbusConnection(self, loop, self._channel()),
                self._settings.host,
                self._settings.port,
            )
        except OSError as error:
            raise _cannot_listen(self._settings, error) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for connection in list(self._connections):
            connection.close()
        await self._server.wait_closed()
        if self._failure is not None:
            self._failure.cancel()

    def address(self) -> str:
        """Where it listens, as "host:port"."""
        host, port = self.socket_address()
        return f"{host}:{port}"

    def socket_address(self) -> tuple[str, int]:
        """Where it listens; the port is the real one when 0 was asked for."""
        assert self._server is not None, "entered"
        name = self._server.sockets[0].getsockname()
        return str(name[0]), int(name[1])

    async def failed(self) -> None:
        """Wait for ever; raise when serving a request met a bug, so that the process ends."""
        assert self._failure is not None, "entered"
        await asyncio.shield(self._failure)

    @property
    def clients(self) -> tuple[str, ...]:
        """Who is connected, as "host:port"."""
        return tuple(connection.peer for connection in self._connections)

    # What its connections ask of it

    def admit(self, connection: ModbusConnection) -> bool:
        """Take a connection in; make room by closing the oldest idle one that is not the owner's."""
        if not self._allowed(connection.writer):
            self.complain("modbus_client_not_allowed", peer=connection.peer)
            return False
        if len(self._connections) >= self._settings.connections:
            readers = [other for other in self._connections if not self.owns(other.writer)]
            if not readers:
                self.complain("modbus_too_many_connections", peer=connection.peer)
                return False
            oldest = min(readers, key=lambda other: other.last_request)
            self.complain("modbus_oldest_closed", peer=oldest.peer, for_peer=connection.peer)
            self._connections.remove(oldest)
            oldest.close()
        self._connections.append(connection)
        return True

    def forget(self, connection: ModbusConnection) -> None:
        """Drop a connection that ended."""
        if connection in self._connections:
            self._connections.remove(connection)

    def answer(self, request: Request, writer: str, access: Access) -> bytes:
        """Return the reply's PDU to a request for our unit."""
        if not access.allows(request.pdu[0]):
            return exception_reply(request.pdu[0], ILLEGAL_FUNCTION)
        if self._settings.unit_id_strict and request.unit != self._settings.unit_id:
            return refuse_unit(request)
        try:
            return self._responder.answer(request.pdu, writer)
        except Exception as error:
            if self._failure is not None and not self._failure.done():
                self._failure.set_exception(error)
            raise

    def owns(self, writer: str) -> bool:
        """Whether that writer owns the command block."""
        return self._memory.owner() == writer

    def complain(self, event: str, **facts: object) -> None:
        """Log a warning, within bounds."""
        assert self._log is not None, "entered"
        self._log.warning(event, **facts)

    def _allowed(self, writer: str) -> bool:
        networks = self._settings.allowed_clients
        return not networks or any(ip_address(writer) in network for network in networks)


def _tls_channels(settings: "TlsSettings") -> Callable[[], Channel]:
    from edge_service.fieldbus.tls import TlsDoor  # noqa: PLC0415 - loaded only where it is configured

    return TlsDoor(settings).channel


def _cannot_listen(settings: ModbusTcpSettings, error: OSError) -> ConfigurationError:
    place = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        remedy = say(
            f"end the other program (ss -ltnp 'sport = :{settings.port}' names it) or set another port",
            f"结束占用端口的程序（ss -ltnp 'sport = :{settings.port}' 可查）或改用其他端口",
        )
    elif error.errno == errno.EACCES:
        remedy = say(
            "ports below 1024 need CAP_NET_BIND_SERVICE (the systemd unit has it), or take one above",
            "1024 以下端口需要 CAP_NET_BIND_SERVICE（systemd 单元已具备），或改用更大的端口",
        )
    else:
        remedy = say("set an address that this box has", "设置本机拥有的地址")
    return ConfigurationError(
        say(
            f"cannot listen on {place} for Modbus: {error.strerror}",
            f"无法在 {place} 监听 Modbus：{error.strerror}",
        ),
        remedy=remedy,
    )
