"""From the configuration's sections to what each piece wants to know."""

from ipaddress import ip_network
from typing import TYPE_CHECKING

import edge_service
from edge_service.config import EdgeConfig
from edge_service.config.modbus import Listener, ModbusClient, ModbusRtu
from edge_service.domain.inspection import TriggerSource
from edge_service.fieldbus.channel import Access
from edge_service.fieldbus.modbus_server import ModbusTcpSettings
from edge_service.fieldbus.registers import Orders, TextOrder, WordOrder
from edge_service.handshake.settings import HandshakeSettings, HeartbeatWatch, Profile

if TYPE_CHECKING:
    from edge_service.fieldbus.modbus_client import ModbusClientSettings
    from edge_service.fieldbus.modbus_rtu import ModbusRtuSettings
    from edge_service.fieldbus.tls import TlsSettings

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
        clock_warning=config.station.clock == "warn",
        station_number=config.station.number,
        software_version=edge_service.__version__,
    )


def modbus_tcp_settings(config: EdgeConfig) -> ModbusTcpSettings:
    """Return how the Modbus TCP server listens."""
    return _listener(config, config.modbus.tcp, None)


def modbus_tls_settings(config: EdgeConfig) -> ModbusTcpSettings:
    """Return how the Modbus/TCP Security server listens, and whom it trusts."""
    from edge_service.fieldbus.tls import TlsSettings  # noqa: PLC0415 - loaded only where it is configured

    section = config.modbus.tls
    tls = TlsSettings(
        certificate=config.resolve(section.certificate or ""),  # the section asks for all three
        key=config.resolve(section.key or ""),
        client_ca=config.resolve(section.client_ca or ""),
        write_roles=frozenset(section.write_roles),
        read_roles=frozenset(section.read_roles),
        without_role=Access[section.without_role.upper()],
    )
    return _listener(config, section, tls)


def modbus_rtu_settings(config: EdgeConfig) -> "ModbusRtuSettings":
    """Return the serial line and who the station is on it."""
    from edge_service.fieldbus.modbus_rtu import ModbusRtuSettings  # noqa: PLC0415 - likewise

    section = config.modbus.rtu
    return ModbusRtuSettings(
        device=section.device or "",  # the section asks for it
        baud=section.baud,
        parity=section.parity[0].upper(),
        stop_bits=section.stop_bits,
        unit_id=section.unit_id,
        broadcast=section.broadcast == "accept",
        rs485=section.rs485,
        local_echo=section.local_echo,
        orders=_orders(section),
        version=edge_service.__version__,
        station=config.station.id,
    )


def modbus_client_settings(config: EdgeConfig) -> "ModbusClientSettings":
    """Return where the PLC is that the station polls, and where the blocks lie in it."""
    from edge_service.fieldbus.modbus_client import ModbusClientSettings  # noqa: PLC0415 - likewise

    section = config.modbus.client
    return ModbusClientSettings(
        host=section.host or "",  # the section asks for it
        port=section.port,
        unit_id=section.unit_id,
        command_at=section.command_at,
        station_at=section.station_at,
        station_words=section.station_words,
        orders=_orders(section),
        poll_s=section.poll_ms / 1000,
        reply_s=section.reply_ms / 1000,
        tries=section.tries,
    )


def _listener(config: EdgeConfig, section: Listener, tls: "TlsSettings | None") -> ModbusTcpSettings:
    return ModbusTcpSettings(
        host=section.host,
        port=section.port,
        unit_id=section.unit_id,
        unit_id_strict=section.unit_id_strict,
        orders=_orders(section),
        allowed_clients=tuple(ip_network(network) for network in section.allow),
        connections=section.limits.connections,
        partial_timeout_s=section.limits.partial_frame_s,
        idle_timeout_s=section.limits.idle_s,
        version=edge_service.__version__,
        station=config.station.id,
        tls=tls,
    )


def _orders(section: Listener | ModbusRtu | ModbusClient) -> Orders:
    return Orders(WordOrder(section.word_order), TextOrder(section.text_order), section.swap_all)
