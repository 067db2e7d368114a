"""One secure channel and the requests on it: who may speak at all, and how much at once.

- The certificate that signed the channel is checked when the channel opens, and CreateSession must show the
  same one: a public certificate without its key opens nothing.
- ``None`` is for finding endpoints, unless it is on offer.
- One session a connection, so many in all; its token is random and bound to the channel's certificate.
- The number of operations is read before they are decoded.
"""

import asyncio
import hmac
from collections.abc import Callable
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer, ServiceError
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.server.internal_session import SessionState
from asyncua.server.uaprocessor import UaProcessor
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary

from edge_service.gateway.opcua.history import MOST_NODES
from edge_service.gateway.opcua.limits import Brake
from edge_service.gateway.opcua.mended.session import MendedSession

_MIN_LIFETIME_MS, _MAX_LIFETIME_MS = 60_000, 3_600_000
_NONCE_BYTES = 32
_CALL_WEIGHT = 10  # operations that one method call, or one node's history, counts for


def _encoding(name: str) -> ua.NodeId:
    return ua.NodeId(getattr(ua.ObjectIds, f"{name}Request_Encoding_DefaultBinary"))


_DISCOVERY = frozenset({_encoding("GetEndpoints"), _encoding("FindServers"), _encoding("CloseSecureChannel")})
_CREATE, _ACTIVATE, _CALL = _encoding("CreateSession"), _encoding("ActivateSession"), _encoding("Call")
_CLOSE, _HISTORY = _encoding("CloseSession"), _encoding("HistoryRead")


def _after(octets: int) -> Callable[[Buffer], None]:
    return lambda body: body.skip(octets)


def _after_view(body: Buffer) -> None:
    nodeid_from_binary(body)
    body.skip(8 + 4 + 4)  # the view's time and version, the most references wanted


def _after_details(body: Buffer) -> None:
    nodeid_from_binary(body)
    if body.read(1) != b"\x00":
        octets = ua.ua_binary.Primitives.Int32.unpack(body)
        if octets < 0:
            raise ServiceError(ua.StatusCodes.BadDecodingError)
        body.skip(octets)
    body.skip(4 + 1)  # which timestamps, whether to release


_COUNT: dict[ua.NodeId, Callable[[Buffer], None]] = {
    _encoding("Read"): _after(8 + 4),
    _encoding("Write"): _after(0),
    _CALL: _after(0),
    _HISTORY: _after_details,
    _encoding("Browse"): _after_view,
    _encoding("TranslateBrowsePathsToNodeIds"): _after(0),
    _encoding("RegisterNodes"): _after(0),
    _encoding("UnregisterNodes"): _after(0),
    _encoding("CreateMonitoredItems"): _after(4 + 4),
    _encoding("ModifyMonitoredItems"): _after(4 + 4),
    _encoding("SetMonitoringMode"): _after(4 + 4),
    _encoding("DeleteMonitoredItems"): _after(4),
    _encoding("DeleteSubscriptions"): _after(0),
    _encoding("SetPublishingMode"): _after(1),
    _encoding("TransferSubscriptions"): _after(0),
}
"""Services with a list of operations -> how to come to its length in the request."""

_WITHOUT_LIST = frozenset(
    map(_encoding, ("CreateSubscription", "ModifySubscription", "Publish", "Republish", "CloseSession"))
)
_SERVED = frozenset(_COUNT) | _WITHOUT_LIST | _DISCOVERY | {_CREATE, _ACTIVATE}


