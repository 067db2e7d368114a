"""Instances of the standard's types: the objects, variables and methods that a type declares, as our nodes.

Their ids are their paths (``VisionStateMachine.Halt``), the same after every start; their browse names are
the standard's. Mandatory nodes always, optional ones where they are asked for.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from asyncua import ua

from edge_service.gateway.opcua.arguments import Argument, Handler, Method
from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE, variant_kind
from edge_service.gateway.opcua.machine_vision.table import NAMED, TABLE, Fact, Member, TypeOf, children
from edge_service.gateway.opcua.machine_vision.types import Types
from edge_service.gateway.opcua.space import COMPONENT, HAS_PROPERTY, Space
from edge_service.link import Role

_STATE_MACHINES = frozenset({"VisionStateMachineType", "VisionAutomaticModeStateMachineType"})
_FINITE = ua.VariantType.LocalizedText


@dataclass(frozen=True, slots=True)
class Service:
    """Who may call a method, and who does it."""

    role: Role
    handler: Handler


@dataclass(slots=True)
class Instance:
    """The nodes of one instance by their path below it."""

    root: ua.NodeId
    nodes: dict[str, ua.NodeId] = field(default_factory=dict)


class Maker:
    """Makes instances; ``services`` by the path of a method's node."""

    def __init__(
        self, space: Space, types: Types, optional: Collection[str], services: Mapping[str, Service]
    ) -> None:
        self._space, self._types, self._optional, self._services = space, types, optional, services

    def fill(self, type_name: str, root: ua.NodeId, prefix: str = "") -> Instance:
        """Make everything below ``root``, an object (or variable) of that type; ids begin with ``prefix``."""
        made = Instance(root)
        self._below(NAMED[type_name], None, root, (prefix, ""), made)
        return made

    def _below(
        self, kind: Fact, declared: Fact | None, parent: ua.NodeId, path: tuple[str, str], made: Instance
    ) -> None:
        own = {fact.name: fact for fact in children(kind.number)}
        if declared is not None:
            own |= {fact.name: fact for fact in children(declared.number)}
        if kind.name in _STATE_MACHINES:
            self._finite(parent, path, made)
        for fact in own.values():
            inner = f"{path[1]}.{fact.name}".lstrip(".")
            wanted = fact.rule == "M" or (fact.rule == "O" and inner in self._optional)
            if wanted and inner not in made.nodes:
                made.nodes[inner] = self._node(fact, parent, (path[0], inner), made)

    def _node(self, fact: Fact, parent: ua.NodeId, path: tuple[str, str], made: Instance) -> ua.NodeId:
        name = path[0] + path[1]
        if fact.kind == "M":
            return self._method(fact, parent, name, path[1])
        if fact.kind == "V":
            return self.variable(fact, parent, name)
        assert fact.type is not None, "an object has a type"
        notifier = 1 if fact.name.endswith(("StateMachine", "Management")) else 0
        node = self._space.add_object(
            parent,
            name,
            fact.name,
            kind=self._types.node(fact.type),
            namespace=self._types.index,
            notifier=notifier,
        )
        if fact.state is not None:
            kind = ua.VariantType.UInt32
            self._property(node, f"{name}.StateNumber", "StateNumber", kind, fact.state[1])
        elif not fact.type.base:
            self._below(TABLE[fact.type.number], fact, node, path, made)
        return node

    def variable(self, fact: Fact, parent: ua.NodeId, name: str, value: Any = None) -> ua.NodeId:
        """Make a variable of the type's; a structure begins blank."""
        assert fact.data_type is not None, "a variable has a data type"
        assert fact.type is not None, "and a type"
        return self._space.add_variable(
            parent,
            name,
            fact.name,
            variant_kind(fact.data_type),
            blank(fact.data_type) if value is None else value,
            data_type=self._types.node(fact.data_type.ref),
            type_definition=self._types.node(fact.type),
            reference=HAS_PROPERTY if fact.reference == "P" else COMPONENT,
            rank=fact.data_type.rank,
            namespace=0 if fact.base_name else self._types.index,
        )

    def _method(self, fact: Fact, parent: ua.NodeId, name: str, path: str) -> ua.NodeId:
        declared = TABLE[fact.of] if fact.of else fact
        service = self._services[path]
        method = Method(
            self._arguments(declared.inputs), self._arguments(declared.outputs), service.role, service.handler
        )
        node = self._space.add_method(parent, name, fact.name, method, namespace=self._types.index)
        self._space.serve(parent, ua.NodeId(declared.number, self._types.index), method)
        return node

    def _arguments(self, given: tuple[int, tuple[Member, ...]] | None) -> tuple[Argument, ...]:
        members = given[1] if given else ()
        return tuple(
            Argument(member.name, self._types.node(member.type.ref), member.type.rank) for member in members
        )

    def _finite(self, parent: ua.NodeId, path: tuple[str, str], made: Instance) -> None:
        """CurrentState and LastTransition, which a state machine has of the base model."""
        for title, type_number in (("CurrentState", 2760), ("LastTransition", 2767)):
            inner = f"{path[1]}.{title}"
            node = self._space.add_variable(
                parent,
                path[0] + inner,
                title,
                _FINITE,
                ua.LocalizedText(""),
                type_definition=ua.NodeId(type_number),
                namespace=0,
            )
            kind, none = ua.VariantType.NodeId, ua.NodeId()
            made.nodes[inner] = node
            made.nodes[f"{inner}.Id"] = self._property(node, f"{path[0]}{inner}.Id", "Id", kind, none)
            number = f"{path[0]}{inner}.Number"
            made.nodes[f"{inner}.Number"] = self._property(node, number, "Number", ua.VariantType.UInt32, 0)

    def _property(
        self,
        parent: ua.NodeId,
        name: str,
        title: str,
        kind: ua.VariantType,
        value: Any,
    ) -> ua.NodeId:
        return self._space.add_variable(
            parent,
            name,
            title,
            kind,
            value,
            type_definition=ua.NodeId(ua.ObjectIds.PropertyType),
            reference=HAS_PROPERTY,
            namespace=0,
        )


def blank(kind: TypeOf) -> Any:
    """Return a value to begin with."""
    if kind.rank == 1:
        return []
    variant = variant_kind(kind)
    if variant is ua.VariantType.ExtensionObject:
        return STRUCTURE[TABLE[kind.ref.number].name]()
    return ua.get_default_value(variant)
