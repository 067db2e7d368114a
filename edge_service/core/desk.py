"""What the gateway may ask of the core, and who may ask it."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import structlog

from edge_service.core.line_desk import Handler
from edge_service.core.plain import plain_inspection
from edge_service.domain.codes import Code, refusal
from edge_service.domain.inspection import Inspection, TriggerSource
from edge_service.errors import LinkError
from edge_service.handshake.command import DONE, CommandCode
from edge_service.language import say
from edge_service.link import Answer, Command, Role
from edge_service.station import Station

log = structlog.get_logger()

_RANK = {Role.OBSERVER: 0, Role.OPERATOR: 1, Role.ENGINEER: 2}
_U16 = 0xFFFF
_TOO_OFTEN_TO_LOG = frozenset({"write_command", "heard", "past_results"})

ORDERS: dict[str, tuple[CommandCode, Role, str | None]] = {
    "select_recipe": (CommandCode.SELECT_RECIPE, Role.ENGINEER, "recipe"),
    "golden_test": (CommandCode.GOLDEN_TEST, Role.OPERATOR, None),
    "collect": (CommandCode.COLLECT, Role.OPERATOR, "n"),
    "reload": (CommandCode.RELOAD_CONFIGURATION, Role.ENGINEER, None),
    "activate_model": (CommandCode.ACTIVATE_MODEL, Role.ENGINEER, None),
    "roll_back_model": (CommandCode.ROLL_BACK_MODEL, Role.ENGINEER, None),
    "threshold": (CommandCode.SET_THRESHOLD, Role.ENGINEER, "x10000"),
}
"""Name on the link -> the interface's command, who may, and the argument that is its PARAM 1."""


class Desk:
    """Takes commands from the link; a role that may not is refused with code 217."""

    def __init__(
        self,
        station: Station,
        further: Mapping[str, tuple[Role, Handler]] = MappingProxyType({}),
        plain: Callable[[Inspection], dict[str, Any]] = plain_inspection,
    ) -> None:
        self._station, self._plain = station, plain
        self._others: dict[str, tuple[Role, Handler]] = {
            "trigger": (Role.OPERATOR, self._trigger),
            "clear_error": (Role.OPERATOR, self._clear_error),
            **further,
        }

    async def handle(self, command: Command) -> Answer:
        """Carry the command out and answer it; OkngErrors go through to the link, which answers them."""
        if command.name not in _TOO_OFTEN_TO_LOG:
            log.info("link_command", name=command.name, role=command.role)
        if command.name in ORDERS:
            code, role, argument = ORDERS[command.name]
            _allow(command, role)
            parameter = word(command.arguments, argument) if argument else 0
            result = await self._station.command(code, (parameter, 0, 0, 0))
            return Answer(command.id, 0 if result == DONE else result)
        if command.name in self._others:
            role, carry_out = self._others[command.name]
            _allow(command, role)
            return Answer(command.id, data=await carry_out(command.arguments))
        raise refusal(Code.COMMAND_UNKNOWN)

    async def _trigger(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        source = TriggerSource.OPC_UA if arguments.get("source") == "opcua" else TriggerSource.HMI
        serial = str(arguments.get("serial", "")).encode("latin-1", "replace")[:40]
        return self._plain(await self._station.trigger(source, serial=serial))

    async def _clear_error(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self._station.clear_errors()
        return {}


def _allow(command: Command, role: Role) -> None:
    if _RANK[command.role] < _RANK[role]:
        log.warning("link_command_denied", name=command.name, role=command.role, needs=role)
        raise refusal(Code.SOURCE_NOT_ALLOWED)


def word(arguments: Mapping[str, Any], name: str) -> int:
    """Return an argument that is a number from 0 to 65535. Raises LinkError."""
    value = arguments.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _U16:
        raise LinkError(
            say(
                f"argument {name} is missing or no number from 0 to 65535",
                f"参数 {name} 缺失或不在 0-65535 内",
            )
        )
    return value
