"""The standard's structures as classes made from the table: ``STRUCTURE["JobIdDataType"](Id="line-1-7")``.

asyncua's own reader of type definitions takes the three kinds of identifiers for one and the same class, so
that none of them goes over the wire as what it is; here each has its own, with its own encoding.
"""

from collections.abc import Mapping
from dataclasses import field, make_dataclass
from datetime import UTC, datetime
from types import GenericAlias, MappingProxyType
from typing import Any

from asyncua import ua

from edge_service.gateway.opcua.arguments import STANDS_FOR, STRUCTURES
from edge_service.gateway.opcua.machine_vision.table import NAMED, TABLE, Fact, Member, Ref, TypeOf

_BASE: dict[int, Any] = {
    1: ua.Boolean,
    6: ua.Int32,
    7: ua.UInt32,
    12: ua.String,
    15: ua.ByteString,
    21: ua.LocalizedText,
    24: ua.Variant,
    29: ua.Int32,
    290: ua.Double,
    294: ua.DateTime,
}
NEVER = datetime(1601, 1, 1, tzinfo=UTC)  # DateTime 0
_BLANK: dict[Any, Any] = {ua.Boolean: False, ua.Int32: 0, ua.UInt32: 0, ua.Double: 0.0, ua.DateTime: NEVER}


def _class_of(fact: Fact, made: dict[str, Any]) -> Any:
    if fact.name in made:
        return made[fact.name]
    members = list(_members(fact))
    fields: list[Any] = []
    if any(member.optional for member in members):
        fields.append(("Encoding", ua.UInt32, field(default=0, repr=False, init=False, compare=False)))
    for member in members:
        kind = _python(member.type, made)
        if member.optional:
            fields.append((member.name, kind | None, field(default=None)))
        elif isinstance(kind, type) and kind.__name__ in made:
            fields.append((member.name, kind, field(default_factory=kind)))
        else:
            fields.append((member.name, kind, field(default=_BLANK.get(kind))))
    made[fact.name] = make_dataclass(fact.name, fields)
    return made[fact.name]


def _members(fact: Fact) -> tuple[Member, ...]:
    above = TABLE[fact.parent.number] if not fact.parent.base else None
    return (*(_members(above) if above else ()), *fact.members)


def _python(kind: TypeOf, made: dict[str, Any]) -> Any:
    ref = _basic(kind.ref)
    single: Any = _BASE[ref.number] if ref.base else _class_of(TABLE[ref.number], made)
    return GenericAlias(list, (single,)) if kind.rank == 1 else single


def _basic(ref: Ref) -> Ref:
    """Return the built-in type that a type is another name of, or the structure that it is."""
    while not ref.base and TABLE[ref.number].binary is None:
        ref = TABLE[ref.number].parent
    return ref


def _all() -> dict[str, Any]:
    made: dict[str, Any] = {}
    for fact in NAMED.values():
        if fact.binary is not None:
            _class_of(fact, made)
    return made


STRUCTURE: Mapping[str, Any] = MappingProxyType(_all())
_ENUMERATION = 29


def register(index: int) -> None:
    """Make the structures known under that namespace index: how they travel, what stands for what."""
    for name, class_ in STRUCTURE.items():
        fact = NAMED[name]
        node, encoding = ua.NodeId(fact.number, index), ua.NodeId(fact.binary, index)
        ua.register_extension_object(name, encoding, class_, node)
        STRUCTURES[node] = class_
    for fact in NAMED.values():
        if fact.kind == "DT" and fact.binary is None:
            basic = _basic(Ref(fact.number)).number
            kind = ua.VariantType.Int32 if basic == _ENUMERATION else ua.VariantType(basic)
            STANDS_FOR[ua.NodeId(fact.number, index)] = kind
    STANDS_FOR[ua.NodeId(294)] = ua.VariantType.DateTime
    STANDS_FOR[ua.NodeId(290)] = ua.VariantType.Double


def variant_kind(kind: TypeOf) -> ua.VariantType:
    """Return how a value of that type travels."""
    ref = _basic(kind.ref)
    if not ref.base:
        return ua.VariantType.ExtensionObject
    by_name = {294: 13, 290: 11, 24: 24, _ENUMERATION: 6, 296: 22}
    return ua.VariantType(by_name.get(ref.number, ref.number))
