"""What strangers and broken clients send: refused or slowed down, and everybody else is served on."""

import asyncio
import contextlib
import datetime as dt
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest
from asyncua import Client, ua
from asyncua.ua import ua_binary

from edge_service.gateway.opcua.limits import Brake, Limits
from edge_service.link import Event, Role
from tests.support.opcua_bench import OpcUaBench, client_of, station_state

LIMITS = Limits(
    connections=12,
    connections_per_address=10,
    sessions=3,
    subscriptions=2,
    monitored_items=20,
    operations_per_request=100,
    calls_per_request=10,
    activation_s=3.0,
    unread_s=2.0,
    unread_bytes=1 << 16,
)
HELLO = ua_binary.uatcp_to_binary(ua.MessageType.Hello, ua.Hello(0, 65535, 65535, 0, 0, "opc.tcp://x"))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaBench]:
    """A server with narrow limits on which everybody is an operator."""
    folder = tmp_path_factory.mktemp("opcua") / "pki"
    with OpcUaBench(folder, allow_none=True, anonymous=Role.OPERATOR, limits=LIMITS) as running:
        yield running


async def send(bench: OpcUaBench, data: bytes, *, until_closed: bool = True) -> bytes:
    """Send bytes on a connection of their own; return what comes back until the server closes it."""
    host, port = bench.url.removeprefix("opc.tcp://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(10):
            writer.write(data)
            return await (reader.read(-1) if until_closed else reader.read(65536))
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


async def still_serves(bench: OpcUaBench, heartbeat: int = 0) -> bool:
    """Whether an honest client is served."""
    async with await client_of(bench) as client:
        return await client.get_node("ns=2;s=PLC.Status.Heartbeat").read_value() == heartbeat


def message(kind: bytes, body: bytes, size: int | None = None) -> bytes:
    """Return a frame, with another length than its own if wanted."""
    return kind + struct.pack("<I", 8 + len(body) if size is None else size) + body


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", id="http"),
        pytest.param(bytes(range(256)), id="garbage"),
        pytest.param(message(b"HELF", b"", 0), id="length 0"),
        pytest.param(message(b"HELF", b"", 0xFFFFFFFF), id="length 4 GB"),
        pytest.param(HELLO + HELLO, id="two hellos"),
        pytest.param(message(b"MSGF", bytes(32)), id="no hello"),
        pytest.param(HELLO + message(b"MSGF", bytes(32)), id="no channel"),
        pytest.param(HELLO + message(b"OPNF", bytes(20)), id="no policy"),
        pytest.param(HELLO + message(b"CLOF", bytes(16)), id="close of nothing"),
        pytest.param(HELLO + message(b"ERRF", bytes(16)), id="an answer"),
    ],
)
async def test_what_is_no_conversation_is_ended(bench: OpcUaBench, data: bytes):
    """The connection is closed at once; the server goes on."""
    await send(bench, data)
    assert await still_serves(bench)


async def test_half_a_frame_is_not_waited_for_for_ever(bench: OpcUaBench):
    """A connection without a session is closed after a while, whatever it sent."""
    await send(bench, HELLO[:12])
    assert await still_serves(bench)


async def opened(bench: OpcUaBench) -> Client:
    """Return a client with a channel and no session."""
    client = await client_of(bench)
    await client.connect_socket()
    await client.send_hello()
    await client.open_secure_channel()
    return client


async def test_endless_chunks_are_cut_off(bench: OpcUaBench):
    """Intermediate chunks beyond the largest message end the connection."""
    client = await opened(bench)
    protocol = client.uaclient.protocol
    try:
        connection = protocol._connection
        body = bytes(60_000)
        sent = 0
        while sent < 40:
            chunk = ua_binary.struct_to_binary(ua.SymmetricAlgorithmHeader(connection.security_token.TokenId))
            connection._sequence_number += 1
            chunk += struct.pack("<II", connection._sequence_number, 7) + body
            head = b"MSGC" + struct.pack("<II", 12 + len(chunk), connection.security_token.ChannelId)
            if protocol.transport is None or protocol.transport.is_closing():
                break
            protocol.transport.write(head + chunk)
            sent += 1
            await asyncio.sleep(0.01)  # let the other thread have a turn
        assert sent < 39
    finally:
        client.disconnect_socket()
    assert await still_serves(bench)


