"""Errors and warnings as conditions: each code one condition, retained while it is there or not acknowledged.

A blocking error is a persistent error condition (StopReaction), any other error an error condition, a warning
a warning condition. A method called in the wrong state leaves a warning that names it; that one is not
retained. ConditionRefresh, Acknowledge, Confirm and AddComment work on them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from edge_service.domain.codes import Severity, explain, severity
from edge_service.gateway.opcua.arguments import Argument, CallRefusedError, Handler, Method
from edge_service.gateway.opcua.machine_vision.events import FAULT, WARNING, Herald, Occurrence, text
from edge_service.gateway.opcua.space import Space
from edge_service.link import Role

_CLASS = ua.NodeId(ua.ObjectIds.ProcessConditionClassType)
_SUBSCRIPTION = Argument("SubscriptionId", ua.NodeId(ua.ObjectIds.UInt32))
_ITEM = Argument("MonitoredItemId", ua.NodeId(ua.ObjectIds.UInt32))
_EVENT = Argument("EventId", ua.NodeId(ua.ObjectIds.ByteString))
_COMMENT = Argument("Comment", ua.NodeId(ua.ObjectIds.LocalizedText))


@dataclass(slots=True)
class _Condition:
    code: int
    active: bool = True
    acked: bool = False
    confirmed: bool = False
    comment: Any = field(default_factory=lambda: ua.LocalizedText(""))
    user: str = ""
    event_id: bytes = b""
    occurrence: Occurrence | None = None

    @property
    def retain(self) -> bool:
        return self.active or not self.acked


class Conditions:
    """The conditions of the station."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._herald: Herald | None = None
        self._source = ua.NodeId()
        self._known: dict[int, _Condition] = {}
        self._iserver: Any = None

    def live(self, iserver: Any, herald: Herald, source: ua.NodeId) -> None:
        """Have somebody to tell, and methods that answer."""
        self._iserver, self._herald, self._source = iserver, herald, source
        methods: tuple[tuple[int, tuple[Argument, ...], Role, Handler], ...] = (
            (ua.ObjectIds.ConditionType_ConditionRefresh, (_SUBSCRIPTION,), Role.OBSERVER, self._refresh),
            (
                ua.ObjectIds.ConditionType_ConditionRefresh2,
                (_SUBSCRIPTION, _ITEM),
                Role.OBSERVER,
                self._refresh,
            ),
            (
                ua.ObjectIds.AcknowledgeableConditionType_Acknowledge,
                (_EVENT, _COMMENT),
                Role.OPERATOR,
                self._acknowledge,
            ),
            (
                ua.ObjectIds.AcknowledgeableConditionType_Confirm,
                (_EVENT, _COMMENT),
                Role.OPERATOR,
                self._confirm,
            ),
            (ua.ObjectIds.ConditionType_AddComment, (_EVENT, _COMMENT), Role.OPERATOR, self._add_comment),
        )
        for number, inputs, role, handler in methods:
            self._space.serve(None, ua.NodeId(number), Method(inputs, (), role, handler))

    async def hear(self, codes: Iterable[int], at: datetime) -> None:
        """Take the codes that are there now."""
        there = set(codes)
        for code in there - {code for code, known in self._known.items() if known.active}:
            self._known[code] = _Condition(code)
            await self._tell(self._known[code], at)
        for code, condition in list(self._known.items()):
            if condition.active and code not in there:
                condition.active = False
                await self._tell(condition, at)
                self._forget(condition)

    async def warn(self, code: int, call: str) -> None:
        """Tell of a method that could not be done: which, with what, and why."""
        why = explain(code)
        message = f"{call}: {code}" + (f" {why.cause}" if why else "")
        condition = _Condition(code, active=False, acked=True)
        await self._tell(condition, datetime.now(UTC), message=message, cause=call, name="MethodRefused")

    async def confirm_all(self, comment: Any) -> None:
        """Acknowledge and confirm everything."""
        for condition in list(self._known.values()):
            condition.acked = condition.confirmed = True
            condition.comment = comment or condition.comment
            await self._tell(condition, datetime.now(UTC))
            self._forget(condition)

    def _forget(self, condition: _Condition) -> None:
        if not condition.retain:
            self._known.pop(condition.code, None)

    async def _tell(
        self, condition: _Condition, at: datetime, *, message: str = "", cause: str = "", name: str = ""
    ) -> None:
        assert self._herald is not None, "live"
        blocks = severity(condition.code) is Severity.BLOCKING
        is_error = severity(condition.code) is not Severity.WARNING and not name
        kind = "VisionErrorConditionType" if is_error else "VisionWarningConditionType"
        kind = "VisionPersistentErrorConditionType" if is_error and blocks else kind
        why = explain(condition.code)
        said = message or (f"{condition.code} {why.cause} {why.remedy}" if why else str(condition.code))
        weight = FAULT if is_error else WARNING
        fields = self._herald.base(kind, self._source, at, said, weight)
        condition.event_id = fields["EventId"].Value
        fields |= _fields(condition, at, weight, name or f"Code{condition.code}")
        fields |= {
            "BlockReaction": ua.Variant(blocks and is_error),
            "StopReaction": ua.Variant(blocks and is_error),
            "ErrorCode": ua.Variant(condition.code, ua.VariantType.UInt64),
            "ErrorString": ua.Variant(said, ua.VariantType.String),
            "CausePath": ua.Variant(cause, ua.VariantType.String),
        }
        node = self._space.node(f"Condition.{name or condition.code}")
        condition.occurrence = Occurrence(
            self._herald.type(kind), fields, condition=node, retain=condition.retain
        )
        await self._herald.tell(condition.occurrence, self._source)

    # Methods of the base model

    async def _refresh(self, session: Any, number: int, item: int | None = None) -> tuple[()]:
        assert self._herald is not None, "live"
        if not session.owns(number):
            raise CallRefusedError(ua.StatusCodes.BadSubscriptionIdInvalid)
        service = self._iserver.subscription_service.subscriptions[number].monitored_item_srv
        if item is not None and item not in service._monitored_items:  # noqa: SLF001 - where it keeps them
            raise CallRefusedError(ua.StatusCodes.BadMonitoredItemIdInvalid)
        brackets = (ua.ObjectIds.RefreshStartEventType, ua.ObjectIds.RefreshEndEventType)
        start, end = (self._bracket(ua.NodeId(kind)) for kind in brackets)
        retained = [each.occurrence for each in self._known.values() if each.occurrence and each.retain]
        for occurrence in (start, *retained, end):
            for node in list(service._monitored_events):  # noqa: SLF001 - likewise
                occurrence.emitting_node = node
                await service.trigger_event(occurrence, item)
        return ()

    def _bracket(self, kind: ua.NodeId) -> Occurrence:
        assert self._herald is not None, "live"
        fields = self._herald.base("VisionWarningConditionType", self._source, datetime.now(UTC), "refresh")
        return Occurrence(kind, fields | {"EventType": ua.Variant(kind, ua.VariantType.NodeId)})

    async def _acknowledge(self, session: Any, event_id: bytes, comment: Any) -> tuple[()]:
        return await self._change(session, event_id, comment, acked=True)

    async def _confirm(self, session: Any, event_id: bytes, comment: Any) -> tuple[()]:
        return await self._change(session, event_id, comment, confirmed=True)

    async def _add_comment(self, session: Any, event_id: bytes, comment: Any) -> tuple[()]:
        return await self._change(session, event_id, comment)

    async def _change(self, session: Any, event_id: bytes, comment: Any, **flags: bool) -> tuple[()]:
        condition = next((each for each in self._known.values() if each.event_id == event_id), None)
        if condition is None:
            raise CallRefusedError(ua.StatusCodes.BadEventIdUnknown)
        for flag in flags:
            if getattr(condition, flag):
                done = {
                    "acked": ua.StatusCodes.BadConditionBranchAlreadyAcked,
                    "confirmed": ua.StatusCodes.BadConditionBranchAlreadyConfirmed,
                }
                raise CallRefusedError(done[flag])
            setattr(condition, flag, True)
        condition.comment, condition.user = comment or condition.comment, session.identity.name
        await self._tell(condition, datetime.now(UTC))
        self._forget(condition)
        return ()


