"""ResultManagement: the last results, as nodes, as events and by query."""

from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from asyncua import ua

from edge_service.domain.codes import Code
from edge_service.domain.inspection import Verdict
from edge_service.gateway.opcua.machine_vision.events import Herald
from edge_service.gateway.opcua.machine_vision.instance import Instance, Maker, Service
from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE
from edge_service.gateway.opcua.machine_vision.table import NAMED, children
from edge_service.gateway.opcua.space import Space
from edge_service.link import Role

MANAGEMENT = "ResultManagement"
COMPLETED, ABORTED, FAILED = 1, 3, 4
_STATES = {Verdict.TIMEOUT: ABORTED, Verdict.ERROR: FAILED}
_NO_POSITION = 65535
_FIELDS = tuple(
    name
    for name in (
        "HasTransferableDataOnFile", "IsPartial", "IsSimulated", "ResultState", "MeasId", "PartId",
        "ExternalRecipeId", "InternalRecipeId", "ProductId", "ExternalConfigurationId",
        "InternalConfigurationId", "JobId", "CreationTime", "ProcessingTimes", "ResultContent",
    )
)  # fmt: skip


def result_of(inspection: Mapping[str, Any]) -> Any:
    """Return an inspection as the standard's ResultDataType."""
    created = datetime.fromtimestamp(inspection["captured_at"] or inspection["at"], UTC)
    verdict = Verdict[inspection["verdict"]]
    exposure, whole = inspection["trigger_to_exposure_ms"] or 0.0, inspection["trigger_to_publish_ms"] or 0.0
    begun = created - timedelta(milliseconds=exposure)
    recipe = str(inspection["recipe"])
    part = STRUCTURE["PartIdDataType"](Id=inspection["serial"]) if inspection["serial"] else None
    return STRUCTURE["ResultDataType"](
        ResultId=STRUCTURE["ResultIdDataType"](Id=inspection["id"]),
        HasTransferableDataOnFile=False,
        IsPartial=False,
        IsSimulated=bool(inspection["simulated"]),
        ResultState=_STATES.get(verdict, COMPLETED),
        PartId=part,
        ExternalRecipeId=STRUCTURE["RecipeIdExternalDataType"](Id=recipe),
        InternalRecipeId=STRUCTURE["RecipeIdInternalDataType"](Id=recipe, Version=inspection["model"]),
        InternalConfigurationId=STRUCTURE["ConfigurationIdDataType"](
            Id=f"{inspection['configuration_checksum']:08x}"
        ),
        JobId=STRUCTURE["JobIdDataType"](Id=inspection["job"]),
        CreationTime=created,
        ProcessingTimes=STRUCTURE["ProcessingTimesDataType"](
            StartTime=begun,
            EndTime=begun + timedelta(milliseconds=whole),
            AcquisitionDuration=float(exposure),
            ProcessingDuration=float(max(0.0, whole - exposure)),
        ),
        ResultContent=_content(inspection, verdict),
    )


def _content(inspection: Mapping[str, Any], verdict: Verdict) -> list[ua.Variant]:
    kinds = ua.VariantType
    x, y = inspection["defect"] or (_NO_POSITION, _NO_POSITION)
    return [
        ua.Variant(int(verdict), kinds.UInt16),
        ua.Variant(inspection["code"], kinds.UInt16),
        ua.Variant(float(inspection["score"] or 0.0), kinds.Float),
        ua.Variant(float(inspection["threshold"] or 0.0), kinds.Float),
        ua.Variant(inspection["defect_class"], kinds.UInt16),
        ua.Variant(x, kinds.UInt16),
        ua.Variant(y, kinds.UInt16),
        ua.Variant(inspection["defect_area_px"], kinds.UInt32),
        ua.Variant(inspection["sequence"], kinds.UInt16),
        ua.Variant(inspection["inspection_id"], kinds.UInt16),
    ]