async def test_a_call_of_28000_methods_is_refused_undecoded(bench: OpcUaBench):
    """Bad_TooManyOperations, and not one of them was called."""
    async with await client_of(bench) as client:
        request = ua.CallMethodRequest(ObjectId=ua.NodeId(1), MethodId=ua.NodeId(1))
        with pytest.raises(ua.uaerrors.BadTooManyOperations):
            await client.uaclient.call([request] * 11)
        with pytest.raises(ua.uaerrors.BadTooManyOperations):
            await client.uaclient.call([request] * 28_000)
        with pytest.raises(ua.uaerrors.BadNothingToDo):
            await client.uaclient.call([])
    assert bench.core.asked == []


async def test_lengths_that_lie_are_refused(bench: OpcUaBench):
    """A huge array of nothing, a string that reads backwards: an error, not a gigabyte."""
    async with await client_of(bench) as client:
        for wrong in (b"\x80" + struct.pack("<I", 0x7FFFFFFF), b"\x8c" + struct.pack("<Ii", 1 << 30, -4)):
            original, ua_binary_variant = ua_binary.variant_to_binary, wrong
            serializer = ua_binary.create_uatype_serializer
            serializer.cache_clear()
            ua_binary.variant_to_binary = lambda _, lie=ua_binary_variant: lie
            ua_binary.create_type_serializer.cache_clear()
            ua_binary.create_dataclass_serializer.cache_clear()
            ua_binary.create_list_serializer.cache_clear()
            try:
                request = ua.CallMethodRequest(ObjectId=ua.NodeId(1), MethodId=ua.NodeId(1))
                request.InputArguments = [ua.Variant(1)]
                with pytest.raises(ua.UaError):
                    await client.uaclient.call([request])
            finally:
                ua_binary.variant_to_binary = original
                for cache in (
                    serializer,
                    ua_binary.create_type_serializer,
                    ua_binary.create_dataclass_serializer,
                    ua_binary.create_list_serializer,
                ):
                    cache.cache_clear()
    assert await still_serves(bench)


async def test_sessions_and_connections_are_counted(bench: OpcUaBench):
    """A fourth session is refused, an eleventh connection closed; both are free again afterwards."""
    clients = [await client_of(bench) for _ in range(3)]
    try:
        for client in clients:
            await client.connect()
        one_more = await client_of(bench)
        with pytest.raises(ua.uaerrors.BadTooManySessions):
            await one_more.connect()
    finally:
        for client in clients:
            await client.disconnect()
    crowd = [socket.create_connection(bench.url.removeprefix("opc.tcp://").split(":")) for _ in range(14)]
    for each in crowd:
        each.close()
    async with asyncio.timeout(10):
        while True:
            try:
                assert await still_serves(bench)
            except (ConnectionError, ua.UaError, OSError):
                continue
            break


async def test_a_connection_has_one_session(bench: OpcUaBench):
    """Asking for thousands on one connection gives one, and nothing stays behind."""
    client = await opened(bench)
    try:
        for _ in range(300):
            await client.create_session()
        assert bench.server._server.iserver.session_count <= 2
    finally:
        client.disconnect_socket()


async def test_nobody_touches_another_s_subscription(bench: OpcUaBench):
    """Unknown to every other session: delete, modify, add items, republish, transfer."""
    async with await client_of(bench) as owner, await client_of(bench) as other:
        subscription = await owner.create_subscription(1000, None)
        number = subscription.subscription_id
        (status,) = await other.uaclient.delete_subscriptions([number])
        assert status.name == "BadSubscriptionIdInvalid"
        with pytest.raises(ua.uaerrors.BadSubscriptionIdInvalid):
            await other.uaclient.create_monitored_items(
                ua.CreateMonitoredItemsParameters(number, ItemsToCreate=[item()])
            )
        assert bench.server._server.iserver.subscription_service.subscriptions.keys() == {number}
        await subscription.delete()


