"""The PLC's side against the real core: ``FB_OKNG`` through a kill of the station, and the monitor's link."""

import asyncio
import logging
import socket
from pathlib import Path

import pytest
import structlog

from edge_service.cli import main
from edge_service.domain.inspection import Verdict
from edge_service.plc_code.steps import Fault as Code
from tests.support.process import service
from tests.support.soft_plc import SoftPlc
from tests.support.station_folder import StationFolder

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def folder(tmp_path: Path) -> StationFolder:
    """A complete station on a port that stays the same from start to start."""
    folder = StationFolder(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        folder.tree["modbus"]["tcp"]["port"] = free.getsockname()[1]
    folder.write()
    return folder


async def test_the_station_is_killed_between_and_within_parts(folder: StationFolder) -> None:
    """Verdicts of real pictures; a kill costs the open part and no other, and the block goes on by itself."""
    address = "127.0.0.1", folder.tree["modbus"]["tcp"]["port"]
    with service(folder.path, "core", "--config", "edge.yaml") as core:
        core.ready()
        async with SoftPlc.over_tcp(*address) as plc:
            assert await plc.inspect(b"A-1") == (True, Verdict.OK, 0)
            assert await plc.inspect(b"A-2") == (False, Verdict.NG, 0)
            first_boot = plc["Status"]["BOOTID"]
            await plc.ready()
            core.process.kill()
            await asyncio.to_thread(core.ended)
            await plc.trigger(b"A-3")
            await plc.until(lambda: plc["Done"])
            assert not plc["Ok"]
            assert plc["Code"] in {Code.NO_ANSWER, Code.STATION_SILENT, Code.NOT_READY}
            with service(folder.path, "core", "--config", "edge.yaml") as again:
                again.ready()
                assert await plc.inspect(b"A-4") == (True, Verdict.OK, 0)
                assert plc["Status"]["BOOTID"] == first_boot + 1
                assert plc["Result"]["INSPECTIONID"] > 1000
                assert again.stop() == 0


async def test_monitor_of_this_box_names_owner_and_clients(
    folder: StationFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link tells who owns the registers, and results that Modbus no longer shows."""
    monkeypatch.setenv("COLUMNS", "170")
    with service(folder.path, "core", "--config", "edge.yaml") as core:
        address = core.ready()
        async with SoftPlc.over_tcp(*address) as plc:
            await plc.inspect(b"SERIAL-7")
            await plc.ready()
            watching = asyncio.create_task(asyncio.to_thread(_monitor, folder))
            await plc.until(watching.done)
        assert core.stop() == 0
    told = capsys.readouterr().out
    assert "SERIAL-7" in told
    owner = next(line for line in told.splitlines() if "owner" in line)
    clients = next(line for line in told.splitlines() if "clients" in line)
    assert "127.0.0.1" in owner
    assert "127.0.0.1" in clients


def _monitor(folder: StationFolder) -> None:
    try:
        with pytest.raises(SystemExit) as end:
            main(["monitor", "--config", str(folder.config), "--once"])
        assert not end.value.code
    finally:
        structlog.reset_defaults()
        logging.getLogger("pymodbus").setLevel(logging.NOTSET)
