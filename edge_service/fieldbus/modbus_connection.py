"""One master's Modbus/TCP connection: every request is answered in order, or the connection is closed.

A bad header or a request that stays cut off for too long ends the connection: there is no way to find the
next frame. A master that does not read its replies is not read any further.
"""

import asyncio
import socket
from typing import Protocol

from edge_service.fieldbus.channel import Access, Channel, ChannelError
from edge_service.fieldbus.mbap import BadHeaderError, MbapReader, Request
from edge_service.fieldbus.responder import GATEWAY_TARGET_FAILED, exception_reply

_KEEPALIVE_IDLE_S, _KEEPALIVE_INTERVAL_S, _KEEPALIVE_PROBES = 10, 5, 3
_UNSENT_LIMIT = 64 * 1024  # bytes of replies that wait for a slow reader


class Host(Protocol):
    """What a connection needs of its server."""

    partial_timeout_s: float
    idle_timeout_s: float

    def admit(self, connection: "ModbusConnection") -> bool:
        """Take a new connection in; False refuses it."""
        ...

    def forget(self, connection: "ModbusConnection") -> None:
        """Drop a connection that ended."""
        ...

    def answer(self, request: Request, writer: str, access: Access) -> bytes:
        """Return the reply's PDU."""
        ...

    def owns(self, writer: str) -> bool:
        """Whether that writer owns the command block."""
        ...

    def complain(self, event: str, **facts: object) -> None:
        """Log a warning, within bounds."""
        ...


class ModbusConnection(asyncio.Protocol):
    """Lives as long as its socket; everything happens in the event loop's callbacks."""

    def __init__(self, host: Host, loop: asyncio.AbstractEventLoop, channel: Channel) -> None:
        self._host = host
        self._loop = loop
        self._channel = channel
        self._reader = MbapReader()
        self._transport: asyncio.Transport | None = None
        self._partial_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._paused = False
        self.peer = ""
        self.writer = ""
        self.last_request = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start to serve, unless the server is full."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        address = transport.get_extra_info("peername") or ("?", 0)
        self.writer, self.peer = str(address[0]), f"{address[0]}:{address[1]}"
        self.last_request = self._loop.time()
        transport.set_write_buffer_limits(high=_UNSENT_LIMIT)
        _detect_dead_peers(transport.get_extra_info("socket"))
        if not self._host.admit(self):
            transport.abort()
            return
        self._watch_idle()
        self._watch_partial()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the reason changes nothing
        """Forget everything; the conversation with the PLC stands, it belongs to the station."""
        for timer in (self._partial_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._host.forget(self)

    def data_received(self, data: bytes) -> None:
        """Take bytes, answer every whole request."""
        assert self._transport is not None
        try:
            self._reader.feed(self._channel.receive(data))
        except ChannelError as bad:
            self._host.complain("modbus_tls_refused", peer=self.peer, what=str(bad))
            self._transport.write(self._channel.send(b""))
            self._transport.close()
            return
        self._transport.write(self._channel.send(b""))
        self._serve()

    def pause_writing(self) -> None:
        """Stop reading: the master does not take its replies."""
        self._paused = True
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """Go on."""
        self._paused = False
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()
            self._serve()

    def close(self) -> None:
        """End the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _serve(self) -> None:
        assert self._transport is not None
        try:
            while not self._paused and (request := self._reader.next()) is not None:
                self.last_request = self._loop.time()
                self._stop_partial()
                pdu = self._answer(request)
                self._transport.write(self._channel.send(request.reply(pdu)))
        except BadHeaderError as bad:
            self._host.complain("modbus_bad_header", peer=self.peer, what=str(bad))
            self._transport.close()
            return
        if not self._paused:
            self._watch_partial()

    def _answer(self, request: Request) -> bytes:
        access = self._channel.access
        if not access.allows(request.pdu[0]):
            who, function = self._channel.who, request.pdu[0]
            self._host.complain("modbus_role_refused", peer=self.peer, who=who, function=function)
        return self._host.answer(request, self.writer, access)

    def _watch_partial(self) -> None:
        if self._channel.established and not self._reader.partial:
            self._stop_partial()
        elif self._partial_timer is None:
            self._partial_timer = self._loop.call_later(self._host.partial_timeout_s, self._cut_off)

    def _stop_partial(self) -> None:
        if self._partial_timer is not None:
            self._partial_timer.cancel()
            self._partial_timer = None

    def _cut_off(self) -> None:
        self._host.complain("modbus_partial_request", peer=self.peer)
        self.close()

    def _watch_idle(self) -> None:
        due = self.last_request + self._host.idle_timeout_s
        if self._host.owns(self.writer):
            due = max(due, self._loop.time() + self._host.idle_timeout_s)
        if due <= self._loop.time():
            self._host.complain("modbus_idle", peer=self.peer)
            self.close()
            return
        self._idle_timer = self._loop.call_at(due, self._watch_idle)


def _detect_dead_peers(wire: socket.socket | None) -> None:
    """Let the kernel end a connection whose other end vanished without a word."""
    if wire is not None:
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _KEEPALIVE_IDLE_S)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_INTERVAL_S)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _KEEPALIVE_PROBES)


def refuse_unit(request: Request) -> bytes:
    """Return the reply to a unit id that is not ours: gateway target failed to respond."""
    return exception_reply(request.pdu[0], GATEWAY_TARGET_FAILED)
