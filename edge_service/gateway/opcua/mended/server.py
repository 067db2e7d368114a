"""The server out of its mended pieces."""

from collections.abc import Iterator
from typing import Any

from asyncua import Server, ua
from asyncua.crypto import security_policies
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.subscription_service import SubscriptionService

from edge_service.gateway.opcua.history import MOST_NODES
from edge_service.gateway.opcua.limits import Limits
from edge_service.gateway.opcua.mended.decoding import mend_decoding
from edge_service.gateway.opcua.mended.session import MendedSession
from edge_service.gateway.opcua.mended.transport import MendedBinaryServer

_COMPLEX_TYPES = "http://opcfoundation.org/UA-Profile/Server/ComplexTypes2017"
_LIMIT = "Server_ServerCapabilities_OperationLimits_Max"
_OPERATIONS = (
    "NodesPerRead",
    "NodesPerWrite",
    "NodesPerBrowse",
    "NodesPerRegisterNodes",
    "NodesPerTranslateBrowsePathsToNodeIds",
    "MonitoredItemsPerCall",
)
_NOT_SERVED = ("NodesPerHistoryReadEvents", "NodesPerNodeManagement")


class MendedSubscriptions(SubscriptionService):
    """Knows whose a subscription is."""

    def of(self, session_id: ua.NodeId) -> Iterator[InternalSubscription]:
        """Return the subscriptions of a session."""
        return iter([sub for sub in self.subscriptions.values() if sub.session_id == session_id])

    def drop_of(self, session_id: ua.NodeId) -> None:
        """Forget the subscriptions of a session whose user changes."""
        for subscription in self.of(session_id):
            subscription.monitored_item_srv.delete_all_monitored_items()


class MendedInternalServer(InternalServer):
    """``gate`` says who may come in, ``space`` what may be written and called, ``warn`` is a quiet log."""

    def __init__(self, gate: Any, space: Any, limits: Limits, warn: Any) -> None:
        super().__init__()
        self.gate, self.space, self.limits, self.warn = gate, space, limits, warn
        self.subscription_service = MendedSubscriptions(self.aspace, iserver=self)
        self.isession.subscription_service = self.subscription_service
        self.max_session_timeout_ms = limits.session_timeout_ms
        self.max_connections = limits.connections
        self.max_pending_activation_seconds = limits.activation_s
        self.max_subscriptions = limits.sessions * limits.subscriptions
        self.max_monitored_item_queue_size = limits.event_queue
        self.max_unacked_messages_per_subscription = 200
        self.allow_remote_admin = False
        self.bind_condition_methods = 1

    def create_session(self, name: str, user: Any = None, external: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002
        """Return a session; a client's is a mended one."""
        if not external:
            return super().create_session(name)
        return MendedSession(self, self.aspace, self.subscription_service, name, external=True)

    @property
    def session_count(self) -> int:
        """How many clients have a session."""
        return len(self._external_sessions)

    async def drop_orphan(self) -> None:
        """Make room: end the oldest session whose connection is gone and that waits to be taken up again."""
        orphans = (
            each for each in self._external_sessions.values() if each.processor and each.processor.is_gone
        )
        if (orphan := next(orphans, None)) is not None:
            await orphan.close_session(True)

    def session_of(self, session_id: ua.NodeId) -> MendedSession | None:
        """Return a client's session by its public id."""
        sessions = self._external_sessions.values()
        return next((each for each in sessions if each.session_id == session_id), None)


class MendedServer(Server):
    """A server that listens with mended connections."""

    def __init__(self, gate: Any, space: Any, limits: Limits, warn: Any) -> None:
        mend_decoding()
        super().__init__(iserver=MendedInternalServer(gate, space, limits, warn))
        self._gate = gate
        self._permission_ruleset = None  # which services there are, and for whom, is said elsewhere
        self.limits.max_message_size = limits.message_kib * 1024
        self.limits.max_chunk_count = -(-self.limits.max_message_size // limits.chunk_bytes) * 2
        self.limits.max_recv_buffer = self.limits.max_send_buffer = limits.chunk_bytes

    async def tell_limits(self) -> None:
        """Write the limits where clients look for them, and that data types carry their definitions."""
        profiles = self.get_node(ua.NodeId(ua.ObjectIds.Server_ServerCapabilities_ServerProfileArray))
        await profiles.write_value(ua.Variant([_COMPLEX_TYPES], ua.VariantType.String))
        limits = self.iserver.limits
        values = dict.fromkeys(_OPERATIONS, limits.operations_per_request)
        values |= dict.fromkeys(_NOT_SERVED, 0) | {
            "NodesPerMethodCall": limits.calls_per_request,
            "NodesPerHistoryReadData": MOST_NODES,
        }
        for name, value in values.items():
            node = self.get_node(ua.NodeId(getattr(ua.ObjectIds, _LIMIT + name)))
            await node.write_value(ua.Variant(value, ua.VariantType.UInt32))

    async def start(self) -> None:
        """Listen. Raises OSError when the port is taken."""
        await self._setup_server_nodes()
        await self.iserver.start()
        host, port = self._get_bind_socket_info()
        self.bserver = MendedBinaryServer(self.iserver, host, port, self.limits)
        self.bserver.set_policies(self._policies)
        await self.bserver.start()

    def _set_endpoints(
        self, policy: type[security_policies.SecurityPolicy], mode: ua.MessageSecurityMode, level: int
    ) -> None:
        super()._set_endpoints(policy, mode, level)
        endpoint = self.iserver.endpoints[-1]
        kinds = self._gate.token_types(mode)
        endpoint.UserIdentityTokens = [
            token for token in endpoint.UserIdentityTokens if token.TokenType in kinds
        ]