def item(**wanted: object) -> ua.MonitoredItemCreateRequest:
    """Return a request to watch the heartbeat."""
    request = ua.MonitoredItemCreateRequest()
    request.ItemToMonitor.NodeId = ua.NodeId("PLC.Status.Heartbeat", 2)
    request.ItemToMonitor.AttributeId = ua.AttributeIds.Value
    request.MonitoringMode = ua.MonitoringMode.Reporting
    request.RequestedParameters = ua.MonitoringParameters(**wanted)
    return request


async def test_subscriptions_and_items_have_their_limits(bench: OpcUaBench):
    """A third subscription, a busy interval, a twenty-first item, filters that do not fit."""
    async with await client_of(bench) as client:
        first = await client.create_subscription(0, None)
        assert bench.server._server.iserver.subscription_service.subscriptions[
            first.subscription_id
        ].data.RevisedPublishingInterval == float(LIMITS.publishing_ms)
        second = await client.create_subscription(500, None)
        with pytest.raises(ua.uaerrors.BadTooManySubscriptions):
            await client.create_subscription(500, None)
        wrong = [
            item(Filter=ua.EventFilter()),
            item(Filter=ua.DataChangeFilter(DeadbandType=ua.DeadbandType.Percent, DeadbandValue=5.0)),
            item(Filter=ua.DataChangeFilter(DeadbandType=ua.DeadbandType.Absolute, DeadbandValue=-1.0)),
        ]
        parameters = ua.CreateMonitoredItemsParameters(first.subscription_id, ItemsToCreate=wrong)
        results = await client.uaclient.create_monitored_items(parameters)
        assert [result.StatusCode.name for result in results] == [
            "BadMonitoredItemFilterUnsupported",
            "BadFilterNotAllowed",
            "BadDeadbandFilterInvalid",
        ]
        many = [item(QueueSize=1_000_000) for _ in range(22)]
        parameters = ua.CreateMonitoredItemsParameters(first.subscription_id, ItemsToCreate=many)
        results = await client.uaclient.create_monitored_items(parameters)
        assert [result.StatusCode.name for result in results][-3:] == ["Good"] + [
            "BadTooManyMonitoredItems"
        ] * 2
        assert results[0].RevisedQueueSize == LIMITS.value_queue
        for subscription in (first, second):
            await subscription.delete()


async def test_republish_of_nothing_is_refused(bench: OpcUaBench):
    """Bad_MessageNotAvailable: the client knows that it must begin anew."""
    async with await client_of(bench) as client:
        subscription = await client.create_subscription(500, None)
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = subscription.subscription_id
        request.Parameters.RetransmitSequenceNumber = 77
        with pytest.raises(ua.uaerrors.BadMessageNotAvailable):
            await client.uaclient.protocol.send_request(with_token(client, request))
        request.Parameters.SubscriptionId = 1
        with pytest.raises(ua.uaerrors.BadSubscriptionIdInvalid):
            await client.uaclient.protocol.send_request(with_token(client, request))
        await subscription.delete()


def with_token(client: Client, request: Any) -> Any:
    """Give a request its session's token."""
    request.RequestHeader.AuthenticationToken = client.uaclient.protocol.authentication_token
    return request


async def test_a_client_that_never_reads_is_let_go(bench: OpcUaBench):
    """It asks and asks and takes no answer: its answers stop, then its connection; nobody else notices."""
    client = await client_of(bench)
    await client.connect()
    transport = client.uaclient.protocol.transport
    transport.pause_reading()
    node = client.get_node("ns=2;s=ResultManagement.GetResultListFiltered.InputArguments")
    asking = [asyncio.create_task(client.read_attributes([node] * 90)) for _ in range(200)]
    try:
        async with asyncio.timeout(20):
            iserver = bench.server._server.iserver
            while iserver.session_count:
                assert await still_serves(bench)
                await asyncio.sleep(0.2)  # the other side's clock runs
    finally:
        transport.resume_reading()
        transport.abort()
        await asyncio.gather(*asking, return_exceptions=True)
        with contextlib.suppress(ua.UaError, ConnectionError):
            await client.disconnect()