def _fields(condition: _Condition, at: datetime, weight: int, name: str) -> dict[str, ua.Variant]:
    """Return what ConditionType and AcknowledgeableConditionType ask for."""
    kinds = ua.VariantType
    stamp = ua.Variant(at, kinds.DateTime)
    fields = {
        "ConditionClassId": ua.Variant(_CLASS, kinds.NodeId),
        "ConditionClassName": text("ProcessConditionClassType"),
        "ConditionName": ua.Variant(name, kinds.String),
        "BranchId": ua.Variant(ua.NodeId(), kinds.NodeId),
        "Retain": ua.Variant(condition.retain),
        "EnabledState": text("Enabled"),
        "EnabledState/Id": ua.Variant(True),
        "Quality": ua.Variant(ua.StatusCode(), kinds.StatusCode),
        "LastSeverity": ua.Variant(weight, kinds.UInt16),
        "Comment": ua.Variant(condition.comment, kinds.LocalizedText),
        "ClientUserId": ua.Variant(condition.user, kinds.String),
        "AckedState": text("Acknowledged" if condition.acked else "Unacknowledged"),
        "AckedState/Id": ua.Variant(condition.acked),
        "ConfirmedState": text("Confirmed" if condition.confirmed else "Unconfirmed"),
        "ConfirmedState/Id": ua.Variant(condition.confirmed),
    }
    return fields | {f"{of}/SourceTimestamp": stamp for of in ("Quality", "LastSeverity", "Comment")}
