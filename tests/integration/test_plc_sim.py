"""``okng-edge plc-sim`` and ``okng-edge monitor`` against the real handshake over real Modbus/TCP."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest
import structlog
from pymodbus.client import AsyncModbusTcpClient

from edge_service.cli import main
from edge_service.domain.inspection import Judgement, Trigger, TriggerSource, Verdict
from edge_service.errors import NotOwnerError, PlcError
from edge_service.fieldbus.registers import Orders, TextOrder, WordOrder
from edge_service.handshake.settings import HandshakeSettings, Profile
from edge_service.simulation.commissioning import IN_A_ROW, Part, Plan, Tally, play
from edge_service.simulation.plc import SimulatedPlc
from tests.support.machine_station import MachineStation
from tests.support.served_station import serving

PULSE = HandshakeSettings(profile=Profile.PULSE, pulse_s=0.03, pulse_gap_s=0.01)


@pytest.fixture(autouse=True)
def _logs_as_before():
    """Undo what a verb does to the logs of its own process."""
    yield
    structlog.reset_defaults()
    logging.getLogger("pymodbus").setLevel(logging.NOTSET)


def every_third(trigger: Trigger) -> Judgement:
    """Call every third part NG."""
    bad = trigger.acquisition_id % 3 == 0
    return Judgement(Verdict.NG if bad else Verdict.OK, 0, 3.0 if bad else 0.5, 1.0)


async def okng(*arguments: str) -> int:
    """Run the command line beside this loop; return its exit code."""

    def run() -> int:
        try:
            main(arguments)
        except SystemExit as end:
            return int(end.code or 0)
        return 0

    return await asyncio.to_thread(run)


@pytest.mark.parametrize("mode", ["sequence", "bit"])
@pytest.mark.parametrize("profile", ["buffered", "unbuffered", "pulse"])
async def test_each_mode_and_profile(mode: str, profile: str):
    """Every part gets its own answer, none is missed, none unseen."""
    station = MachineStation(PULSE if profile == "pulse" else None, judge=every_third)
    tally, shown = Tally(), []
    async with (
        serving(station) as address,
        SimulatedPlc(*address, mode=mode, profile=profile) as plc,
    ):
        await play(plc, Plan(parts=6, recipe=1, serial="LOT"), shown.append, tally)
    assert tally.sound
    assert (tally.parts, tally.unseen, dict(tally.verdicts)) == (6, 0, {Verdict.OK: 4, Verdict.NG: 2})
    assert [part.serial for part in shown] == [f"LOT-{n:05d}" for n in range(1, 7)]
    source = TriggerSource.SEQUENCE if mode == "sequence" else TriggerSource.BIT
    assert {published.trigger.source for published in station.published} == {source}


async def test_pulse_asked_of_a_station_that_holds_results():
    """The message says which setting of the station is missing."""
    async with serving(MachineStation()) as address, SimulatedPlc(*address, profile="pulse") as plc:
        with pytest.raises(PlcError, match="ResultsValid 0") as told:
            await plc.inspect()
        assert "handshake.profile: pulse" in told.value.remedy


async def test_another_master_is_named():
    """While another address owns the registers the message says so, and what to do."""
    async with serving(MachineStation()) as address, owned(address):
        with pytest.raises(NotOwnerError, match="another master owns") as told:
            async with SimulatedPlc(*address):
                pass
        assert "TriggerEnable 0" in told.value.remedy


@contextlib.asynccontextmanager
async def owned(address: tuple[str, int]) -> AsyncIterator[None]:
    """Let another address own the registers."""
    other = AsyncModbusTcpClient(address[0], port=address[1], source_address=("127.0.0.3", 0))
    await other.connect()
    await other.write_registers(0, [0] * 36)
    await other.write_registers(0, [0x25] + [0] * 35)
    yield
    other.close()


async def test_a_refused_part_costs_only_that_part():
    """Refusals are counted and shown; the run ends only when several parts in a row had no answer."""
    station = MachineStation(HandshakeSettings(require_part_present=True))
    tally, shown = Tally(), list[Part]()
    async with serving(station) as address, SimulatedPlc(*address) as plc:
        await play(plc, Plan(parts=2), shown.append, tally)
        assert (tally.refused, tally.sound, shown[0].trouble.reason) == (2, False, 218)
        with pytest.raises(PlcError):
            await play(plc, Plan(parts=0), shown.append, tally)
    assert tally.refused == 2 + IN_A_ROW


async def test_the_command_prints_each_part_and_a_table(capsys: pytest.CaptureFixture[str]):
    """One line a part with verdict and score, then the sums; exit code 0."""
    async with serving(MachineStation(judge=every_third)) as (host, port):
        assert await okng("plc-sim", f"{host}:{port}", "--parts", "3", "--serial", "A", "--rate", "6000") == 0
    told = capsys.readouterr().out
    assert "A-00001" in told
    assert "0.250 / 0.500" in told
    assert [line.split()[2] for line in told.splitlines()[:3]] == ["OK", "OK", "NG"]
    assert "p95" in told


async def test_nobody_there(capsys: pytest.CaptureFixture[str]):
    """Exit code 2, and the message names the address and a remedy; nothing else is printed."""
    async with serving(MachineStation()) as (host, port):
        pass
    assert await okng("plc-sim", f"{host}:{port}") == 2
    assert await okng("monitor", f"{host}:{port}", "--once") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count(f"{host}:{port}") == 2
    assert len(told.err.splitlines()) == 4


async def test_monitor_prints_the_live_map(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Bits by name, the shown result, both heartbeats; it writes nothing and owns nothing."""
    monkeypatch.setenv("COLUMNS", "170")
    station = MachineStation(judge=every_third)
    async with serving(station) as (host, port), SimulatedPlc(host, port, heartbeat_s=0.05) as plc:
        await _leave_standing(plc, b"SHOWN")
        assert await okng("monitor", f"{host}:{port}", "--once") == 0
    told = capsys.readouterr().out
    for wanted in ("1 TriggerReady", "1 ResultsValid", "0 CameraLost", "1 SequenceMode", "SHOWN", "online"):
        assert wanted in told
    heartbeats = [line for line in told.splitlines() if "Heartbeat" in line]
    assert len(heartbeats) == 2
    assert all("moves" in line for line in heartbeats)