class Results:
    """Keeps the last ``kept`` results and shows ``shown`` of them as nodes, in turn."""

    def __init__(self, space: Space, kept: int, shown: int) -> None:
        self._space, self._shown = space, shown
        self._kept: deque[Any] = deque(maxlen=kept)
        self._made: Instance | None = None
        self._herald: Herald | None = None
        self._slots: list[dict[str, ua.NodeId]] = []
        self._turn = 0
        self.services = {
            f"{MANAGEMENT}.GetResultById": Service(Role.OBSERVER, self._by_id),
            f"{MANAGEMENT}.GetResultComponentsById": Service(Role.OBSERVER, self._components),
            f"{MANAGEMENT}.GetResultListFiltered": Service(Role.OBSERVER, self._filtered),
            f"{MANAGEMENT}.ReleaseResultHandle": Service(Role.OBSERVER, self._release),
        }

    def live(self, made: Instance, herald: Herald, maker: Maker) -> None:
        """Have nodes, and somebody to tell events."""
        self._made, self._herald = made, herald
        kind = NAMED["ResultType"]
        folder = made.nodes[f"{MANAGEMENT}.Results"]
        index = herald.type("ResultType").NamespaceIndex
        for number in range(self._shown):
            path = f"{MANAGEMENT}.Results.Result{number}"
            root = self._space.add_variable(
                folder,
                path,
                f"Result{number}",
                ua.VariantType.ExtensionObject,
                STRUCTURE["ResultDataType"](),
                data_type=ua.NodeId(NAMED["ResultDataType"].number, index),
                type_definition=ua.NodeId(kind.number, index),
            )
            parts = {
                fact.name: maker.variable(fact, root, f"{path}.{fact.name}") for fact in children(kind.number)
            }
            self._slots.append({"": root, **parts})

    def knows(self, result_id: str) -> bool:
        """Whether a result is kept."""
        return any(kept.ResultId.Id == result_id for kept in self._kept)

    async def remember(self, inspection: Mapping[str, Any], at: datetime) -> None:
        """Take a result that there was before this server: it is no news, so no event tells it."""
        if not self.knows(inspection["id"]):
            result = result_of({**inspection, "at": at.timestamp()})
            self._kept.append(result)
            await self._show(result, at)

    async def hear(self, inspection: Mapping[str, Any], at: datetime) -> None:
        """Take a result, show it, tell it."""
        assert self._herald is not None, "live"
        assert self._made is not None, "live"
        result = result_of({**inspection, "at": at.timestamp()})
        if not self.knows(inspection["id"]):  # it may have been learnt from the past a moment ago
            self._kept.append(result)
            await self._show(result, at)
        fields = {"ResultId": _packed("ResultId", result.ResultId)}
        fields |= {name: _packed(name, getattr(result, name)) for name in _FIELDS}
        source = self._made.nodes[MANAGEMENT]
        message = f"{inspection['verdict']} {inspection['id']}"
        await self._herald.happen("ResultReadyEventType", source, at, message, fields)

    async def _show(self, result: Any, at: datetime) -> None:
        if not self._slots:
            return
        slot = self._slots[self._turn]
        self._turn = (self._turn + 1) % len(self._slots)
        values = [(slot["ResultId"], result.ResultId)]
        for name in _FIELDS:
            value = getattr(result, name)
            if value is not None:
                values.append((slot[name], value))
        await self._space.show([*values, (slot[""], result)], at)

    async def _by_id(self, _: Any, result_id: Any, __: int) -> tuple[Any, ...]:
        found = self._find(result_id)
        if found is None:
            return 0, STRUCTURE["ResultDataType"](), -Code.COMMAND_PARAMETER
        return 0, found, 0

    async def _components(self, _: Any, result_id: Any, __: int) -> tuple[Any, ...]:
        found = self._find(result_id)
        result = found or STRUCTURE["ResultDataType"]()
        outputs = [getattr(result, name) for name in _FIELDS]
        outputs[0], outputs[2], outputs[-1] = bool(outputs[0]), bool(outputs[2]), outputs[-1] or []
        return (outputs[0], 0, *outputs[1:], 0 if found is not None else -Code.COMMAND_PARAMETER)

    async def _filtered(self, _: Any, *inputs: Any) -> tuple[Any, ...]:
        state, *ids, most, start, timeout = inputs
        del timeout
        names = (
            "MeasId", "PartId", "ExternalRecipeId", "InternalRecipeId",
            "ExternalConfigurationId", "InternalConfigurationId", "ProductId", "JobId",
        )  # fmt: skip
        wanted = {name: given.Id for name, given in zip(names, ids, strict=True) if given and given.Id}
        found = [
            result
            for result in reversed(self._kept)
            if state in (0, result.ResultState)
            and all(getattr(getattr(result, name), "Id", None) == id_ for name, id_ in wanted.items())
        ]
        return (*page(found, start, most), 0)

    async def _release(self, *_: Any) -> tuple[int]:
        """Nothing is held behind a handle: each answer carries all there is."""
        return (0,)

    def _find(self, result_id: Any) -> Any:
        wanted = result_id.Id if result_id is not None else None
        return next((result for result in self._kept if wanted and result.ResultId.Id == wanted), None)


def page(found: list[Any], start: int, most: int) -> tuple[bool, int, int, list[Any]]:
    """Return IsComplete, the count, a handle (0: none is needed) and the part of a list that is asked for."""
    part = found[start : start + most if most else None]
    return start + len(part) >= len(found), len(part), 0, part


def _packed(name: str, value: Any) -> ua.Variant:
    kinds = ua.VariantType
    if value is None:
        return ua.Variant(None, kinds.Null)
    if name == "ResultContent":
        return ua.Variant(value, kinds.Variant, is_array=True)
    by_type = {bool: kinds.Boolean, int: kinds.Int32, datetime: kinds.DateTime}
    return ua.Variant(value, by_type.get(type(value), kinds.ExtensionObject))
