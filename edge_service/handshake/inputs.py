"""What the PLC wants, decoded: holding registers 0-35 after one write."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from edge_service.domain.signal import Block
from edge_service.domain.signals import of_block

_FIELD_OF = {signal.name: signal.identifier for signal in of_block(Block.COMMAND)}


@dataclass(frozen=True, slots=True)
class PlcInputs:
    """One image of the command block. Field names are the signals' names in snake case."""

    trigger_enable: bool = False
    trigger: bool = False
    buffer_results_enable: bool = False
    results_ack: bool = False
    execute_command: bool = False
    sequence_mode: bool = False
    part_present: bool = False
    set_offline: bool = False
    set_user_data: bool = False
    clear_error: bool = False
    clear_exposure_complete: bool = False
    statistics_reset: bool = False
    ng_latch_reset: bool = False
    alarm_ack: bool = False
    buffer_clear: bool = False
    trigger_seq: int = 0
    result_ack_id: int = 0
    plc_heartbeat: int = 0
    command: int = 0
    command_seq: int = 0
    expected_recipe: int = 0
    param1: int = 0
    param2: int = 0
    param3: int = 0
    param4: int = 0
    encoder: int = 0
    part_serial: bytes = b""

    @classmethod
    def of(cls, values: Mapping[str, object]) -> "PlcInputs":
        """Build from values by signal name (``Command.TriggerSeq``); names not given keep their blank."""
        known = {_FIELD_OF[name]: value for name, value in values.items() if name in _FIELD_OF}
        return cls(**known)  # type: ignore[arg-type]  # the table gives each signal's type

    def bit(self, name: str) -> bool:
        """Return the bit of that field name."""
        return bool(getattr(self, name))


FIELD_NAMES = tuple(item.name for item in fields(PlcInputs))
