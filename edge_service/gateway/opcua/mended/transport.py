"""One connection: frames out of bytes, one after the other, never more than the client may have in hand.

- A frame longer than a chunk may be, of no known kind, or out of turn ends the connection.
- Bytes are taken only as fast as requests are answered: while some wait, nothing is read.
- While the client does not read its answers, none is made; if that lasts, the connection ends.
- A connection without an activated session is closed after a while.
"""

import asyncio
import struct
from typing import Any

import structlog
from asyncua import ua
from asyncua.common.utils import Buffer, ServiceError
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.ua.ua_binary import header_from_binary, uatcp_to_binary

from edge_service.gateway.opcua.mended.processor import MendedProcessor

log = structlog.get_logger()

_HEADER = struct.Struct("<3scI")
_FIRST = b"HEL"
_KINDS = frozenset({_FIRST, b"OPN", b"MSG", b"CLO"})
_LOOK_S = 1.0


class MendedProtocol(OPCUAProtocol):
    """A connection with its processor."""

    processor: MendedProcessor | None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Let the client in, unless too many are there."""
        limits = self.iserver.limits
        self.peer_name = transport.get_extra_info("peername")
        address = self.peer_name[0] if self.peer_name else ""
        from_there = sum(1 for other in self.clients if other.peer_name and other.peer_name[0] == address)
        if len(self.clients) >= limits.connections or from_there >= limits.connections_per_address:
            self.iserver.warn("opcua_connection_refused", address=address, connections=len(self.clients))
            transport.abort()
            return
        self._bytes = bytearray()
        self._more = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._unread_since: float | None = None
        self._greeted = False
        self.transport = transport
        transport.set_write_buffer_limits(high=limits.unread_bytes)
        self.processor = MendedProcessor(self.iserver, transport, self.limits)
        self.processor.set_policies(self.policies)
        self.iserver.asyncio_transports.append(transport)
        self.clients.append(self)
        self._task = asyncio.create_task(self._turn(), name="opcua-connection")
        self._activation_watchdog_task = asyncio.create_task(self._watch(), name="opcua-watch")

    def connection_lost(self, error: BaseException | None) -> None:
        """Clean up; a connection that was never let in has nothing to clean."""
        if self.processor is not None:
            super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        """Keep the bytes for the turn; read no more while two chunks wait."""
        if self.processor is None:
            return
        self._bytes += data
        if len(self._bytes) > 2 * self.limits.max_recv_buffer:
            self.transport.pause_reading()
        self._more.set()

    def pause_writing(self) -> None:
        """Answer nothing more until the client has read."""
        self._writable.clear()
        self._unread_since = asyncio.get_running_loop().time()

    def resume_writing(self) -> None:
        """Go on answering."""
        self._unread_since = None
        self._writable.set()

    async def _turn(self) -> None:
        try:
            while True:
                await self._writable.wait()
                frame = self._frame()
                if frame is None:
                    self._more.clear()
                    self.transport.resume_reading()
                    await self._more.wait()
                elif not await self._answer(frame):
                    break
        except (ServiceError, ua.UaError) as error:
            self._refuse(getattr(error, "code", ua.StatusCodes.BadTcpInternalError), repr(error))
        except Exception as error:  # noqa: BLE001 - the supervisor of one connection: whatever came, it ends
            self._refuse(ua.StatusCodes.BadTcpInternalError, repr(error))
        self.transport.close()

    def _frame(self) -> bytes | None:
        """Return the next whole frame, None while it is not there. Raises ServiceError for no frame."""
        if len(self._bytes) < _HEADER.size:
            return None
        kind, _, size = _HEADER.unpack_from(self._bytes)
        if kind not in _KINDS:
            raise ServiceError(ua.StatusCodes.BadTcpMessageTypeInvalid)
        if not _HEADER.size < size <= self.limits.max_recv_buffer:
            raise ServiceError(ua.StatusCodes.BadTcpMessageTooLarge)
        if len(self._bytes) < size:
            return None
        frame = bytes(self._bytes[:size])
        del self._bytes[:size]
        return frame

    async def _answer(self, frame: bytes) -> bool:
        assert self.processor is not None, "set with the connection"
        kind = frame[:3]
        in_turn = (kind == _FIRST) != self._greeted and (
            kind in (_FIRST, b"OPN") or self.processor.channel_is_open
        )
        if not in_turn:
            raise ServiceError(ua.StatusCodes.BadTcpMessageTypeInvalid)
        self._greeted = True
        buffer = Buffer(frame)
        header = header_from_binary(buffer)
        return bool(await self.processor.process(header, buffer))

    def _refuse(self, code: int, why: str) -> None:
        self.iserver.warn("opcua_connection_closed", client=str(self.peer_name), reason=why)
        message = ua.ErrorMessage(ua.StatusCode(code), ua.StatusCode(code).name)
        self.transport.write(uatcp_to_binary(ua.MessageType.Error, message))

    async def _watch(self) -> None:
        limits, loop = self.iserver.limits, asyncio.get_running_loop()
        since = loop.time()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = loop.time()
            session = self.processor.session if self.processor else None
            if session is not None and session.is_activated():
                since = now
            if self._unread_since is not None and now - self._unread_since > limits.unread_s:
                self.iserver.warn("opcua_client_does_not_read", client=str(self.peer_name))
                self.transport.abort()
                return
            if now - since > limits.activation_s:
                self.transport.close()
                return


class MendedBinaryServer(BinaryServer):
    """Listens, and gives each connection a ``MendedProtocol``."""

    def _make_protocol(self) -> Any:
        return MendedProtocol(
            iserver=self.iserver,
            policies=self._policies,
            clients=self.clients,
            closing_tasks=self.closing_tasks,
            limits=self.limits,
        )
