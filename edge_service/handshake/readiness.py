"""May a part come now, and if not, why: functions of the machine's state, they change nothing."""

from typing import TYPE_CHECKING

from edge_service.domain.codes import Code
from edge_service.handshake.health import OfflineReason
from edge_service.handshake.settings import Profile

if TYPE_CHECKING:
    from edge_service.handshake.machine import Machine

_PREOPERATIONAL, _HALTED, _ERROR, _INITIALISED, _READY, _SINGLE_EXECUTION, _CONTINUOUS = 1, 2, 3, 5, 6, 7, 8


def cause(machine: "Machine") -> OfflineReason:
    """Return why the station takes no more parts, whether or not it still works on some."""
    return machine.health.offline_reason(
        set_offline=machine.inputs.set_offline, blocking_error=machine.conditions.blocking
    )


def obstacle(machine: "Machine", *, from_plc: bool) -> int:
    """Return the code a trigger would be refused with now, 0 if it would not.

    Only the PLC's own triggers need TriggerEnable, a living heartbeat and room in the queue.
    """
    buffered = machine.results.profile is not Profile.UNBUFFERED
    reasons = (
        (from_plc and not machine.inputs.trigger_enable, Code.NOT_ENABLED),
        (cause(machine) is not OfflineReason.ONLINE, _code(machine)),
        (from_plc and machine.plc_lost, Code.PLC_LOST),
        (machine.commands.running, Code.COMMAND_RUNS),
        (machine.parts.exposing, Code.EXPOSING),
        (len(machine.parts) >= machine.settings.in_flight_limit, Code.IN_FLIGHT_FULL),
        (from_plc and buffered and machine.free == 0, Code.BUFFER_FULL),
    )
    return next((code for holds, code in reasons if holds), 0)


def state_number(machine: "Machine") -> int:
    """Return StateNumber of the VisionStateMachine (OPC 40100-1, clause 8)."""
    reason = machine.offline_reason
    if machine.health.halted and reason is not OfflineReason.ONLINE:
        return _HALTED
    if reason in (OfflineReason.CAMERA_LOST, OfflineReason.ERROR):
        return _ERROR
    if reason is not OfflineReason.ONLINE:
        return _PREOPERATIONAL
    if machine.health.continuous:
        return _CONTINUOUS
    if obstacle(machine, from_plc=False) == 0:
        return _READY
    return _SINGLE_EXECUTION if len(machine.parts) else _INITIALISED


def _code(machine: "Machine") -> int:
    match cause(machine):
        case OfflineReason.CAMERA_LOST:
            return Code.CAMERA_LOST
        case OfflineReason.ERROR:
            return Code.GOLDEN_FAILED if machine.health.golden_test_failed else Code.BLOCKING_ERROR
        case OfflineReason.NO_RECIPE_OR_MODEL:
            return Code.NO_MODEL if machine.health.model is None else Code.NO_RECIPE
    return Code.OFFLINE
