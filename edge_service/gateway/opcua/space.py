"""The station's nodes: made once, then only their values change.

- ``show`` writes values with one timestamp; a value that did not change is not written again.
- While the core is away every variable has the status Bad_NoCommunication, and no value.
- ``write`` hands the command block's signals of one request to the core as one write, whole or not at all.
- ``call`` checks place, role, count and types of arguments before a method sees them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from asyncua import ua
from asyncua.server.internal_server import InternalServer

from edge_service.errors import OkngError
from edge_service.gateway.opcua.arguments import CallRefusedError, Method, checked, described, packed
from edge_service.gateway.opcua.asking import fits_serial
from edge_service.gateway.opcua.identity import Identity
from edge_service.link import Role

log = structlog.get_logger()

OBJECTS = ua.NodeId(ua.ObjectIds.ObjectsFolder)
FOLDER = ua.NodeId(ua.ObjectIds.FolderType)
OBJECT = ua.NodeId(ua.ObjectIds.BaseObjectType)
VARIABLE = ua.NodeId(ua.ObjectIds.BaseDataVariableType)
PROPERTY = ua.NodeId(ua.ObjectIds.PropertyType)
COMPONENT = ua.NodeId(ua.ObjectIds.HasComponent)
HAS_PROPERTY = ua.NodeId(ua.ObjectIds.HasProperty)
ORGANIZES = ua.NodeId(ua.ObjectIds.Organizes)
NO_CONNECTION = ua.StatusCode(ua.StatusCodes.BadNoCommunication)

_READ = 1 << ua.AccessLevel.CurrentRead
_WRITE = 1 << ua.AccessLevel.CurrentWrite
_HISTORY = 1 << ua.AccessLevel.HistoryRead
_HEARD_S = 1.0


@dataclass(slots=True)
class _Cell:
    kind: ua.VariantType
    value: ua.DataValue
    is_array: bool


class Space:
    """The nodes of one station in one server."""

    def __init__(self, write: Callable[[dict[str, Any], Identity], Awaitable[None]]) -> None:
        self._write_signals = write
        self._heard: Callable[[Identity], Awaitable[None]] | None = None
        self._server: Any = None
        self.index = 0  # of our namespace
        self.away = True
        self._cells: dict[ua.NodeId, _Cell] = {}
        self._writable: dict[ua.NodeId, str] = {}
        self._methods: dict[tuple[ua.NodeId | None, ua.NodeId], Method] = {}
        self._writers: dict[str, float] = {}
        self._chores: set[asyncio.Task[None]] = set()

    def use(self, server: InternalServer, index: int) -> None:
        """Make nodes in this server, in the namespace with that index."""
        self._server, self.index = server, index

    def on_heard(self, heard: Callable[[Identity], Awaitable[None]]) -> None:
        """Have this called, at most once a second a user, while who wrote the command block is connected."""
        self._heard = heard

    def node(self, name: str) -> ua.NodeId:
        """Return the id of a node of ours: its path, the same after every start."""
        return ua.NodeId(name, self.index)

    # Making nodes

    def add_object(
        self,
        parent: ua.NodeId,
        name: str,
        browse_name: str,
        *,
        kind: ua.NodeId = OBJECT,
        reference: ua.NodeId = COMPONENT,
        namespace: int | None = None,
        notifier: int = 0,
        description: str = "",
    ) -> ua.NodeId:
        """Add an object ``name`` (the path that is its id) under ``parent``."""
        attributes = ua.ObjectAttributes()
        attributes.EventNotifier = notifier
        attributes.Description = ua.LocalizedText(description)
        links = (ua.NodeClass.Object, kind, reference)
        return self._add(parent, name, self._named(browse_name, namespace), attributes, links)

    def add_variable(
        self,
        parent: ua.NodeId,
        name: str,
        browse_name: str,
        kind: ua.VariantType,
        value: Any,
        *,
        data_type: ua.NodeId | None = None,
        type_definition: ua.NodeId = VARIABLE,
        reference: ua.NodeId = COMPONENT,
        rank: int = -1,
        signal: str | None = None,
        namespace: int | None = None,
        description: str = "",
        fixed: bool = False,
        history: bool = False,
    ) -> ua.NodeId:
        """Add a variable; ``signal`` makes it writable, ``fixed`` keeps its value while the core is away."""
        attributes = ua.VariableAttributes()
        attributes.DataType = data_type or ua.NodeId(kind.value)
        attributes.ValueRank = rank
        attributes.ArrayDimensions = [0] if rank == 1 else []
        attributes.AccessLevel = attributes.UserAccessLevel = (
            _READ | (_WRITE if signal else 0) | (_HISTORY if history else 0)
        )
        attributes.Historizing = history
        attributes.MinimumSamplingInterval = 0.0
        is_array = rank == 1
        attributes.Value = ua.Variant(value, kind, is_array=is_array)
        attributes.Description = ua.LocalizedText(description)
        links = (ua.NodeClass.Variable, type_definition, reference)
        node = self._add(parent, name, self._named(browse_name, namespace), attributes, links)
        if not fixed:
            at = datetime.now(UTC)
            shown = ua.DataValue(attributes.Value, SourceTimestamp=at, ServerTimestamp=at)
            self._cells[node] = _Cell(kind, shown, is_array)
            self._server.aspace[node].attributes[ua.AttributeIds.Value].value = (
                ua.DataValue(ua.Variant(None, ua.VariantType.Null), NO_CONNECTION) if self.away else shown
            )
        if signal:
            self._writable[node] = signal
        return node

    def add_method(
        self, parent: ua.NodeId, name: str, browse_name: str, method: Method, *, namespace: int | None = None
    ) -> ua.NodeId:
        """Add a method with its arguments."""
        attributes = ua.MethodAttributes()
        attributes.Executable = attributes.UserExecutable = True
        links = (ua.NodeClass.Method, ua.NodeId(), COMPONENT)
        node = self._add(parent, name, self._named(browse_name, namespace), attributes, links)
        for title, arguments in (("InputArguments", method.inputs), ("OutputArguments", method.outputs)):
            if arguments:
                self.add_variable(
                    node,
                    f"{name}.{title}",
                    title,
                    ua.VariantType.ExtensionObject,
                    [described(argument) for argument in arguments],
                    data_type=ua.NodeId(ua.ObjectIds.Argument),
                    type_definition=PROPERTY,
                    reference=HAS_PROPERTY,
                    rank=1,
                    namespace=0,
                    fixed=True,
                )
        self.serve(parent, node, method)
        return node

    def serve(self, parent: ua.NodeId | None, node: ua.NodeId, method: Method) -> None:
        """Answer calls of a method node on that object; None means on any object."""
        self._methods[parent, node] = method

    def _add(
        self,
        parent: ua.NodeId,
        name: str,
        browse_name: ua.QualifiedName,
        attributes: Any,
        links: tuple[ua.NodeClass, ua.NodeId, ua.NodeId],
    ) -> ua.NodeId:
        item = ua.AddNodesItem()
        item.RequestedNewNodeId = self.node(name)
        item.BrowseName = browse_name
        item.NodeClass, item.TypeDefinition, item.ReferenceTypeId = links
        item.ParentNodeId = parent
        attributes.DisplayName = ua.LocalizedText(browse_name.Name)
        attributes.WriteMask = attributes.UserWriteMask = 0
        item.NodeAttributes = attributes
        (result,) = self._server.node_mgt_service.add_nodes([item])
        result.StatusCode.check()
        node: ua.NodeId = result.AddedNodeId
        return node

    def _named(self, browse_name: str, namespace: int | None) -> ua.QualifiedName:
        return ua.QualifiedName(browse_name, self.index if namespace is None else namespace)

    # Values

    async def show(self, values: Iterable[tuple[ua.NodeId, Any]], at: datetime | None = None) -> None:
        """Write values, in this order and with one timestamp."""
        at = at or datetime.now(UTC)
        for node, value in values:
            cell = self._cells[node]
            if cell.value.Value is not None and cell.value.Value.Value == value:
                continue
            variant = ua.Variant(value, cell.kind, is_array=cell.is_array)
            cell.value = ua.DataValue(variant, SourceTimestamp=at, ServerTimestamp=at)
            if not self.away:
                await self._put(node, cell.value)

    def value(self, node: ua.NodeId) -> Any:
        """Return what a variable shows, or would show if the core were there."""
        variant = self._cells[node].value.Value
        return None if variant is None else variant.Value

    def shown(self, node: ua.NodeId) -> ua.DataValue:
        """Return a variable's value with its timestamps, or what it would be if the core were there."""
        return self._cells[node].value

    def preset(self, node: ua.NodeId, value: Any) -> None:
        """Give a variable that was just made its first value."""
        cell, at = self._cells[node], datetime.now(UTC)
        variant = ua.Variant(value, cell.kind, is_array=cell.is_array)
        cell.value = ua.DataValue(variant, SourceTimestamp=at, ServerTimestamp=at)
        if not self.away:
            self._server.aspace[node].attributes[ua.AttributeIds.Value].value = cell.value

    async def show_again(self, nodes: Iterable[ua.NodeId], at: datetime) -> None:
        """Give values that did not change a new timestamp."""
        for node in nodes:
            cell = self._cells[node]
            cell.value = ua.DataValue(cell.value.Value, SourceTimestamp=at, ServerTimestamp=at)
            if not self.away:
                await self._put(node, cell.value)

    async def set_away(self, *, away: bool) -> None:
        """Say of every variable that the core is away, or what it is now that the core is back."""
        if away == self.away:
            return
        self.away = away
        at = datetime.now(UTC)
        gone = ua.DataValue(
            ua.Variant(None, ua.VariantType.Null), NO_CONNECTION, SourceTimestamp=at, ServerTimestamp=at
        )
        for node, cell in list(self._cells.items()):
            await self._put(node, gone if away else cell.value)

    def forget(self, nodes: Iterable[ua.NodeId]) -> None:
        """Leave these nodes' values as they are from now on."""
        for node in nodes:
            self._cells.pop(node, None)

    async def _put(self, node: ua.NodeId, value: ua.DataValue) -> None:
        await self._server.aspace.write_attribute_value(node, ua.AttributeIds.Value, value)

    # What sessions may do

    def may_write(self, node: ua.NodeId, identity: Identity) -> bool:
        """Whether that user may write that node."""
        return node in self._writable and identity.may(Role.OPERATOR)

    def may_call(self, node: ua.NodeId, identity: Identity) -> bool:
        """Whether that user may call that method somewhere."""
        return any(identity.may(method.role) for (_, known), method in self._methods.items() if known == node)

    def heard(self, identity: Identity) -> None:
        """Note that a user who wrote the command block is there."""
        if identity.name not in self._writers or self._heard is None:
            return
        now = asyncio.get_running_loop().time()
        if now - self._writers[identity.name] >= _HEARD_S:
            self._writers[identity.name] = now
            task = asyncio.create_task(_quietly(self._heard(identity)), name="opcua-heard")
            self._chores.add(task)
            task.add_done_callback(self._chores.discard)

    async def write(self, items: Sequence[ua.WriteValue], identity: Identity) -> list[ua.StatusCode]:
        """Do one write request: every signal in it at once, or none."""
        complaints = [self._complaint(item, identity) for item in items]
        if any(complaints):
            not_done = ua.StatusCodes.BadRequestNotAllowed
            return [ua.StatusCode(complaint or not_done) for complaint in complaints]
        given = {self._writable[item.NodeId]: item.Value.Value.Value for item in items}
        values = {name: "" if value is None else value for name, value in given.items()}  # a null text
        status = await self._write(values, identity)
        return [ua.StatusCode(status)] * len(items)

    async def _write(self, values: dict[str, Any], identity: Identity) -> int:
        try:
            await self._write_signals(values, identity)
        except OkngError as error:
            log.info("opcua_write_refused", user=identity.name, code=error.code, reason=error.what)
            return _write_status(error)
        self._writers[identity.name] = asyncio.get_running_loop().time()
        return int(ua.StatusCodes.Good)

    def _complaint(self, item: ua.WriteValue, identity: Identity) -> int:
        """Return the status that a value is refused with, 0 if it is not."""
        writable = item.AttributeId == ua.AttributeIds.Value and item.NodeId in self._writable
        value, status = item.Value.Value, item.Value.StatusCode
        kind = self._cells[item.NodeId].kind if writable else None
        reasons = (
            (item.NodeId not in self._server.aspace, ua.StatusCodes.BadNodeIdUnknown),
            (not writable, ua.StatusCodes.BadNotWritable),
            (not identity.may(Role.OPERATOR), ua.StatusCodes.BadUserAccessDenied),
            (bool(item.IndexRange), ua.StatusCodes.BadWriteNotSupported),
            (status is not None and not status.is_good(), ua.StatusCodes.BadWriteNotSupported),
            (
                value is None or value.VariantType is not kind or value.is_array,
                ua.StatusCodes.BadTypeMismatch,
            ),
            (
                value is not None and isinstance(value.Value, str) and not fits_serial(value.Value),
                ua.StatusCodes.BadOutOfRange,
            ),
            (self.away, ua.StatusCodes.BadNoCommunication),
        )
        return next((int(reason) for holds, reason in reasons if holds), 0)

    async def call(self, request: ua.CallMethodRequest, session: Any) -> ua.CallMethodResult:
        """Call one method."""
        result = ua.CallMethodResult()
        try:
            method = self._method(request, session.identity)
            inputs = checked(method.inputs, request.InputArguments or [])
            outputs = await method.handler(session, *inputs)
            result.OutputArguments = [
                packed(argument, value) for argument, value in zip(method.outputs, outputs, strict=True)
            ]
            result.InputArgumentResults = [ua.StatusCode() for _ in inputs]
        except CallRefusedError as refused:
            result.StatusCode = ua.StatusCode(refused.status)
            result.InputArgumentResults = [ua.StatusCode(code) for code in refused.arguments]
        return result

    def _method(self, request: ua.CallMethodRequest, identity: Identity) -> Method:
        key = (request.ObjectId, request.MethodId)
        method = self._methods.get(key) or self._methods.get((None, request.MethodId))
        if method is None:
            known = request.ObjectId in self._server.aspace
            raise CallRefusedError(
                ua.StatusCodes.BadMethodInvalid if known else ua.StatusCodes.BadNodeIdUnknown
            )
        if not identity.may(method.role):
            raise CallRefusedError(ua.StatusCodes.BadUserAccessDenied)
        return method


def _write_status(error: OkngError) -> int:
    by_code = {
        601: ua.StatusCodes.BadNoCommunication,
        121: ua.StatusCodes.BadOutOfRange,
        217: ua.StatusCodes.BadUserAccessDenied,
    }
    return int(by_code.get(getattr(error, "reason", error.code), ua.StatusCodes.BadRequestNotAllowed))


async def _quietly(heard: Awaitable[None]) -> None:
    try:
        await heard
    except OkngError as error:
        log.debug("opcua_heard", error=error.what)
