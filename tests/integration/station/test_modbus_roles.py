"""The core as a real process with several roles of Modbus at once, each set up in the one file."""

import asyncio
from pathlib import Path

import pytest

from edge_service.domain.inspection import Verdict
from edge_service.simulation.plc import SimulatedPlc
from tests.support.certificates import Authority
from tests.support.modbus_raw import read, write
from tests.support.modbus_tls import TlsMaster
from tests.support.plc_server import PlcServer
from tests.support.process import service
from tests.support.rtu_line import RtuLine, words_in
from tests.support.station_folder import StationFolder
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(120)


async def test_tcp_tls_and_a_serial_line_show_one_station(tmp_path: Path):
    """A PLC on TCP inspects; a reader behind TLS and one on the line see its record and may not write."""
    folder, plant = StationFolder(tmp_path), Authority(tmp_path)
    own, reader = plant.station(), plant.issue("screen", "observer")
    files = {"certificate": str(own.certificate), "key": str(own.key), "client_ca": plant.file.name}
    async with RtuLine() as line:
        folder.tree["modbus"] |= {
            "tls": {"enabled": True, "host": "127.0.0.1", "port": 0, **files},
            "rtu": {"enabled": True, "device": line.device, "baud": 115200, "unit_id": 9},
        }
        folder.write()
        with service(folder.path, "core", "--config", "edge.yaml") as core:
            where = await asyncio.to_thread(core.ready)
            tls_place = core.logged("modbus_listening", 2)
            core.logged("modbus_rtu_open")
            assert (tls_place["role"], tls_place["address"].rsplit(":")[0]) == ("tls", "127.0.0.1")
            async with SimulatedPlc(*where) as plc:
                result = await plc.inspect()
                assert result.verdict is Verdict.OK
                seen = words_in(await line.ask(read(0, 16, 4), 9))
                assert seen[6] == result.acquisition_id
                assert await line.ask(write(0, 0), 9) == bytes.fromhex("9001")
                address = ("127.0.0.1", int(tls_place["address"].rsplit(":")[1]))
                async with TlsMaster(address, plant.context(reader)) as screen:
                    await screen.shake_hands()
                    assert words_in(await screen.ask(read(6, 1, 4))) == (result.acquisition_id,)
                    assert await screen.ask(write(0, 0)) == bytes.fromhex("9001")
            assert core.stop() == 0, core.stderr


async def test_client_mode_alone(tmp_path: Path):
    """A station whose only way to the PLC is polling it: the PLC's program inspects a part."""
    folder = StationFolder(tmp_path)
    async with PlcServer() as plc:
        client = {"enabled": True, "host": "127.0.0.1", "port": plc.port}
        folder.tree["modbus"] = {"tcp": {"enabled": False}, "client": client}
        folder.write()
        with service(folder.path, "core", "--config", "edge.yaml") as core:
            assert await asyncio.to_thread(core.line, "ready modbus=") == "-"
            await plc.next_poll()
            plc.registers[0] = 0x0025  # TriggerEnable, BufferResultsEnable, SequenceMode
            await until(lambda: bool(plc.registers[1000] & 1))
            plc.registers[2] = 1
            await until(lambda: bool(plc.registers[1000] & 0x0800))
            assert (plc.registers[1011], plc.registers[1013], plc.registers[1019]) == (1, Verdict.OK, 7)
            plc.registers[3] = plc.registers[1010]
            await until(lambda: not plc.registers[1000] & 0x0800)
            assert await asyncio.to_thread(core.stop) == 0, core.stderr
            assert not plc.registers[1000] & 1, "a station that stops says so to the PLC"
