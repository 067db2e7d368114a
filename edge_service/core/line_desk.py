"""What the gateway may ask of the core beyond the PLC's own commands: jobs, Halt, Reset, the command block.

The handshake's rules hold for every one: the machine decides, a refusal carries its code.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from edge_service.domain.codes import Code, refusal
from edge_service.domain.inspection import TriggerSource
from edge_service.domain.signal import Block, Kind, Signal, SignalValue
from edge_service.domain.signals import of_block
from edge_service.fieldbus.memory import Memory
from edge_service.link import Role
from edge_service.station import Station

Handler = Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]

_COMMANDS = {signal.name: signal for signal in of_block(Block.COMMAND)}
_LARGEST = {Kind.BIT: 1, Kind.U16: 0xFFFF, Kind.U32: 0xFFFFFFFF}


class JobNames(Protocol):
    """Knows the names of jobs."""

    def job(self, acquisition_id: int) -> str:
        """Return the name of a job by its acquisition id."""
        ...


class LineDesk:
    """``handlers`` are the commands by name, each with the role that may give it."""

    def __init__(self, station: Station, memory: Memory, names: JobNames) -> None:
        self._operations, self._memory, self._names = station.operations, memory, names
        operations = station.operations
        self.handlers: dict[str, tuple[Role, Handler]] = {
            "start_job": (Role.OPERATOR, self._start_job),
            "start_continuous": (Role.OPERATOR, self._start_continuous),
            "stop": (Role.OPERATOR, _plainly(operations.stop)),
            "abort": (Role.OPERATOR, _plainly(operations.abort)),
            "halt": (Role.OPERATOR, _plainly(operations.halt)),
            "reset": (Role.OPERATOR, _plainly(operations.reset)),
            "reset_statistics": (Role.OPERATOR, _plainly(operations.reset_statistics)),
            "acknowledge_alarm": (Role.OPERATOR, _plainly(operations.acknowledge_alarm)),
            "acknowledge_result": (Role.OPERATOR, self._acknowledge_result),
            "write_command": (Role.OPERATOR, self._write_command),
            "heard": (Role.OPERATOR, self._heard),
        }

    async def _start_job(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        trigger = self._operations.begin(TriggerSource.OPC_UA, serial=_serial(arguments))
        return {"job": self._names.job(trigger.acquisition_id)}

    async def _start_continuous(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        trigger = self._operations.begin_continuous(TriggerSource.OPC_UA, serial=_serial(arguments))
        return {"job": self._names.job(trigger.acquisition_id)}

    async def _acknowledge_result(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        number = arguments.get("inspection_id")
        if not isinstance(number, int):
            raise refusal(Code.COMMAND_PARAMETER)
        self._operations.take_result(number)
        return {}

    async def _write_command(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """One write of the command block: ``values`` by signal name, ``writer`` who writes."""
        values = arguments.get("values")
        if not isinstance(values, dict):
            raise refusal(Code.COMMAND_PARAMETER)
        sound = {name: _value(name, value) for name, value in values.items()}
        self._memory.write_signals(sound, str(arguments.get("writer", "opcua")))
        return {}

    async def _heard(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        self._memory.heard(str(arguments.get("writer", "opcua")))
        return {}


def _plainly(operation: Callable[[], None]) -> Handler:
    async def carry_out(_: Mapping[str, Any]) -> dict[str, Any]:
        operation()
        return {}

    return carry_out


def _serial(arguments: Mapping[str, Any]) -> bytes:
    return str(arguments.get("serial", "")).encode("latin-1", "replace")[:40]


def _value(name: str, value: object) -> SignalValue:
    """Return what the link brought as that signal's value; refuses (121) what does not fit."""
    signal = _COMMANDS.get(name)
    if signal is None:
        raise refusal(Code.COMMAND_PARAMETER)
    if signal.kind is Kind.RAW:
        return _text(signal, value)
    if not isinstance(value, int) or not 0 <= value <= _LARGEST[signal.kind]:
        raise refusal(Code.COMMAND_PARAMETER)
    return bool(value) if signal.kind is Kind.BIT else value


def _text(signal: Signal, value: object) -> bytes:
    try:
        octets = str(value).encode("latin-1")
    except UnicodeEncodeError:
        raise refusal(Code.COMMAND_PARAMETER) from None
    if len(octets) > 2 * signal.words:
        raise refusal(Code.COMMAND_PARAMETER)
    return octets
