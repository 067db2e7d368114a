"""The simulated PLC drives the real Modbus server and handshake machine through whole parts."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import pytest

from edge_service.domain.inspection import Judgement, Trigger, TriggerSource, Verdict
from edge_service.errors import PlcError, RefusedError
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.simulation.plc import SimulatedPlc
from tests.support.machine_station import MachineStation

MODES = ("sequence", "bit")


@asynccontextmanager
async def serving(station: MachineStation) -> AsyncIterator[ModbusTcpServer]:
    """Serve the station on a free port."""
    settings = ModbusTcpSettings(host="127.0.0.1", port=0)
    async with station, ModbusTcpServer(settings, Memory(station)) as server:
        yield server


def by_serial(trigger: Trigger) -> Judgement:
    """Judge a part by what its serial says."""
    if trigger.serial.startswith(b"bad"):
        return Judgement(
            Verdict.NG, 0, 3.0, 1.0, defect_class=2, defect_x=10, defect_y=20, defect_area_px=70000
        )
    return Judgement(Verdict.OK, 0, 0.5, 1.0)


@pytest.mark.parametrize("mode", MODES)
async def test_parts_get_their_own_result(mode: Literal["sequence", "bit"]):
    """Good and bad parts come back with their own serial, verdict, numbers and a gapless id."""
    async with (
        serving(MachineStation(judge=by_serial)) as server,
        SimulatedPlc(*server.socket_address(), mode=mode) as plc,
    ):
        results = [
            await plc.inspect(b"%s-%d" % (b"bad" if i % 3 == 0 else b"good", i), encoder=70000 + i)
            for i in range(12)
        ]
    assert [r.part_serial.rstrip(b"\0") for r in results][:2] == [b"bad-0", b"good-1"]
    assert [r.ok for r in results] == [i % 3 != 0 for i in range(12)]
    assert [r.inspection_id for r in results] == list(range(1, 13))
    assert [r.encoder for r in results] == [70000 + i for i in range(12)]
    bad = results[0]
    assert (bad.verdict, bad.score_x10000, bad.threshold_x10000, bad.score) == (Verdict.NG, 15000, 5000, 3.0)
    assert (bad.defect_class, bad.defect_x, bad.defect_y, bad.defect_area) == (2, 10, 20, 70000)
    assert (results[1].defect_x, results[1].model_hash) == (65535, 0x01234567)
    source = TriggerSource.SEQUENCE if mode == "sequence" else TriggerSource.BIT
    assert bad.trigger_source == source
    assert (bad.captured_at, bad.captured_ms) == (1_700_000_000, 250)


@pytest.mark.parametrize("mode", MODES)
async def test_recipe_is_selected_and_enforced(mode: Literal["sequence", "bit"]):
    """A recipe is selected by command, an unknown one is refused, a differing part is not judged."""
    station = MachineStation(command=lambda order: 1 if order.parameters[0] in (1, 2) else 103)
    async with serving(station) as server, SimulatedPlc(*server.socket_address(), mode=mode) as plc:
        await plc.select_recipe(2)
        assert (await plc.inspect(recipe=2)).recipe == 2
        with pytest.raises(RefusedError) as refused:
            await plc.select_recipe(9)
        assert refused.value.reason == 103
        wrong = await plc.inspect(recipe=3)
        assert (wrong.verdict, wrong.code) == (Verdict.ERROR, 101)
        assert (await plc.inspect()).ok


async def test_a_new_plc_program_starts_clean():
    """A PLC that starts while results of another wait clears them and gets only its own."""
    async with serving(MachineStation()) as server:
        async with SimulatedPlc(*server.socket_address(), mode="bit") as plc:
            await plc.inspect(b"old")
        async with SimulatedPlc(*server.socket_address(), mode="sequence", heartbeat_s=0.01) as plc:
            assert (await plc.inspect(b"new")).part_serial.startswith(b"new")


async def test_nobody_answers():
    """Without a station the PLC says so and what to do."""
    async with serving(MachineStation()) as server:
        address = server.socket_address()
    with pytest.raises(PlcError, match=r"127\.0\.0\.1"):
        async with SimulatedPlc(*address):
            pass
