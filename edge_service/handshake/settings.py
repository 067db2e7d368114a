"""How the handshake is set up, with its defaults."""

from dataclasses import dataclass, field
from enum import StrEnum

from edge_service.domain.inspection import TriggerSource


class Profile(StrEnum):
    """How results are handed to the PLC."""

    BUFFERED = "buffered"  # a record stands until it is acknowledged
    UNBUFFERED = "unbuffered"  # a new record replaces an unacknowledged one
    PULSE = "pulse"  # each record is valid for a fixed time, the ack is ignored


class HeartbeatWatch(StrEnum):
    """When the PLC's heartbeat is watched."""

    AUTO = "auto"  # from its first change on
    REQUIRED = "required"  # before any trigger
    OFF = "off"


@dataclass(frozen=True, slots=True)
class HandshakeSettings:
    """Everything that can be set about the conversation with the PLC. Times are seconds."""

    profile: Profile | None = None  # None: the PLC's BufferResultsEnable decides
    plc_heartbeat: HeartbeatWatch = HeartbeatWatch.AUTO
    sources: frozenset[TriggerSource] = field(default_factory=frozenset)  # allowed beside an owner
    require_part_present: bool = False
    consecutive_ng_limit: int = 3  # 0 = no alarm
    queue_size: int = 8
    in_flight_limit: int = 2
    exposure_timeout_s: float = 1.0
    inspection_timeout_s: float = 2.0
    ack_warn_s: float = 5.0
    held_bit_s: float = 5.0
    pulse_s: float = 0.3
    pulse_gap_s: float = 0.1
    plc_heartbeat_s: float = 3.0
    owner_timeout_s: float = 10.0
    recipe_command_s: float = 10.0
    golden_command_s: float = 60.0
    model_command_s: float = 120.0
    other_command_s: float = 5.0
    clock_warning: bool = False  # a clock that nobody keeps is worth a warning, too
    station_number: int = 1
    software_version: str = ""
