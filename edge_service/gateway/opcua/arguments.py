"""Methods and their arguments: what is declared, whether what was given fits, how outputs are packed."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from asyncua import ua

from edge_service.link import Role

_BUILT_IN = 25  # the last of the standard's own data types


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a method: ``data_type`` is a node id, ``rank`` -1 a single value, 1 an array."""

    name: str
    data_type: ua.NodeId
    rank: int = -1
    description: str = ""


Handler = Callable[..., Awaitable[Sequence[Any]]]


@dataclass(frozen=True, slots=True)
class Method:
    """What can be called, by whom, and who does it: ``handler(session, *inputs)`` returns the outputs."""

    inputs: tuple[Argument, ...]
    outputs: tuple[Argument, ...]
    role: Role
    handler: Handler


class CallRefusedError(Exception):
    """A method call ends with a status code instead of outputs."""

    def __init__(self, status: int, arguments: Sequence[int] = ()) -> None:
        super().__init__(ua.StatusCode(status).name)
        self.status, self.arguments = status, arguments


def checked(declared: Sequence[Argument], given: Sequence[ua.Variant]) -> list[Any]:
    """Return the arguments' values. Raises CallRefusedError naming each that is wrong."""
    if len(given) < len(declared):
        raise CallRefusedError(ua.StatusCodes.BadArgumentsMissing)
    if len(given) > len(declared):
        raise CallRefusedError(ua.StatusCodes.BadTooManyArguments)
    fits = [_fits(argument, variant) for argument, variant in zip(declared, given, strict=True)]
    if not all(fits):
        codes = [ua.StatusCodes.Good if fit else ua.StatusCodes.BadTypeMismatch for fit in fits]
        raise CallRefusedError(ua.StatusCodes.BadInvalidArgument, codes)
    return [_opened(variant) for variant in given]


def _fits(argument: Argument, variant: ua.Variant) -> bool:
    if (argument.rank == 1) != bool(variant.is_array):
        return argument.rank == 1 and variant.Value is None
    kind = argument.data_type
    if kind.NamespaceIndex == 0 and kind.Identifier == ua.ObjectIds.BaseDataType:
        return True
    if kind.NamespaceIndex == 0 and kind.Identifier <= _BUILT_IN:
        return bool(variant.VariantType.value == kind.Identifier)
    basic = STANDS_FOR.get(kind)
    if basic is not None:
        return variant.VariantType is basic
    if variant.VariantType not in (ua.VariantType.ExtensionObject, ua.VariantType.Null):
        return False
    value = _opened(variant)
    return value is None or type(value) is STRUCTURES.get(kind)


STANDS_FOR: dict[ua.NodeId, ua.VariantType] = {}
"""Data types that are a built-in one by another name; filled where such types are made."""

STRUCTURES: dict[ua.NodeId, type] = {}
"""Structured data types and their classes; filled where such types are made."""


def _opened(variant: ua.Variant) -> Any:
    value = variant.Value
    is_null = isinstance(value, ua.ExtensionObject) and value.TypeId.Identifier == 0
    return None if is_null else value


def packed(argument: Argument, value: Any) -> ua.Variant:
    """Return an output as its declared type."""
    kind = argument.data_type
    if isinstance(value, ua.Variant):
        return value
    if kind.NamespaceIndex == 0 and kind.Identifier <= _BUILT_IN:
        return ua.Variant(value, ua.VariantType(kind.Identifier), is_array=argument.rank == 1)
    basic = STANDS_FOR.get(kind, ua.VariantType.ExtensionObject)
    return ua.Variant(value, basic, is_array=argument.rank == 1)


def described(argument: Argument) -> ua.Argument:
    """Return what clients are told of an argument."""
    described = ua.Argument()
    described.Name = argument.name
    described.DataType = argument.data_type
    described.ValueRank = argument.rank
    described.ArrayDimensions = [0] if argument.rank == 1 else []
    described.Description = ua.LocalizedText(argument.description)
    return described