async def _leave_standing(plc: SimulatedPlc, serial: bytes) -> None:
    """Trigger a part and do not take its result."""
    await plc._until(lambda now: bool(now["Status.TriggerReady"]), 5, "TriggerReady")
    await plc._write({"Command.PartSerial": serial, "Command.TriggerSeq": 9})
    await plc._until(lambda now: bool(now["Status.ResultsValid"]), 5, "ResultsValid")


@pytest.mark.parametrize(("language", "wanted"), [("en", "word_order CDAB"), ("zh", "在线")])
async def test_monitor_finds_out_the_order_of_words(
    language: str,
    wanted: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    """The test registers tell the order: the names are right all the same, and it is said."""
    monkeypatch.setenv("OKNG_LANG", language)
    monkeypatch.setenv("COLUMNS", "120")
    orders = Orders(WordOrder.CDAB, TextOrder.LOW_FIRST)
    async with serving(MachineStation(), orders=orders) as (host, port):
        assert await okng("monitor", f"{host}:{port}", "--once") == 0
    told = capsys.readouterr().out
    assert wanted in told
    assert "pcb 1.0.0" in told


async def test_monitor_shows_what_is_wrong_with_its_remedy(capsys: pytest.CaptureFixture[str]):
    """A lost camera: its bit, its code and what to do."""
    station = MachineStation()
    async with serving(station) as (host, port):
        loop = asyncio.get_running_loop()
        station.machine.raise_condition(302, loop.time())
        assert await okng("monitor", f"{host}:{port}", "--once") == 0
    assert "302: " in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "host:port", ":502", "host:0", "host:70000"])
async def test_a_wrong_place_is_explained(text: str, capsys: pytest.CaptureFixture[str]):
    """What was given and what is allowed."""
    assert await okng("plc-sim", text) == 2
    assert "192.168.1.50:1502" in capsys.readouterr().err.replace("\n", " ")
