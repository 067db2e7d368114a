"""Methods with plain arguments under ``PLC/``, for clients that know nothing of the standard's structures."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from edge_service.domain.codes import Code
from edge_service.domain.inspection import Verdict
from edge_service.gateway.opcua.arguments import Argument, Method
from edge_service.gateway.opcua.asking import LONG_S, Core, fits_serial
from edge_service.gateway.opcua.space import Space
from edge_service.link import Role


def _argument(name: str, kind: ua.VariantType, description: str = "") -> Argument:
    return Argument(name, ua.NodeId(kind.value), description=description)


ERROR = _argument("Error", ua.VariantType.Int32, "0, or the negative code")
_SERIAL = _argument("Serial", ua.VariantType.String, "Part serial, 40 characters at most")
_RECIPE = _argument("Recipe", ua.VariantType.UInt16, "Recipe number, 1-999")
_ID = _argument("InspectionId", ua.VariantType.UInt16, "Number of the record that is taken")
_JOB = _argument("JobId", ua.VariantType.String, "Name of the job")
_LATEST: tuple[tuple[Argument, Callable[[Mapping[str, Any]], Any]], ...] = (
    (_argument("ResultId", ua.VariantType.String), lambda r: r["id"]),
    (_JOB, lambda r: r["job"]),
    (_ID, lambda r: r["inspection_id"]),
    (_argument("Verdict", ua.VariantType.UInt16), lambda r: int(Verdict[r["verdict"]])),
    (_argument("Code", ua.VariantType.UInt16), lambda r: r["code"]),
    (_argument("Score", ua.VariantType.Float, "0.5 = the threshold"), lambda r: r["normalised_score"] or 0.0),
    (_argument("Recipe", ua.VariantType.UInt16), lambda r: r["recipe"]),
    (_argument("TriggerSeq", ua.VariantType.UInt16), lambda r: r["sequence"]),
    (_argument("Serial", ua.VariantType.String), lambda r: r["serial"]),
    (
        _argument("CapturedAt", ua.VariantType.DateTime),
        lambda r: datetime.fromtimestamp(r["captured_at"] or 0, UTC),
    ),
)
NO_RESULT: Mapping[str, Any] = {
    "id": "", "job": "", "inspection_id": 0, "verdict": "NONE", "code": 0, "normalised_score": 0.0,
    "recipe": 0, "sequence": 0, "serial": "", "captured_at": 0,
}  # fmt: skip

PLAIN_METHODS: Mapping[str, tuple[tuple[Argument, ...], tuple[Argument, ...], Role]] = {
    "StartInspection": ((_SERIAL,), (ERROR, _JOB), Role.OPERATOR),
    "SelectRecipe": ((_RECIPE,), (ERROR,), Role.ENGINEER),
    "AckResult": ((_ID,), (ERROR,), Role.OPERATOR),
    "ResetStatistics": ((), (ERROR,), Role.OPERATOR),
    "ClearError": ((), (ERROR,), Role.OPERATOR),
    "GetLatestResult": ((), (ERROR, *(argument for argument, _ in _LATEST)), Role.OBSERVER),
}
"""Name -> what it takes, what it gives, who may."""


class PlainMethods:
    """StartInspection, SelectRecipe, AckResult, ResetStatistics, ClearError, GetLatestResult."""

    def __init__(
        self, space: Space, parent: ua.NodeId, core: Core, latest: Callable[[], Mapping[str, Any] | None]
    ) -> None:
        self._space, self._core, self._latest = space, core, latest
        handlers = {
            "StartInspection": self._start,
            "SelectRecipe": self._select_recipe,
            "AckResult": self._acknowledge,
            "ResetStatistics": self._plainly("reset_statistics"),
            "ClearError": self._plainly("clear_error"),
            "GetLatestResult": self._latest_result,
        }
        for name, (inputs, outputs, role) in PLAIN_METHODS.items():
            space.add_method(parent, f"PLC.{name}", name, Method(inputs, outputs, role, handlers[name]))

    async def _start(self, session: Any, serial: str | None) -> tuple[int, str]:
        if not fits_serial(serial):
            return -Code.COMMAND_PARAMETER, ""
        error, data = await self._core.error("start_job", {"serial": serial or ""}, session.identity)
        return error, data.get("job", "")

    async def _select_recipe(self, session: Any, recipe: int) -> tuple[int]:
        return (await self._core.error("select_recipe", {"recipe": recipe}, session.identity, LONG_S))[:1]

    async def _acknowledge(self, session: Any, number: int) -> tuple[int]:
        arguments = {"inspection_id": number}
        return (await self._core.error("acknowledge_result", arguments, session.identity))[:1]

    def _plainly(self, command: str) -> Any:
        async def carry_out(session: Any) -> tuple[int]:
            return (await self._core.error(command, {}, session.identity))[:1]

        return carry_out

    async def _latest_result(self, _: Any) -> tuple[Any, ...]:
        result = self._latest()
        if self._space.away:
            return (-Code.CORE_AWAY, *(read(NO_RESULT) for _, read in _LATEST))
        return (0, *(read(result or NO_RESULT) for _, read in _LATEST))
