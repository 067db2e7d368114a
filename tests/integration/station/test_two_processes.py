"""Core and gateway side by side: what one's death means for the other."""

import asyncio
import json
import os
import signal
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from edge_service.domain.inspection import Verdict
from edge_service.simulation.plc import SimulatedPlc
from tests.support.process import Service

pytestmark = pytest.mark.timeout(120)


def get(address: str, path: str) -> tuple[int, Any]:
    """Fetch a page; return status and JSON, or the bytes of a picture."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as answer:
            body = answer.read()
            is_json = answer.headers.get_content_type() == "application/json"
            return answer.status, json.loads(body) if is_json else body
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read() or b"null")


def until(address: str, path: str, status: int) -> Any:
    """Ask again and again until the page answers with ``status``."""
    while (answer := get(address, path))[0] != status:
        pass
    return answer[1]


def until_shown(address: str, serial: str) -> Any:
    """Ask again and again until the last part is that one; return the status."""
    while ((status := get(address, "/api/status")[1]).get("last") or {}).get("serial") != serial:
        pass
    return status


async def test_the_gateway_shows_the_last_part(station: Service) -> None:
    """Status, last frame and heat map are those of the part that the PLC got its verdict for."""
    address, where = station.line("gateway http="), station.ready()
    assert await asyncio.to_thread(until, address, "/api/last-frame.jpg", 404) == {"error": "none_yet"}
    async with SimulatedPlc(*where, mode="sequence") as plc:
        await plc.inspect(serial=b"ONE")
        result = await plc.inspect(serial=b"TWO")
    status = await asyncio.to_thread(until_shown, address, "TWO")
    assert status["last"]["verdict"] == "NG"
    picture = await asyncio.to_thread(until, address, "/api/last-heatmap.jpg", 200)
    assert picture.startswith(b"\xff\xd8")
    assert result.verdict is Verdict.NG
    assert status["signals"]["Station.ModelName"] == "pcb"
    code, page = get(address, "/")
    assert code == 200
    assert b"<title>" in page
    assert station.stop() == 0


async def test_the_line_does_not_notice_the_gateway_s_death(station: Service) -> None:
    """The gateway is killed and comes back by itself; every part meanwhile is judged, none missed."""
    address, where = station.line("gateway http="), station.ready()
    async with SimulatedPlc(*where, mode="sequence") as plc:
        first = station.logged("child_started", 2)
        assert first["child"] == "gateway"
        os.kill(first["pid"], signal.SIGKILL)
        verdicts = [(await plc.inspect()).verdict for _ in range(6)]
        assert verdicts == [Verdict.OK, Verdict.NG] * 3
        again = await asyncio.to_thread(station.line, "gateway http=")
        assert again != address
        status = await asyncio.to_thread(until, again, "/api/status", 200)
        assert status["signals"]["Statistics.Missed"] == 0
        assert (await plc.inspect()).verdict is Verdict.OK
    assert station.stop() == 0


async def test_a_silent_core_is_shown_as_away_never_as_its_last_ok(station: Service) -> None:
    """With the core stopped, status and pictures answer 503; when it goes on they are true again."""
    address, where = station.line("gateway http="), station.ready()
    async with SimulatedPlc(*where, mode="sequence") as plc:
        await plc.inspect()
    await asyncio.to_thread(until, address, "/api/last-frame.jpg", 200)
    core = station.logged("child_started")["pid"]
    os.kill(core, signal.SIGSTOP)
    try:
        body = await asyncio.to_thread(until, address, "/api/status", 503)
        assert (body["error"], body["code"]) == ("core_away", 601)
        assert get(address, "/api/last-frame.jpg")[0] == 503
        assert get(address, "/api/last-heatmap.jpg")[0] == 503
    finally:
        os.kill(core, signal.SIGCONT)
    await asyncio.to_thread(until, address, "/api/status", 200)
    assert station.stop() == 0


def test_the_core_s_death_ends_the_station(station: Service) -> None:
    """``run`` does not hide it: it ends non-zero and takes the gateway with it."""
    station.ready()
    core, gateway = (station.logged("child_started", n)["pid"] for n in (1, 2))
    os.kill(core, signal.SIGKILL)
    assert station.ended() == 128 + signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(gateway, 0)


def test_a_killed_supervisor_leaves_nothing_behind(station: Service) -> None:
    """Core and gateway end by themselves when what started them dies."""
    station.ready()
    pids = [station.logged("child_started", n)["pid"] for n in (1, 2)]
    station.process.kill()
    station.ended()
    for pid in pids:
        while _lives(pid):
            pass


def _lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
