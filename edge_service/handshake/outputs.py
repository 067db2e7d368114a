"""Every station-to-PLC signal as a function of the machine's state, by signal name."""

from collections.abc import Mapping
from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING

from edge_service.domain.inspection import Verdict
from edge_service.domain.signal import Block, SignalValue
from edge_service.domain.signals import MAP_VERSION, TEST_TEXT, TEST_U32, of_block
from edge_service.handshake.health import OfflineReason
from edge_service.handshake.readiness import state_number
from edge_service.handshake.record import Record, saturate

if TYPE_CHECKING:
    from edge_service.handshake.machine import Machine

_U32 = 0xFFFFFFFF

BLANK: Mapping[str, SignalValue] = MappingProxyType(
    {signal.name: signal.blank for signal in of_block(Block.STATION)}
)
_RECORD_SIGNALS = {
    signal.name: signal.identifier for signal in of_block(Block.STATION) if signal.name.startswith("Result.")
} | {"Result.InspectionIdEnd": "inspection_id"}
assert set(_RECORD_SIGNALS.values()) == {field.name for field in fields(Record)}


def snapshot(machine: "Machine") -> Mapping[str, SignalValue]:
    """Return one consistent image of everything the PLC may read."""
    values = dict(BLANK)
    values |= _status(machine)
    values |= _word_1(machine)
    values |= record_signals(machine.results.shown) if machine.results.shown else {}
    values |= _statistics(machine)
    values |= _station(machine)
    return MappingProxyType(values)


def _status(machine: "Machine") -> dict[str, SignalValue]:
    triggers, commands, results = machine.triggers, machine.commands, machine.results
    return {
        "Status.TriggerReady": machine.ready,
        "Status.TriggerAck": triggers.ack,
        "Status.Acquiring": machine.parts.exposing,
        "Status.MissedAcquisition": triggers.missed,
        "Status.OfflineReason": int(machine.offline_reason),
        "Status.Online": machine.offline_reason is OfflineReason.ONLINE,
        "Status.SystemBusy": len(machine.parts) > 0 or commands.running,
        "Status.InspectionCompleted": results.completed,
        "Status.ResultsBufferOverrun": results.overrun,
        "Status.ResultsValid": results.shown is not None,
        "Status.CommandExecuting": commands.running,
        "Status.CommandCompleted": commands.completed,
        "Status.CommandFailed": commands.failed,
        "Status.Error": machine.conditions.error_code != 0,
        "Status.Heartbeat": machine.heartbeat,
        "Status.BootId": machine.boot_id & 0xFFFF,
        "Status.TriggerSeqAck": triggers.seq_ack,
        "Status.TriggerSeqRejected": triggers.seq_rejected,
        "Status.AcquisitionId": triggers.acquisition_id,
        "Status.CommandSeqAck": commands.seq_ack,
        "Status.CommandResult": commands.result,
        "Status.ErrorCode": saturate(machine.conditions.error_code),
    }


def _word_1(machine: "Machine") -> dict[str, SignalValue]:
    health, alarms, shown = machine.health, machine.alarms, machine.results.shown
    verdict = shown.verdict if shown else None
    return {
        "Status.UserDataAck": machine.triggers.user_data_ack,
        "Status.ExposureComplete": machine.exposure_complete,
        "Status.Ok": verdict is Verdict.OK,
        "Status.NotOk": verdict is not None and verdict is not Verdict.OK,
        "Status.Undecided": verdict is Verdict.UNDECIDED,
        "Status.NgLatch": alarms.ng_latch,
        "Status.ConsecutiveNgAlarm": alarms.consecutive_ng,
        "Status.StopRequest": alarms.stop_request,
        "Status.PlcLost": machine.plc_lost,
        "Status.CameraLost": health.camera_lost,
        "Status.CpuFallback": health.cpu_fallback,
        "Status.Simulation": health.simulation,
        "Status.Warning": machine.conditions.warning_code != 0,
        "Status.GoldenTestDue": health.golden_test_due,
    }


def record_signals(record: Record) -> dict[str, SignalValue]:
    """Return what a record says, by signal name."""
    values = {name: getattr(record, field) for name, field in _RECORD_SIGNALS.items()}
    return values | {"Result.Verdict": int(record.verdict)}


def _statistics(machine: "Machine") -> dict[str, SignalValue]:
    statistics = machine.statistics
    counts: dict[str, float] = {
        "Total": statistics.total,
        "Ok": statistics.verdicts[Verdict.OK],
        "Ng": statistics.verdicts[Verdict.NG],
        "Undecided": statistics.verdicts[Verdict.UNDECIDED],
        "Error": statistics.verdicts[Verdict.ERROR],
        "Timeout": statistics.verdicts[Verdict.TIMEOUT],
        "Missed": statistics.missed,
        "Overrun": statistics.overrun,
        "Since": statistics.since,
    }
    words = {
        "ConsecutiveNg": machine.alarms.in_a_row,
        "YieldX100": statistics.yield_x100,
        "MinMs": statistics.min_ms,
        "MeanMs": statistics.mean_ms,
        "MaxMs": statistics.max_ms,
    }
    values: dict[str, SignalValue] = {}
    values |= {f"Statistics.{name}": saturate(value, _U32) for name, value in counts.items()}
    values |= {f"Statistics.{name}": saturate(value) for name, value in words.items()}
    return values


def _station(machine: "Machine") -> dict[str, SignalValue]:
    health, settings = machine.health, machine.settings
    return {
        "Station.StateNumber": state_number(machine),
        "Station.WarningCode": saturate(machine.conditions.warning_code),
        "Station.ActiveRecipe": health.recipe,
        "Station.ResultsQueued": machine.results.queued,
        "Station.ResultsFree": machine.free,
        "Station.RejectReason": saturate(machine.triggers.reject_reason),
        "Station.ConfigurationChecksum": health.configuration_checksum & _U32,
        "Station.MapVersion": MAP_VERSION,
        "Station.TestText": TEST_TEXT,
        "Station.TestU32": TEST_U32,
        "Station.ModelName": health.model.name if health.model else "",
        "Station.ModelVersion": health.model.version if health.model else "",
        "Station.SoftwareVersion": settings.software_version,
        "Station.StationNumber": settings.station_number,
    }
