"""What tests of the vision system have in common: an inspection, a client's events, short names for nodes."""

import asyncio
from typing import Any

from asyncua import Client, Node, ua

from edge_service.gateway.opcua.machine_vision.table import TABLE
from edge_service.link import Event

INSPECTION = {
    "id": "line-1-12-41",
    "job": "line-1-12-40",
    "counter": 41,
    "inspection_id": 41,
    "verdict": "NG",
    "code": 0,
    "score": 3.0,
    "threshold": 1.0,
    "normalised_score": 1.5,
    "defect": [10, 20],
    "defect_area_px": 7,
    "defect_class": 0,
    "recipe": 1,
    "model": "pcb 1",
    "source": "SEQUENCE",
    "sequence": 9,
    "acquisition_id": 40,
    "serial": "A41",
    "encoder": 0,
    "configuration_checksum": 1,
    "captured_at": 1_700_000_000.5,
    "trigger_to_exposure_ms": 3.0,
    "inference_ms": 12.0,
    "trigger_to_publish_ms": 20.0,
    "simulated": True,
    "on_cpu": True,
}
FIELDS = (
    "EventType",
    "SourceName",
    "Message",
    "Severity",
    "JobId",
    "Transition",
    "FromState",
    "ToState",
    "ResultId",
    "IsPartial",
    "IsSimulated",
    "ResultState",
    "PartId",
    "InternalRecipeId",
    "InternalConfigurationId",
    "CreationTime",
    "ProcessingTimes",
    "ResultContent",
    "InternalId",
    "EventId",
    "Retain",
    "ErrorCode",
    "StopReaction",
    "CausePath",
    "ConditionName",
    "AckedState",
)


class Events:
    """Collects a client's events as dictionaries of the fields it selected."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.subscription: Any = None
        self._more = asyncio.Event()

    def event_notification(self, event: Any) -> None:
        """Take one."""
        self.seen.append({name: getattr(event, name, None) for name in FIELDS})
        self._more.set()

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many."""
        async with asyncio.timeout(10):
            while len(self.seen) < count:
                self._more.clear()
                await self._more.wait()
        return self.seen

    @property
    def names(self) -> list[str]:
        """Their types, with the transition of those that have one."""
        return [name_of(event) for event in self.seen]


def name_of(event: dict[str, Any]) -> str:
    """Return an event's type, or the transition that it tells of."""
    kind = TABLE[event["EventType"].Identifier].name
    return event["Transition"].Text if kind == "StateChangedEventType" else kind


async def listen(client: Client, node: Node | None = None) -> Events:
    """Subscribe to every field that is of interest, at the server object unless told otherwise."""
    events = Events()
    subscription = events.subscription = await client.create_subscription(50, events)
    wanted = ua.EventFilter()
    for name in FIELDS:
        clause = ua.SimpleAttributeOperand()
        clause.TypeDefinitionId, clause.AttributeId = (
            ua.NodeId(ua.ObjectIds.BaseEventType),
            ua.AttributeIds.Value,
        )
        clause.BrowsePath = [ua.QualifiedName(name, 0)]
        wanted.SelectClauses.append(clause)
    await subscription.subscribe_events(node or client.nodes.server, evfilter=wanted)
    return events


def moment(**facts: Any) -> Event:
    """Return one moment of the inspection loop."""
    return Event("moments", {"moments": [{"at": 1_700_000_000.0, **facts}]})


def int32(number: int) -> ua.Variant:
    """Return a number as the standard's methods take it."""
    return ua.Variant(number, ua.VariantType.Int32)


def machine(client: Client, path: str = "") -> Node:
    """Return a node of the state machine."""
    return client.get_node(f"ns=2;s=VisionStateMachine{path}")


async def listed(client: Client) -> list[str]:
    """Return the ids of all results that a query finds."""
    none = ua.Variant(None, ua.VariantType.ExtensionObject)
    unsigned = [ua.Variant(0, ua.VariantType.UInt32)] * 2
    management = client.get_node("ns=2;s=ResultManagement")
    found = await management.call_method(
        "3:GetResultListFiltered", int32(0), *[none] * 8, *unsigned, int32(0)
    )
    return [each.ResultId.Id for each in found[3]]


async def variables_below(node: Node) -> Any:
    """Yield every variable below a node but the arguments of methods."""
    for child in await node.get_children():
        node_class = await child.read_node_class()
        if node_class == ua.NodeClass.Variable:
            yield child
        if node_class != ua.NodeClass.Method:
            async for below in variables_below(child):
                yield below