class MendedProcessor(UaProcessor):
    """Answers the messages of one connection."""

    session: MendedSession | None

    def __init__(self, internal_server: Any, transport: Any, limits: Any) -> None:
        super().__init__(internal_server, transport, limits)
        clock = asyncio.get_running_loop().time
        self._session_watchdog_task: asyncio.Task[None] | None = None
        self._brake = Brake(internal_server.limits.operations_per_s, clock)

    @property
    def channel_is_open(self) -> bool:
        """Whether messages may come."""
        return bool(self._connection.is_open())

    @property
    def is_gone(self) -> bool:
        """Whether the connection is closed."""
        return bool(self._closing)

    @property
    def address(self) -> str:
        """The client's address."""
        return self.name[0] if self.name else ""

    @property
    def peer_certificate(self) -> bytes:
        """The certificate whose key signed this channel; empty without security."""
        return self._connection.security_policy.peer_certificate or b""

    @property
    def mode(self) -> ua.MessageSecurityMode:
        """How this channel is secured."""
        return self._connection.security_policy.Mode

    def open_secure_channel(self, algohdr: Any, seqhdr: Any, body: Any) -> None:
        """Open or renew the channel. The request's signature was verified when it was taken apart."""
        request = struct_from_binary(ua.OpenSecureChannelRequest, body)
        parameters = request.Parameters
        lifetime = min(max(parameters.RequestedLifetime, _MIN_LIFETIME_MS), _MAX_LIFETIME_MS)
        parameters.RequestedLifetime = lifetime
        if not self.channel_is_open:
            uri, certificate = algohdr.SecurityPolicyURI, algohdr.SenderCertificate
            self._connection.select_policy(uri, certificate, parameters.SecurityMode)
            if uri != SecurityPolicyNone.URI:
                self.iserver.gate.check_application(certificate or b"", self.address)
        response = ua.OpenSecureChannelResponse()
        response.Parameters = self._connection.open(parameters, self.iserver)
        self.send_response(request.RequestHeader.RequestHandle, seqhdr, response, ua.MessageType.SecureOpen)

    async def _process_message(self, typeid: Any, requesthdr: Any, seqhdr: Any, body: Any) -> Any:
        if typeid not in _SERVED:
            raise ServiceError(ua.StatusCodes.BadServiceUnsupported)
        if typeid not in _DISCOVERY:
            self._require_security()
        await self._take_turn(typeid, body)
        if typeid == _CREATE:
            await self._make_room(struct_from_binary(ua.CreateSessionParameters, body.copy()))
            done = await super()._process_message(typeid, requesthdr, seqhdr, body)
            assert self.session is not None, "just created"
            self.session.bind(self.peer_certificate, self.address)
            return done
        if typeid == _ACTIVATE:
            await self._activate(requesthdr, seqhdr, struct_from_binary(ua.ActivateSessionParameters, body))
            return True
        if typeid not in _DISCOVERY and not self._is_mine(requesthdr.AuthenticationToken):
            raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
        return await super()._process_message(typeid, requesthdr, seqhdr, body)

    def _require_security(self) -> None:
        if self.mode == ua.MessageSecurityMode.None_ and not self.iserver.gate.allow_none:
            raise ServiceError(ua.StatusCodes.BadSecurityPolicyRejected)

    async def _take_turn(self, typeid: ua.NodeId, body: Buffer) -> None:
        """Refuse what is too much in one request; wait while this connection is too fast."""
        limits, operations = self.iserver.limits, 1
        if typeid in _COUNT:
            head = body.copy()
            _COUNT[typeid](head)
            operations = ua.ua_binary.Primitives.Int32.unpack(head)
            if operations <= 0:
                raise ServiceError(ua.StatusCodes.BadNothingToDo)
            most = {_CALL: limits.calls_per_request, _HISTORY: MOST_NODES}.get(
                typeid, limits.operations_per_request
            )
            if operations > most:
                raise ServiceError(ua.StatusCodes.BadTooManyOperations)
        weight = _CALL_WEIGHT if typeid in (_CALL, _HISTORY) else 1
        if (delay := self._brake.spend(operations * weight)) > 0:
            await asyncio.sleep(delay)

    async def _make_room(self, parameters: ua.CreateSessionParameters) -> None:
        """Refuse a session that may not be created here."""
        if self.session is not None and self.session.state is SessionState.Activated:
            raise ServiceError(ua.StatusCodes.BadTooManySessions)
        if self.session is not None:
            self.iserver.unregister_external_session(self.session)
            self.session.state = SessionState.Closed
        if self._session_watchdog_task is not None:
            self._session_watchdog_task.cancel()
        if self.iserver.session_count >= self.iserver.limits.sessions:
            await self.iserver.drop_orphan()
        if self.iserver.session_count >= self.iserver.limits.sessions:
            raise ServiceError(ua.StatusCodes.BadTooManySessions)
        if self.mode != ua.MessageSecurityMode.None_:
            if (parameters.ClientCertificate or b"") != self.peer_certificate:
                raise ServiceError(ua.StatusCodes.BadCertificateInvalid)
            if len(parameters.ClientNonce or b"") < _NONCE_BYTES:
                raise ServiceError(ua.StatusCodes.BadNonceInvalid)
            self.iserver.gate.check_uri(self.peer_certificate, parameters.ClientDescription.ApplicationUri)

    def _is_mine(self, token: ua.NodeId) -> bool:
        return self.session is not None and self.session.auth_token == token

    async def _activate(self, requesthdr: Any, seqhdr: Any, parameters: Any) -> None:
        session = self.iserver.lookup_external_session(requesthdr.AuthenticationToken)
        if session is None or session.state is SessionState.Closed:
            raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
        if not hmac.compare_digest(session.peer_certificate, self.peer_certificate):
            raise ServiceError(ua.StatusCodes.BadSessionIdInvalid)
        self._verify_client(session, parameters.ClientSignature)
        identity = await self.iserver.gate.identify(
            parameters.UserIdentityToken,
            parameters.UserTokenSignature,
            session.nonce,
            self.mode,
            self.address,
        )
        if session.state is SessionState.Activated and session.identity.name != identity.name:
            self.iserver.subscription_service.drop_of(session.session_id)
        result = session.activate(identity)
        self._take_over(session)
        response = ua.ActivateSessionResponse()
        response.Parameters = result
        self.send_response(requesthdr.RequestHandle, seqhdr, response)

    def _verify_client(self, session: MendedSession, signature: ua.SignatureData) -> None:
        policy = self._connection.security_policy
        try:
            policy.asymmetric_cryptography.verify(
                (policy.host_certificate or b"") + session.nonce, signature.Signature
            )
        except Exception as error:
            raise ServiceError(ua.StatusCodes.BadApplicationSignatureInvalid) from error

    def _take_over(self, session: MendedSession) -> None:
        """Serve this session from now on; whoever served it before no longer does."""
        if session.processor is not None and session.processor is not self:
            session.processor.session = None
        session.processor = self
        self.session = session
        for subscription in self.iserver.subscription_service.of(session.session_id):
            subscription.pub_result_callback = self.forward_publish_response
            subscription.pub_request_callback = self.get_publish_request
        if self._session_watchdog_task is None or self._session_watchdog_task.done():
            self._session_watchdog_task = asyncio.create_task(
                self._session_watchdog_loop(), name="opcua-session"
            )