async def test_a_client_that_never_asks_for_its_notifications_costs_little(bench: OpcUaBench):
    """Its queue is bounded, and its subscription ends with its lifetime; what others watch goes on."""
    async with await client_of(bench) as client:
        wanted = ua.CreateSubscriptionParameters(
            RequestedPublishingInterval=50.0, RequestedLifetimeCount=1, RequestedMaxKeepAliveCount=5
        )
        request = ua.CreateSubscriptionRequest(Parameters=wanted)
        answer = await client.uaclient.protocol.send_request(with_token(client, request))
        made = ua_binary.struct_from_binary(ua.CreateSubscriptionResponse, answer).Parameters
        assert made.RevisedLifetimeCount == 15
        items = ua.CreateMonitoredItemsParameters(made.SubscriptionId, ItemsToCreate=[item(QueueSize=1000)])
        (watched,) = await client.uaclient.create_monitored_items(items)
        assert watched.RevisedQueueSize == LIMITS.value_queue
        subscriptions = bench.server._server.iserver.subscription_service.subscriptions
        unread = subscriptions[made.SubscriptionId]
        for beat in range(3 * LIMITS.value_queue):
            bench.hear(Event("signals", {"Status.Heartbeat": beat + 1}))
        assert waiting(unread) <= LIMITS.value_queue
        async with asyncio.timeout(20):
            while made.SubscriptionId in subscriptions:
                assert await still_serves(bench, heartbeat=3 * LIMITS.value_queue)
                await asyncio.sleep(0.1)  # the other side's clock runs
    bench.hear(Event("signals", station_state()["signals"]))


def waiting(subscription: Any) -> int:
    """Return how many notifications wait in a subscription's queues."""
    return sum(len(queue) for queue in subscription._triggered_datachanges.values())


async def test_a_message_beyond_the_largest_ends_its_connection(bench: OpcUaBench):
    """A text of 600 KiB: nothing reaches the core, and the next client is served."""
    client = await client_of(bench)
    await client.connect()
    try:
        text = ua.Variant("x" * 600 * 1024, ua.VariantType.String)
        with pytest.raises((ua.UaError, ConnectionError, TimeoutError)):
            await client.get_node("ns=2;s=PLC.Command.PartSerial").write_value(text)
    finally:
        with contextlib.suppress(ua.UaError, ConnectionError):
            await client.disconnect()
    assert bench.core.asked == []
    assert await still_serves(bench)


async def test_a_jump_of_the_clock_changes_no_session(bench: OpcUaBench, monkeypatch: pytest.MonkeyPatch):
    """Sessions and subscriptions live by the monotonic clock: an hour back or on, values still come."""
    async with await client_of(bench) as client:
        node = client.get_node("ns=2;s=PLC.Status.Heartbeat")
        for hours in (-1, 1):

            class Jumped(dt.datetime):
                """The wall clock of another hour."""

                @classmethod
                def now(cls, tz: object = None, shift: int = hours) -> dt.datetime:
                    """Return it."""
                    return dt.datetime.now(tz) + dt.timedelta(hours=shift)

            monkeypatch.setattr("edge_service.gateway.opcua.server.datetime", Jumped)
            bench.hear(Event("signals", {"Status.Heartbeat": 5 + hours}))
            assert await node.read_value() == 5 + hours
        monkeypatch.undo()
        bench.hear(Event("signals", station_state()["signals"]))


def test_who_is_too_fast_waits():
    """A second's worth is free, what is beyond it is paid for in time."""
    now = 0.0
    brake = Brake(100.0, lambda: now)
    assert brake.spend(100) == 0.0
    assert brake.spend(50) == 0.5
    now = 10.0
    assert brake.spend(100) == 0.0
