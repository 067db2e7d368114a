"""``PLC/``: every signal as a plain tag, and the command block to write.

The nodes are made from ``domain/signals.py``: ``PLC.Status.TriggerReady`` under ``PLC/Status``. Their types
are those that a PLC can map: Boolean, UInt16, UInt32, Float, String, DateTime. A result's tags get one
timestamp, InspectionId first and InspectionIdEnd last, and a history.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from edge_service.domain.signal import Block, Kind, Signal
from edge_service.domain.signals import SIGNALS
from edge_service.gateway.opcua.history import History
from edge_service.gateway.opcua.space import FOLDER, ORGANIZES, Space
from edge_service.language import say

_KINDS = {
    Kind.BIT: ua.VariantType.Boolean,
    Kind.FIELD: ua.VariantType.UInt16,
    Kind.U16: ua.VariantType.UInt16,
    Kind.U32: ua.VariantType.UInt32,
    Kind.F32: ua.VariantType.Float,
    Kind.TEXT: ua.VariantType.String,
    Kind.RAW: ua.VariantType.String,
}
_MOMENTS = frozenset({"Result.CapturedAt", "Statistics.Since"})
_RESULT = "Result."


def kind_of(signal: Signal) -> ua.VariantType:
    """Return the OPC UA type of a signal's tag."""
    return ua.VariantType.DateTime if signal.name in _MOMENTS else _KINDS[signal.kind]


class Tags:
    """The folder, filled from what the core tells."""

    def __init__(self, space: Space, station: ua.NodeId, history: History) -> None:
        self._space, self._history = space, history
        self.folder = space.add_object(
            station,
            "PLC",
            "PLC",
            kind=FOLDER,
            reference=ORGANIZES,
            description="Every signal of the PLC interface as a tag",
        )
        self._kinds = {signal.name: kind_of(signal) for signal in SIGNALS}
        groups = {
            group: space.add_object(self.folder, f"PLC.{group}", group, kind=FOLDER, reference=ORGANIZES)
            for group in dict.fromkeys(signal.name.split(".")[0] for signal in SIGNALS)
        }
        self._nodes = {
            signal.name: self._add(groups[signal.name.split(".")[0]], signal) for signal in SIGNALS
        }
        self._result = tuple(node for name, node in self._nodes.items() if name.startswith(_RESULT))
        history.have(iter(self._result))

    async def hear_signals(self, signals: Mapping[str, Any], at: datetime) -> None:
        """Show the station's signals."""
        before = self._space.value(self._nodes["Result.InspectionId"])
        result = {name: value for name, value in signals.items() if name.startswith(_RESULT)}
        if result and result.get("Result.InspectionId") != before:
            await self._space.show(self._values(result, result), at)
            await self._space.show_again(self._result, at)
            if number := result.get("Result.InspectionId"):  # 0: the record was taken away
                self._history.keep(number, at, {node: self._space.shown(node) for node in self._result})
        await self._space.show(self._values(signals, signals), at)

    def knows(self, record: Mapping[str, Any]) -> bool:
        """Whether the history has it."""
        return self._history.knows(record["Result.InspectionId"])

    def remember(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take records from before, the oldest first, into the history alone."""
        for record in records:
            at = datetime.fromtimestamp(record["at"], UTC)
            values = {}
            for name, node in self._nodes.items():
                if name.startswith(_RESULT):
                    variant = ua.Variant(self._value(name, record), self._kinds[name])
                    values[node] = ua.DataValue(variant, SourceTimestamp=at, ServerTimestamp=at)
            self._history.keep(record["Result.InspectionId"], at, values)

    async def hear_command(self, command: Mapping[str, Any], at: datetime) -> None:
        """Show the command block as it was last written, by whomever."""
        await self._space.show(self._values(command, command), at)

    def _add(self, parent: ua.NodeId, signal: Signal) -> ua.NodeId:
        kind = self._kinds[signal.name]
        writable = signal.name if signal.block is Block.COMMAND else None
        unit = f" [{signal.unit}]" if signal.unit and signal.name not in _MOMENTS else ""
        return self._space.add_variable(
            parent,
            f"PLC.{signal.name}",
            signal.name.split(".", 1)[1],
            kind,
            ua.get_default_value(kind),
            signal=writable,
            history=signal.name.startswith(_RESULT),
            description=say(signal.en, signal.zh) + unit,
        )

    def _values(
        self, names: Mapping[str, Any], signals: Mapping[str, Any]
    ) -> Iterator[tuple[ua.NodeId, Any]]:
        for name in names:
            if name in self._nodes:
                yield self._nodes[name], self._value(name, signals)

    def _value(self, name: str, signals: Mapping[str, Any]) -> Any:
        value = signals[name]
        if name in _MOMENTS:
            milliseconds = signals.get("Result.CapturedMs", 0) if name.startswith(_RESULT) else 0
            return datetime.fromtimestamp(value + milliseconds / 1000, UTC)
        if self._kinds[name] is ua.VariantType.Float:
            return float("nan") if value is None else float(value)
        return value
