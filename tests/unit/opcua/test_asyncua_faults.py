"""The faults of bare asyncua that ``gateway/opcua/mended`` mends, each shown here on the library itself.

A test that fails here says that upstream has mended its fault: then the mend can go.
"""

import inspect

import pytest
from asyncua import Server, ua
from asyncua.common.connection import SecureConnection, TransportLimits
from asyncua.common.utils import Buffer
from asyncua.crypto.security_policies import SecurityPolicyNone
from asyncua.server import internal_session, uaprocessor
from asyncua.server.binary_server_asyncio import OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_session import InternalSession
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.monitored_item_service import WhereClauseEvaluator
from asyncua.server.subscription_service import SubscriptionService
from asyncua.server.user_managers import CertificateUserManager
from asyncua.ua import ua_binary

from edge_service.gateway.opcua.mended.decoding import _read, mend_decoding


@pytest.fixture
def bare() -> InternalServer:
    """The library's server without anything of ours."""
    return InternalServer()


def test_a_negative_length_reads_backwards():
    """Two bytes are read again: an array of such strings never ends. Ours refuses it."""
    buffer = Buffer(b"abcdef")
    _read(buffer, 4)
    assert _read(buffer, -2) == b""
    assert buffer.cur_pos == 2
    mend_decoding()
    with pytest.raises(ua.UaError):
        Buffer(b"abcdef").read(-2)


def test_an_array_of_nulls_needs_no_bytes():
    """Five bytes make a list as long as they say. Ours refuses it."""
    encoded = bytes([0x80]) + (100_000).to_bytes(4, "little")
    mend_decoding()
    with pytest.raises(ua.UaError):
        ua_binary.variant_from_binary(Buffer(encoded))
    mended = ua_binary.Primitives1.Null
    del ua_binary.Primitives1.Null
    ua_binary._create_uatype_array_deserializer.cache_clear()
    try:
        assert len(ua_binary.variant_from_binary(Buffer(encoded)).Value) == 100_000
    finally:
        ua_binary.Primitives1.Null = mended
        ua_binary._create_uatype_array_deserializer.cache_clear()


def test_a_message_is_taken_before_a_channel_is_open():
    """Token 0 on channel 0 is what a connection begins with."""
    connection = SecureConnection(SecurityPolicyNone(), TransportLimits())
    assert not connection.is_open()
    connection._check_sym_header(ua.SymmetricAlgorithmHeader())
    assert connection.security_token.ChannelId == ua.Header(ua.MessageType.SecureMessage).ChannelId


def test_none_is_taken_though_it_is_not_offered():
    """A policy that no factory makes passes when it is the one a connection begins with."""
    connection = SecureConnection(SecurityPolicyNone(), TransportLimits())
    connection.set_policy_factories([])
    connection.select_policy(SecurityPolicyNone.URI, None, ua.MessageSecurityMode.None_)


def test_the_validator_sees_what_is_shown_not_what_signed():
    """The certificate that CreateSession shows is checked, and none at all is not."""
    source = inspect.getsource(InternalSession.create_session)
    assert "certificate_validator and params.ClientCertificate" in source
    assert "certificate_validator" not in inspect.getsource(uaprocessor.UaProcessor.open_secure_channel)


def test_a_public_certificate_makes_an_admin(bare: InternalServer):
    """An anonymous client on a None channel gets the rights of the certificate that it shows."""
    manager = CertificateUserManager()
    user = internal_session.User(role=internal_session.UserRole.Admin, name="admin")
    manager._trusted_certificates["admin"] = {"certificate": b"public", "user": user}
    bare.user_manager = manager
    session = InternalSession(bare, bare.aspace, bare.subscription_service, "x")
    session.nonce = b""
    session.activate_session(ua.ActivateSessionParameters(), b"public")
    assert session.user is user


def test_session_tokens_are_numbers_that_count(bare: InternalServer):
    """Who has one knows the next."""
    one, two = (bare.create_session("x", external=True).auth_token.Identifier for _ in range(2))
    assert two == one + 1


def test_a_session_that_was_never_activated_stays(bare: InternalServer):
    """Creating sessions fills the server: nothing ends those that nobody activates."""
    for _ in range(50):
        bare.create_session("x", external=True)
    assert len(bare._external_sessions) == 50


def test_republish_of_nothing_is_good_and_empty(bare: InternalServer):
    """node-opcua takes that for its lost message and never makes a new subscription."""
    parameters = ua.RepublishParameters(SubscriptionId=7, RetransmitSequenceNumber=1)
    assert bare.subscription_service.republish(parameters).NotificationData == []
    assert "return ua.NotificationMessage()" in inspect.getsource(InternalSubscription.republish)


async def test_a_publishing_interval_of_nothing_is_granted(bare: InternalServer):
    """Zero milliseconds: published as fast as it goes."""
    parameters = ua.CreateSubscriptionParameters(RequestedPublishingInterval=0.0, RequestedLifetimeCount=10)
    session = bare.create_session("x", external=True)
    result = await session.create_subscription(parameters, None)
    assert result.RevisedPublishingInterval == 0.0
    await session.delete_subscriptions([result.SubscriptionId])


async def test_anybody_deletes_anybody_s_subscription(bare: InternalServer):
    """The service knows no owner."""
    parameters = ua.CreateSubscriptionParameters(RequestedPublishingInterval=1e6, RequestedLifetimeCount=10)
    owner, other = (bare.create_session("x", external=True) for _ in range(2))
    result = await owner.create_subscription(parameters, None)
    (status,) = await other.delete_subscriptions([result.SubscriptionId])
    assert status.is_good()


def test_a_transferred_subscription_asks_its_old_connection():
    """The callback that gets publish requests is not moved."""
    source = inspect.getsource(SubscriptionService.transfer_subscriptions)
    assert "pub_result_callback" in source
    assert "pub_request_callback" not in source


def test_of_type_means_that_very_type():
    """A filter for conditions lets no warning through."""
    source = inspect.getsource(WhereClauseEvaluator._eval_el)
    assert "return event.EventType == self._eval_op(ops[0], event)" in source


async def test_wrong_arguments_are_an_unexpected_error():
    """A method that is called with too many gives BadUnexpectedError and a traceback."""
    server = Server()

    async def method(_: object) -> list[object]:
        return []

    request = ua.CallMethodRequest(ObjectId=ua.NodeId(1), MethodId=ua.NodeId(1))
    request.InputArguments = [ua.Variant(1)]
    node = type("Node", (), {"call": staticmethod(method)})()
    server.iserver.aspace[ua.NodeId(1)] = node
    (result,) = await server.iserver.method_service.call([request])
    assert result.StatusCode.name == "BadUnexpectedError"


def test_a_frame_of_any_length_is_waited_for():
    """The header's length is believed: 4 GB are collected before anybody looks at them."""
    source = inspect.getsource(OPCUAProtocol.data_received)
    assert "self._buffer += data" in source
    assert "max_recv_buffer" not in source
    assert not hasattr(OPCUAProtocol, "pause_writing") or "pause_writing" not in vars(OPCUAProtocol)


def test_passwords_are_taken_in_the_clear_and_again(bare: InternalServer):
    """No algorithm is as good as any, and the session's number used once is not looked at."""
    token = ua.UserNameIdentityToken(UserName="anna", Password=b"secret")
    assert bare.decrypt_user_token(None, token) == ("anna", "secret")
    assert "compare" not in inspect.getsource(InternalServer.decrypt_user_token)
