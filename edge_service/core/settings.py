"""From the configuration's sections to what each piece wants to know."""

from ipaddress import ip_network

import edge_service
from edge_service.config import EdgeConfig
from edge_service.domain.inspection import TriggerSource
from edge_service.fieldbus.modbus_server import ModbusTcpSettings
from edge_service.fieldbus.registers import Orders, TextOrder, WordOrder
from edge_service.handshake.settings import HandshakeSettings, HeartbeatWatch, Profile

_SOURCES = {
    "opcua": TriggerSource.OPC_UA,
    "hmi": TriggerSource.HMI,
    "interval": TriggerSource.INTERVAL,
    "camera_line": TriggerSource.CAMERA_LINE,
}


def handshake_settings(config: EdgeConfig) -> HandshakeSettings:
    """Return how the handshake with the PLC is set up."""
    section, times = config.handshake, config.handshake.timeouts
    return HandshakeSettings(
        profile=None if section.profile == "plc" else Profile(section.profile),
        plc_heartbeat=HeartbeatWatch(section.heartbeat),
        sources=frozenset(_SOURCES[name] for name in config.trigger.sources),
        require_part_present=section.require_part_present,
        consecutive_ng_limit=section.consecutive_ng,
        exposure_timeout_s=times.exposure_ms / 1000,
        inspection_timeout_s=times.inspection_ms / 1000,
        ack_warn_s=times.ack_warn_ms / 1000,
        held_bit_s=times.held_bit_ms / 1000,
        pulse_s=times.pulse_ms / 1000,
        pulse_gap_s=times.pulse_gap_ms / 1000,
        plc_heartbeat_s=times.plc_heartbeat_ms / 1000,
        owner_timeout_s=times.owner_ms / 1000,
        recipe_command_s=times.recipe_command_ms / 1000,
        golden_command_s=times.golden_command_ms / 1000,
        model_command_s=times.model_command_ms / 1000,
        other_command_s=times.other_command_ms / 1000,
        station_number=config.station.number,
        software_version=edge_service.__version__,
    )


def modbus_tcp_settings(config: EdgeConfig) -> ModbusTcpSettings:
    """Return how the Modbus TCP server listens."""
    section = config.modbus.tcp
    return ModbusTcpSettings(
        host=section.host,
        port=section.port,
        unit_id=section.unit_id,
        unit_id_strict=section.unit_id_strict,
        orders=Orders(WordOrder(section.word_order), TextOrder(section.text_order), section.swap_all),
        allowed_clients=tuple(ip_network(network) for network in section.allow),
        connections=section.limits.connections,
        partial_timeout_s=section.limits.partial_frame_s,
        idle_timeout_s=section.limits.idle_s,
        version=edge_service.__version__,
        station=config.station.id,
    )
