"""Fuzzed frames neither stop nor stall the station (100,000 of them: benchmarks/modbus_fuzz.py)."""

from structlog.testing import capture_logs

from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_rtu import ModbusRtuServer, ModbusRtuSettings
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from tests.support.fuzz import fuzz_rtu, fuzz_tcp
from tests.support.machine_station import MachineStation
from tests.support.rtu_line import RtuLine
from tests.support.rtu_server import running

FRAMES = 4000


async def test_fuzzed_frames_over_tcp():
    """A PLC inspects part after part beside a fuzzer; nobody else's write counts, the log stays short."""
    settings = ModbusTcpSettings(host="127.0.0.1", port=0)
    with capture_logs() as lines:
        async with MachineStation() as station, ModbusTcpServer(settings, Memory(station)) as server:
            seen = await fuzz_tcp(server.socket_address(), FRAMES, seed=1)
    assert (seen.frames, seen.parts) == (FRAMES, FRAMES / 50)
    assert [published.record.acquisition_id for published in station.published] == [*range(1, seen.parts + 1)]
    assert seen.replies > FRAMES / 2
    assert len(lines) <= 10


async def test_fuzzed_frames_on_a_serial_line():
    """Whatever was on the line, the station's master is answered, at the second try at the latest."""
    with capture_logs() as lines:
        async with MachineStation() as station, RtuLine() as line:
            server = ModbusRtuServer(ModbusRtuSettings(line.device, 115200), Memory(station))
            async with running(server):
                seen = await fuzz_rtu(line, 300, seed=2)
    assert seen.replies == seen.frames
    assert seen.retries < seen.frames / 20
    assert len(lines) <= 10
