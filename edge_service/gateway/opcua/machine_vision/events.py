"""Events: what happened, with every field the standard asks for, told to whoever listens.

asyncua's own events lose fields without a default value and stay where they were fired. An ``Occurrence``
answers a client's selection itself, by the path of names (``Transition/Id``), and is told at its source, at
the station and at the server, each time with the same EventId.
"""

import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from edge_service.gateway.opcua.machine_vision.table import NAMED

INFORMATION, WARNING, FAULT = 100, 500, 800
_NULL = ua.Variant(None, ua.VariantType.Null)
_SERVER = ua.NodeId(ua.ObjectIds.Server)
_UTC = ua.TimeZoneDataType(Offset=0, DaylightSavingInOffset=False)


def text(value: str) -> ua.Variant:
    """Return a localized text."""
    return ua.Variant(ua.LocalizedText(value), ua.VariantType.LocalizedText)


class Occurrence:
    """One event; ``fields`` by path of names."""

    def __init__(
        self,
        event_type: ua.NodeId,
        fields: Mapping[str, ua.Variant],
        *,
        condition: ua.NodeId | None = None,
        retain: bool = False,
    ) -> None:
        self.EventType, self.emitting_node = event_type, _SERVER
        self.fields = dict(fields)
        self.NodeId = condition
        self.Retain = retain

    def __getattr__(self, name: str) -> Any:
        """Return a field's value for a client's filter."""
        field = self.__dict__.get("fields", {}).get(name)
        return None if field is None else field.Value

    def to_event_fields(self, clauses: Iterable[ua.SimpleAttributeOperand]) -> list[ua.Variant]:
        """Return what a client selected; what this event does not have is Null."""
        return [self._field(clause) for clause in clauses]

    def _field(self, clause: ua.SimpleAttributeOperand) -> ua.Variant:
        if clause.AttributeId == ua.AttributeIds.NodeId and not clause.BrowsePath:
            return ua.Variant(self.NodeId, ua.VariantType.NodeId) if self.NodeId else _NULL
        if clause.AttributeId != ua.AttributeIds.Value:
            return _NULL
        return self.fields.get("/".join(name.Name for name in clause.BrowsePath or ()), _NULL)


class Herald:
    """Tells events of the station."""

    def __init__(self, iserver: Any, index: int, station: ua.NodeId) -> None:
        self._iserver, self._index, self._station = iserver, index, station

    def type(self, name: str) -> ua.NodeId:
        """Return one of the standard's event types."""
        return ua.NodeId(NAMED[name].number, self._index)

    def base(
        self, name: str, source: ua.NodeId, at: datetime, message: str, severity: int = INFORMATION
    ) -> dict[str, ua.Variant]:
        """Return the fields that every event has."""
        kinds = ua.VariantType
        return {
            "EventId": ua.Variant(uuid.uuid4().bytes, kinds.ByteString),
            "EventType": ua.Variant(self.type(name), kinds.NodeId),
            "SourceNode": ua.Variant(source, kinds.NodeId),
            "SourceName": ua.Variant(str(source.Identifier).rpartition(".")[2], kinds.String),
            "Time": ua.Variant(at, kinds.DateTime),
            "ReceiveTime": ua.Variant(datetime.now(UTC), kinds.DateTime),
            "LocalTime": ua.Variant(_UTC, kinds.ExtensionObject),
            "Message": text(message),
            "Severity": ua.Variant(severity, kinds.UInt16),
        }

    async def tell(self, occurrence: Occurrence, source: ua.NodeId) -> None:
        """Tell it at its source, at the station and at the server."""
        for node in dict.fromkeys((source, self._station, _SERVER)):
            occurrence.emitting_node = node
            await self._iserver.subscription_service.trigger_event(occurrence)

    async def happen(
        self,
        name: str,
        source: ua.NodeId,
        at: datetime,
        message: str,
        fields: Mapping[str, ua.Variant],
        *,
        severity: int = INFORMATION,
    ) -> None:
        """Tell an event of that type."""
        whole = self.base(name, source, at, message, severity) | dict(fields)
        await self.tell(Occurrence(self.type(name), whole), source)
