"""One session: what it reads, writes, calls and subscribes to, by the rules of OPC UA part 4.

A session works on its own subscriptions only. Writes and calls go to the application (``Space``), which
knows what may be written and called, by whom, and with which arguments; nothing else in the server changes.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

from asyncua import ua
from asyncua.common.utils import ServiceError
from asyncua.server.internal_session import InternalSession, SessionState
from asyncua.server.monitored_item_service import MonitoredItemService
from asyncua.ua import uaprotocol_auto  # what is decoded is of these classes, not of those in ``ua``

from edge_service.gateway.opcua.identity import NOBODY, Identity
from edge_service.gateway.opcua.mended.filters import MendedWhere

_TOKEN_BYTES = 32
_WRITABLE = ua.AccessLevel.CurrentWrite


class MendedSession(InternalSession):
    """A session of a client; ``iserver.isession``, the server's own, stays as it is."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.iserver.unregister_external_session(self)
        self.auth_token = ua.NodeId(os.urandom(_TOKEN_BYTES), 0, ua.NodeIdType.ByteString)
        self.session_id = ua.NodeId(os.urandom(_TOKEN_BYTES), 1, ua.NodeIdType.ByteString)
        self.iserver.register_external_session(self)
        self.identity: Identity = NOBODY
        self.peer_certificate = b""
        self.address = ""
        self.processor: Any = None

    def bind(self, certificate: bytes, address: str) -> None:
        """Belong to whoever can sign with this certificate's key."""
        self.peer_certificate, self.address = certificate, address

    def activate(self, identity: Identity) -> ua.ActivateSessionResult:
        """Be this user's session from now on."""
        first = not self.is_activated()
        self.identity = identity
        self.nonce = os.urandom(_TOKEN_BYTES)
        self.state = SessionState.Activated
        if first:
            InternalSession._current_connections += 1  # close_session counts it down again
        self.touch()
        self._start_timeout_watchdog()
        result = ua.ActivateSessionResult()
        result.ServerNonce = self.nonce
        return result

    def touch(self) -> None:
        """Note a sign of life; one of who owns the command block keeps it."""
        super().touch()
        self.iserver.space.heard(self.identity)

    # Attributes and methods

    async def read(self, params: ua.ReadParameters) -> list[ua.DataValue]:
        """Read attributes; what a user may do is told as this user may do it."""
        if params.MaxAge < 0:
            raise ServiceError(ua.StatusCodes.BadMaxAgeInvalid)
        return [self._read(node) for node in params.NodesToRead]

    def _read(self, node: ua.ReadValueId) -> ua.DataValue:
        if node.IndexRange:
            return _bad(ua.StatusCodes.BadIndexRangeNoData)
        value = self.aspace.read_attribute_value(node.NodeId, node.AttributeId)
        if node.AttributeId == ua.AttributeIds.UserAccessLevel and value.Value is not None:
            may = self.iserver.space.may_write(node.NodeId, self.identity)
            level = value.Value.Value if may else value.Value.Value & ~(1 << _WRITABLE)
            return ua.DataValue(ua.Variant(level, ua.VariantType.Byte))
        if node.AttributeId == ua.AttributeIds.UserExecutable and value.Value is not None:
            return ua.DataValue(ua.Variant(self.iserver.space.may_call(node.NodeId, self.identity)))
        return value

    async def write(self, params: ua.WriteParameters) -> list[ua.StatusCode]:
        """Write values: one request is one write, whole or not at all."""
        return list(await self.iserver.space.write(params.NodesToWrite, self.identity))

    async def call(self, params: list[ua.CallMethodRequest]) -> list[ua.CallMethodResult]:
        """Call methods, one after the other."""
        return [await self.iserver.space.call(method, self) for method in params]

    async def history_read(self, params: ua.HistoryReadParameters) -> list[ua.HistoryReadResult]:
        """Read what results were."""
        return list(self.iserver.history.read(params))

    async def translate_browsepaths_to_nodeids(
        self, params: list[ua.BrowsePath]
    ) -> list[ua.BrowsePathResult]:
        """Follow paths; one without elements is told so."""
        return [self._translate(path) for path in params]

    def _translate(self, path: ua.BrowsePath) -> ua.BrowsePathResult:
        if not path.RelativePath.Elements:
            result = ua.BrowsePathResult()
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadNothingToDo)
            return result
        return self.iserver.view_service.translate_browsepaths_to_nodeids([path])[0]

    # Subscriptions

    async def create_subscription(
        self,
        params: ua.CreateSubscriptionParameters,
        callback: Callable[..., Any],
        request_callback: Callable[..., Any] | None = None,
    ) -> ua.CreateSubscriptionResult:
        """Make a subscription that cannot become a busy loop."""
        limits = self.iserver.limits
        if len(self._mine) >= limits.subscriptions:
            raise ServiceError(ua.StatusCodes.BadTooManySubscriptions)
        wanted = params.RequestedPublishingInterval
        params.RequestedPublishingInterval = _between(wanted, limits.publishing_ms, 3_600_000.0)
        keep_alive = params.RequestedMaxKeepAliveCount or 10
        params.RequestedMaxKeepAliveCount = keep_alive
        params.RequestedLifetimeCount = max(params.RequestedLifetimeCount, 3 * keep_alive)
        return await super().create_subscription(params, callback, request_callback)

    def modify_subscription(self, params: ua.ModifySubscriptionParameters) -> ua.ModifySubscriptionResult:
        """Change a subscription of this session."""
        self._require(params.SubscriptionId)
        return super().modify_subscription(params)

    async def delete_subscriptions(self, ids: list[int]) -> list[ua.StatusCode]:
        """Delete subscriptions of this session; others are unknown to it."""
        mine = self._mine
        known = [number if number in mine else 0 for number in ids]
        return list(await super().delete_subscriptions(known))

    async def set_publishing_mode(self, params: ua.SetPublishingModeParameters) -> list[ua.StatusCode]:
        """Switch publishing of own subscriptions."""
        mine = self._mine
        params.SubscriptionIds = [number if number in mine else 0 for number in params.SubscriptionIds]
        return list(await super().set_publishing_mode(params))

    def publish(
        self, acks: Iterable[ua.SubscriptionAcknowledgement] | None = None
    ) -> tuple[int, list[ua.StatusCode]]:
        """Take acknowledgements of own subscriptions; without any there is nothing to publish."""
        mine = self._mine
        if not mine:
            raise ServiceError(ua.StatusCodes.BadNoSubscription)
        results = [self._acknowledge(mine, ack) for ack in acks or ()]
        return len(mine), results

    def _acknowledge(self, mine: dict[int, Any], ack: ua.SubscriptionAcknowledgement) -> ua.StatusCode:
        subscription = mine.get(ack.SubscriptionId)
        if subscription is None:
            return ua.StatusCode(ua.StatusCodes.BadSubscriptionIdInvalid)
        known = subscription._not_acknowledged_results  # there is no other way to know
        if ack.SequenceNumber not in known:
            return ua.StatusCode(ua.StatusCodes.BadSequenceNumberUnknown)
        subscription.publish([ack.SequenceNumber])
        return ua.StatusCode()

    def republish(self, params: ua.RepublishParameters) -> ua.NotificationMessage:
        """Send a message again; what is not there any more is said to be so."""
        subscription = self._require(params.SubscriptionId)
        known = subscription._not_acknowledged_results  # its own method drops the message
        message = known.get(params.RetransmitSequenceNumber)
        if message is None:
            raise ServiceError(ua.StatusCodes.BadMessageNotAvailable)
        return message.NotificationMessage

    async def transfer_subscriptions(
        self, params: ua.TransferSubscriptionsParameters, callback: Callable[..., Any]
    ) -> list[ua.TransferResult]:
        """Take over subscriptions of another session of the same user; anonymous users have none."""
        return [self._transfer(int(number), callback) for number in params.SubscriptionIds]

    def _transfer(self, number: int, callback: Callable[..., Any]) -> ua.TransferResult:
        result = ua.TransferResult()
        subscription = self.subscription_service.subscriptions.get(number)
        owner = self.iserver.session_of(subscription.session_id) if subscription else None
        if subscription is None or owner is None:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadSubscriptionIdInvalid)
        elif owner.identity.name != self.identity.name or owner.peer_certificate != self.peer_certificate:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadUserAccessDenied)
        else:
            subscription.session_id = self.session_id
            subscription.pub_result_callback = callback
            subscription.pub_request_callback = self.processor.get_publish_request
            known = subscription._not_acknowledged_results  # there is no other way to know
            result.AvailableSequenceNumbers = sorted(known)
        return result

    # Monitored items

    async def create_monitored_items(
        self, params: ua.CreateMonitoredItemsParameters
    ) -> list[ua.MonitoredItemCreateResult]:
        """Watch values and events; what cannot be watched is refused one by one."""
        service = self._require(params.SubscriptionId).monitored_item_srv
        room = self.iserver.limits.monitored_items - self._watched
        results = []
        for item in params.ItemsToCreate:
            results.append(await self._watch(service, item, room))
            room -= results[-1].StatusCode.is_good()
        return results

    async def _watch(
        self, service: MonitoredItemService, item: ua.MonitoredItemCreateRequest, room: int
    ) -> ua.MonitoredItemCreateResult:
        limits, wanted = self.iserver.limits, item.RequestedParameters
        is_event = item.ItemToMonitor.AttributeId == ua.AttributeIds.EventNotifier
        if isinstance(wanted.Filter, ua.ExtensionObject) and wanted.Filter.TypeId.Identifier == 0:
            wanted.Filter = None
        if room <= 0:
            return _unwatched(ua.StatusCodes.BadTooManyMonitoredItems)
        if item.ItemToMonitor.IndexRange:
            return _unwatched(ua.StatusCodes.BadIndexRangeInvalid)
        if complaint := self._complaint(item, is_event=is_event):
            return _unwatched(complaint)
        most = limits.event_queue if is_event else limits.value_queue
        wanted.QueueSize = min(wanted.QueueSize or (most if is_event else 1), most)
        one = ua.CreateMonitoredItemsParameters(ItemsToCreate=[item])
        (result,) = await service.create_monitored_items(one)
        if is_event and result.StatusCode.is_good():
            watched = service._monitored_items[result.MonitoredItemId]  # where it keeps them
            watched.where_clause_evaluator = MendedWhere(self.logger, self.aspace, wanted.Filter.WhereClause)
        return result

    def _complaint(self, item: ua.MonitoredItemCreateRequest, *, is_event: bool) -> int:
        """Return the status that an item is refused with for its filter, 0 if it is not."""
        codes, wanted = ua.StatusCodes, item.RequestedParameters.Filter
        reasons: tuple[tuple[bool, int], ...]
        if is_event:
            reasons = ((not isinstance(wanted, uaprotocol_auto.EventFilter), codes.BadEventFilterInvalid),)
        elif not isinstance(wanted, uaprotocol_auto.DataChangeFilter):
            reasons = ((wanted is not None, codes.BadMonitoredItemFilterUnsupported),)
        else:
            node, attribute = item.ItemToMonitor.NodeId, item.ItemToMonitor.AttributeId
            value = self.aspace.read_attribute_value(node, attribute).Value
            dead = wanted.DeadbandType != ua.DeadbandType.None_
            is_number = value is None or isinstance(value.Value, int | float | None)
            reasons = (
                (dead and wanted.DeadbandType != ua.DeadbandType.Absolute, codes.BadFilterNotAllowed),
                (dead and not is_number, codes.BadFilterNotAllowed),
                (dead and not wanted.DeadbandValue >= 0, codes.BadDeadbandFilterInvalid),
            )
        return next((int(reason) for holds, reason in reasons if holds), 0)

    async def modify_monitored_items(
        self, params: ua.ModifyMonitoredItemsParameters
    ) -> list[ua.MonitoredItemModifyResult]:
        """Change how own items are watched."""
        service = self._require(params.SubscriptionId).monitored_item_srv
        results = []
        for item in params.ItemsToModify:
            watched = service._monitored_items.get(item.MonitoredItemId)  # where it keeps them
            result = ua.MonitoredItemModifyResult()
            if watched is None:
                result.StatusCode = ua.StatusCode(ua.StatusCodes.BadMonitoredItemIdInvalid)
            else:
                size = min(item.RequestedParameters.QueueSize or 1, self.iserver.limits.value_queue)
                watched.queue_size = result.RevisedQueueSize = size
                watched.client_handle = item.RequestedParameters.ClientHandle
                result.RevisedSamplingInterval = item.RequestedParameters.SamplingInterval
            results.append(result)
        return results

    async def set_monitoring_mode(self, params: ua.SetMonitoringModeParameters) -> list[ua.StatusCode]:
        """Switch own items."""
        self._require(params.SubscriptionId)
        return list(await super().set_monitoring_mode(params))

    async def delete_monitored_items(self, params: ua.DeleteMonitoredItemsParameters) -> list[ua.StatusCode]:
        """Delete own items."""
        self._require(params.SubscriptionId)
        return list(await super().delete_monitored_items(params))

    @property
    def _mine(self) -> dict[int, Any]:
        return {sub.data.SubscriptionId: sub for sub in self.subscription_service.of(self.session_id)}

    @property
    def _watched(self) -> int:
        return sum(len(sub.monitored_item_srv._monitored_items) for sub in self._mine.values())

    def owns(self, number: int) -> bool:
        """Whether that subscription is this session's."""
        return number in self._mine

    def _require(self, number: int) -> Any:
        subscription = self._mine.get(number)
        if subscription is None:
            raise ServiceError(ua.StatusCodes.BadSubscriptionIdInvalid)
        return subscription


def _between(value: float, least: float, most: float) -> float:
    """Return the value within bounds; what is no number becomes the least."""
    return min(max(value, least), most) if value == value else least  # noqa: PLR0124 - NaN is not itself


def _bad(code: int) -> ua.DataValue:
    return ua.DataValue(StatusCode=ua.StatusCode(code))


def _unwatched(code: int) -> ua.MonitoredItemCreateResult:
    result = ua.MonitoredItemCreateResult()
    result.StatusCode = ua.StatusCode(code)
    return result
