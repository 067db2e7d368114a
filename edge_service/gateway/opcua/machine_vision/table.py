"""The facts as values: ``TABLE[1003].name`` is ``VisionSystemType``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from edge_service.gateway.opcua.machine_vision.facts import FACTS

URI = "http://opcfoundation.org/UA/MachineVision"
TYPES = frozenset({"OT", "VT", "RT", "DT"})
_PARTS = 2


@dataclass(frozen=True, slots=True)
class Ref:
    """A node of the standard's or, ``base``, of the base namespace."""

    number: int
    base: bool = False


@dataclass(frozen=True, slots=True)
class TypeOf:
    """A data type, single or array (``rank`` 1)."""

    ref: Ref
    rank: int = -1


@dataclass(frozen=True, slots=True)
class Member:
    """An argument of a method or a field of a structure."""

    name: str
    type: TypeOf
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """One node."""

    number: int
    kind: str  # O, V, M, OT, VT, RT, DT
    name: str
    base_name: bool  # the browse name is of the base namespace
    parent: Ref  # the supertype of a type
    reference: str = "S"  # C, P; S: subtype
    type: Ref | None = None
    rule: str = "-"
    data_type: TypeOf | None = None
    abstract: bool = False
    access: int = 1
    of: int | None = None
    inputs: tuple[int, tuple[Member, ...]] | None = None
    outputs: tuple[int, tuple[Member, ...]] | None = None
    state: tuple[int, int] | None = None  # the property's node, the number
    source: int | None = None  # of a transition
    target: int | None = None
    causes: tuple[int, ...] = ()
    effects: tuple[int, ...] = ()
    sub_machine: int | None = None
    binary: int | None = None
    values: int | None = None
    members: tuple[Member, ...] = field(default=())
    choices: tuple[tuple[str, int], ...] = ()


def _ref(text: str) -> Ref:
    base, _, number = text.rpartition(":")
    return Ref(int(number), base == "0")


def _type(text: str) -> TypeOf:
    parts = text.split(":")
    has_rank = len(parts) == _PARTS + 1 or (len(parts) == _PARTS and parts[0] != "0")
    return TypeOf(_ref(":".join(parts[:-1] if has_rank else parts)), int(parts[-1]) if has_rank else -1)


def _member(text: str) -> Member:
    name, _, type_ = text.partition("=")
    return Member(name.rstrip("?"), _type(type_), name.endswith("?"))


def _arguments(text: str) -> tuple[int, tuple[Member, ...]]:
    node, _, inside = text.rstrip(")").partition("(")
    return int(node), tuple(_member(each) for each in inside.split(",") if each)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each.removeprefix("0:")) for each in text.split(","))


def _fact(line: str) -> Fact:
    number, kind, name, parent, *rest = line.split(" ")
    place: dict[str, object] = {}
    if kind not in TYPES:
        reference, type_, rule, *rest = rest
        place = {"reference": reference, "type": None if type_ == "-" else _ref(type_), "rule": rule}
    if kind == "V":
        place["data_type"] = _type(rest.pop(0))
    return Fact(
        int(number),
        kind,
        name.removeprefix("0:"),
        name.startswith("0:"),
        _ref(parent),
        **place,  # type: ignore[arg-type]  # by kind of node
        **_more(rest, kind),  # type: ignore[arg-type]  # likewise
    )


def _more(rest: list[str], kind: str) -> dict[str, object]:
    more: dict[str, object] = {"abstract": "abstract" in rest}
    members, choices = [], []
    for key, _, value in (each.partition("=") for each in rest if "=" in each):
        match key:
            case "dt":
                more["data_type"] = _type(value)
            case "access" | "of" | "binary" | "values":
                more[key] = int(value)
            case "in" | "out":
                more[f"{key}puts"] = _arguments(value)
            case "number":
                node, _, state = value.partition(":")
                more["state"] = (int(node), int(state))
            case "from" | "to" | "sub":
                more[{"from": "source", "to": "target", "sub": "sub_machine"}[key]] = int(value)
            case "cause" | "effect":
                more[f"{key}s"] = _numbers(value)
            case _ if value.isdigit() and kind == "DT" and key[-2:].lstrip("_").isdigit():
                choices.append((key, int(value)))
            case _:
                members.append(_member(f"{key}={value}"))
    return more | {"members": tuple(members), "choices": tuple(choices)}


TABLE: Mapping[int, Fact] = MappingProxyType(
    {fact.number: fact for fact in map(_fact, FACTS.strip().splitlines())}
)
NAMED: Mapping[str, Fact] = MappingProxyType(
    {fact.name: fact for fact in TABLE.values() if fact.kind in TYPES}
)
"""The types by name."""


def children(number: int) -> list[Fact]:
    """Return the nodes that lie under a node."""
    return [
        fact
        for fact in TABLE.values()
        if fact.kind not in TYPES and not fact.parent.base and fact.parent.number == number
    ]
