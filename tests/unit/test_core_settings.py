"""What the file says reaches the handshake and the Modbus server."""

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import edge_service
from edge_service.config import EdgeConfig, parse
from edge_service.core.settings import (
    handshake_settings,
    modbus_client_settings,
    modbus_rtu_settings,
    modbus_tcp_settings,
    modbus_tls_settings,
)
from edge_service.domain.inspection import TriggerSource
from edge_service.fieldbus.channel import Access
from edge_service.fieldbus.modbus_server import ModbusTcpSettings
from edge_service.fieldbus.registers import TextOrder, WordOrder
from edge_service.handshake.settings import HandshakeSettings, HeartbeatWatch, Profile


def config(more: str = "") -> EdgeConfig:
    """Return a minimal configuration with some lines more."""
    text = "station: {id: line-1}\ncamera: {kind: simulated}\n" + more
    return parse(text.encode(), "edge.yaml", Path("/etc/okng"))


def test_the_defaults_of_file_and_handshake_are_one():
    """A file that says nothing changes nothing."""
    assert handshake_settings(config()) == HandshakeSettings(software_version=edge_service.__version__)


def test_milliseconds_become_seconds_and_words_enums():
    """The handshake is set up as the file says."""
    settings = handshake_settings(
        config(
            "handshake: {profile: pulse, heartbeat: off, timeouts: {pulse_ms: 50}}\n"
            "trigger: {sources: [hmi, opcua]}\n"
        )
    )
    assert settings.profile is Profile.PULSE
    assert settings.plc_heartbeat is HeartbeatWatch.OFF
    assert settings.pulse_s == 0.05
    assert settings.sources == {TriggerSource.HMI, TriggerSource.OPC_UA}


def test_the_defaults_of_file_and_modbus_server_differ_only_in_whom_they_let_in():
    """A file that says nothing lets private networks in and nobody else."""
    settings = modbus_tcp_settings(config())
    allowed = settings.allowed_clients
    assert not any(ip_address("8.8.8.8") in network for network in allowed)
    assert any(ip_address("192.168.10.20") in network for network in allowed)
    bare = replace(settings, allowed_clients=(), version="", station="")
    assert bare == ModbusTcpSettings()


def test_word_and_text_order_reach_the_wire():
    """What a PLC's manual demands is set in the file."""
    settings = modbus_tcp_settings(
        config("modbus: {tcp: {word_order: CDAB, text_order: low_first, swap_all: true, port: 0}}\n")
    )
    assert (settings.orders.word_order, settings.orders.text_order) == (WordOrder.CDAB, TextOrder.LOW_FIRST)
    assert settings.orders.swap_all
    assert settings.port == 0


def test_roles_of_modbus_are_set_up_as_the_file_says():
    """Paths count from the file's folder, roles become rights, the line its parameters."""
    tls = "enabled: true, certificate: a.pem, key: /b.key, client_ca: c.pem, without_role: read"
    rtu = "enabled: true, device: /dev/ttyS1, baud: 9600, parity: none, stop_bits: 2, broadcast: accept"
    client = "enabled: true, host: 10.0.0.7, command_at: 300, station_at: 400, poll_ms: 50"
    made = config(f"modbus:\n  tls: {{{tls}}}\n  rtu: {{{rtu}}}\n  client: {{{client}}}\n")
    polled = modbus_client_settings(made)
    assert (polled.host, polled.command_at, polled.station_at, polled.poll_s) == ("10.0.0.7", 300, 400, 0.05)
    assert (polled.reply_s, polled.tries, polled.station_words) == (0.5, 3, 120)
    secured = modbus_tls_settings(made)
    assert secured.port == 802
    assert secured.tls is not None
    assert (secured.tls.certificate, secured.tls.key) == (Path("/etc/okng/a.pem"), Path("/b.key"))
    assert secured.tls.access_of(None) is Access.READ
    assert secured.tls.access_of("operator") is Access.WRITE
    line = modbus_rtu_settings(made)
    assert (line.device, line.baud, line.parity, line.stop_bits) == ("/dev/ttyS1", 9600, "N", 2)
    assert (line.broadcast, line.unit_id, line.rs485) == (True, 1, False)
