"""``FB_OKNG``, run from its own text, drives the real handshake over real Modbus, TCP and RTU."""

import asyncio
import contextlib
import functools
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from edge_service.domain.inspection import Judgement, Trigger, TriggerSource, Verdict
from edge_service.handshake.settings import HandshakeSettings
from edge_service.plc_code.steps import Fault as Code
from tests.support.machine_station import MachineStation
from tests.support.served_station import serving, serving_rtu
from tests.support.soft_plc import Fault, SoftPlc

OK, NG, ERROR = int(Verdict.OK), int(Verdict.NG), int(Verdict.ERROR)
QUICK = {"AnswerTime": 0.15, "ResultTime": 0.6, "SettleTime": 0.02, "StationTime": 0.4}


def by_serial(trigger: Trigger) -> Judgement:
    """Judge a part by what its serial says."""
    good = trigger.serial.startswith(b"good")
    return Judgement(Verdict.OK if good else Verdict.NG, 0, 0.5 if good else 3.0, 1.0)


def by_count(trigger: Trigger) -> Judgement:
    """Call every second part NG."""
    bad = trigger.acquisition_id % 2 == 0
    return Judgement(Verdict.NG if bad else Verdict.OK, 0, 3.0 if bad else 0.5, 1.0)


@contextlib.asynccontextmanager
async def rig(station: MachineStation, **inputs: object) -> AsyncIterator[SoftPlc]:
    """Serve the station and run the block against it."""
    async with serving(station) as address, SoftPlc.over_tcp(*address, **QUICK | inputs) as plc:
        yield plc


@pytest.mark.parametrize("split", [False, True])
async def test_parts_get_their_own_verdict(*, split: bool):
    """Good and bad parts, read in one request or in two, each with its own verdict, serial and numbers."""
    station = MachineStation(judge=by_serial)
    async with serving(station) as address, SoftPlc.over_tcp(*address, split=split, **QUICK) as plc:
        for part in range(30):
            good = part % 3 != 0
            serial = b"%s-%d" % (b"good" if good else b"bad", part)
            assert await plc.inspect(serial) == (good, OK if good else NG, 0)
            assert plc["Result"]["INSPECTIONID"] == part + 1
            assert plc["MayMove"]
            assert not plc["Error"]
    sources = {published.trigger.source for published in station.published}
    assert sources == {TriggerSource.SEQUENCE}
    assert [p.trigger.serial.rstrip(b"\0")[:4] for p in station.published][:3] == [b"bad-", b"good", b"good"]


async def test_a_trigger_before_ready_is_a_part_without_inspection():
    """It is not OK at once (code 6), counted, and never made up for."""
    station = MachineStation(inference_s=0.1)
    async with rig(station) as plc:
        await plc.scan()
        await plc.trigger()
        assert (plc["Done"], plc["Ok"], plc["Code"], plc["Missed"]) == (True, False, Code.NOT_READY, True)
        assert (await plc.inspect())[0]
        await plc.ready()
        await plc.trigger(b"first")
        await plc.scan()
        await plc.trigger(b"too soon")
        assert plc["Busy"]
        await plc.until(lambda: plc["Done"])
        assert (plc["Ok"], plc["Missed"], plc["MissedCount"]) == (True, True, 2)
        await plc.ready()
    assert len(station.published) == 2


async def test_a_trigger_held_at_the_start_does_not_count():
    """Trigger that is TRUE when the PLC starts must be seen FALSE first."""
    station = MachineStation()
    async with rig(station, Trigger=True) as plc:
        await plc.ready()
        await plc.scan()
        assert not plc["Busy"]
        plc.set(Trigger=False)
        await plc.scan()
        assert (await plc.inspect())[0]
    assert len(station.published) == 1


async def test_a_refused_trigger_says_the_stations_reason():
    """Refused with 218 (no part): not OK, the reason at Code; the next number is taken."""
    station = MachineStation(HandshakeSettings(require_part_present=True))
    async with rig(station) as plc:
        assert await plc.inspect() == (False, 0, 218)
        assert plc["Error"]
        plc.set(PartPresent=True)
        assert await plc.inspect() == (True, OK, 0)
    assert station.published[0].trigger.sequence == 2


async def test_no_answer_to_the_trigger():
    """A write that never arrives: code 1 after AnswerTime; then the block starts over and goes on."""
    station = MachineStation(judge=by_serial)
    async with rig(station) as plc:
        await plc.ready()
        plc.fault = lambda: Fault.NOT_WRITTEN
        await plc.trigger(b"good lost")
        await plc.until(lambda: plc["Done"])
        assert (plc["Ok"], plc["Code"], plc["Error"]) == (False, Code.NO_ANSWER, True)
        plc.fault = lambda: None
        assert await plc.inspect(b"bad next") == (False, NG, 0)
    assert len(station.published) == 1


async def test_a_late_result_is_thrown_away():
    """No result within ResultTime: code 2; the late OK never becomes the next part's."""
    station = MachineStation(judge=by_serial, inference_s=0.3)
    async with rig(station, ResultTime=0.1) as plc:
        assert await plc.inspect(b"good late") == (False, 0, Code.NO_RESULT)
        plc.set(ResultTime=2.0)
        assert await plc.inspect(b"bad next") == (False, NG, 0)
        assert await plc.inspect(b"good third") == (True, OK, 0)
    assert len(station.published) == 3


async def test_the_station_restarts_with_a_part_open():
    """Another BOOT_ID: the open part is not OK (code 5), its trigger does not fire again, numbers go on."""
    first, second = MachineStation(inference_s=5.0), MachineStation(boot_id=2, first_inspection_id=1001)
    async with contextlib.AsyncExitStack() as stack:
        async with serving(first) as address:
            plc = await stack.enter_async_context(SoftPlc.over_tcp(*address, **QUICK | {"StationTime": 5.0}))
            await plc.ready()
            await plc.trigger()
            await plc.until(lambda: plc["State"] == 50)
        async with serving(second, address[1]):
            await plc.reconnect()
            await plc.until(lambda: plc["Done"])
            assert (plc["Ok"], plc["Code"]) == (False, Code.STATION_RESTARTED)
            assert await plc.inspect() == (True, OK, 0)
            await plc.ready()
    assert [published.counter for published in second.published] == [1001]
    assert second.published[0].trigger.sequence == 2


async def test_a_silent_station_is_noticed():
    """Nothing read for StationTime: the open part is not OK (code 4), and the block comes back by itself."""
    station = MachineStation(judge=by_serial, inference_s=0.2)
    async with rig(station, StationTime=0.1) as plc:
        await plc.ready()
        await plc.trigger(b"good")
        plc.fault = lambda: Fault.LOST
        await plc.until(lambda: plc["Done"])
        assert (plc["Ok"], plc["Code"], plc["Connected"]) == (False, Code.STATION_SILENT, False)
        assert plc["NotReadyCode"] == Code.STATION_SILENT
        plc.fault = lambda: None
        assert await plc.inspect(b"bad") == (False, NG, 0)


@pytest.mark.parametrize("step", [40, 50, 60])
async def test_the_plc_restarts_in_mid_part(step: int):
    """A program that starts anew takes nothing of the part before, wherever that stood."""
    station = MachineStation(judge=by_serial, inference_s=0.05)
    async with rig(station) as plc:
        await plc.inspect(b"good before")
        await plc.ready()
        await plc.trigger(b"good open")
        await plc.until(lambda: plc["State"] == step)
        plc.restart_program()
        assert await plc.inspect(b"bad after") == (False, NG, 0)
        assert plc["Result"]["TRIGGERSEQ"] == 3
        assert await plc.inspect(b"good last") == (True, OK, 0)
    assert len(station.published) == 4


async def test_records_of_others_are_passed_over():
    """Results that another source triggered, waiting or in between, never become this PLC's parts."""
    station = MachineStation(judge=by_serial, inference_s=0.05)
    async with rig(station) as plc:
        await plc.ready()
        for serial in (b"good strange 1", b"good strange 2"):
            _trigger_beside(station, serial)
            await plc.scan()
            assert await plc.inspect(b"bad own") == (False, NG, 0)
        _trigger_beside(station, b"good strange 3")
        await plc.until(lambda: plc["State"] == 55)
        await plc.ready()
    assert [published.trigger.source for published in station.published].count(TriggerSource.INTERVAL) == 3


def _trigger_beside(station: MachineStation, serial: bytes) -> None:
    now = asyncio.get_running_loop().time()
    station._do(station.machine.trigger(TriggerSource.INTERVAL, now, serial=serial)[1])


async def test_recipes():
    """A recipe is selected by command; a part that asks for another one is not judged (code 101)."""
    station = MachineStation(command=lambda order: 1 if order.parameters[0] in (1, 2) else 103)
    async with rig(station) as plc:
        assert await plc.execute(1, 2) == 1
        assert plc["CommandDone"]
        plc.set(Recipe=2)
        assert await plc.inspect() == (True, OK, 0)
        plc.set(Recipe=3)
        assert await plc.inspect() == (False, ERROR, 101)
        assert await plc.execute(1, 9) == 103
        assert plc["CommandFailed"]
        plc.set(Recipe=0)
        assert await plc.inspect() == (True, OK, 0)


async def test_a_broken_connection_and_the_repeated_write():
    """The same words written again over new connections, in every step: one trigger each, no part lost."""
    station = MachineStation(judge=by_serial, inference_s=0.03)
    async with rig(station, StationTime=5.0, AnswerTime=2.0, ResultTime=3.0) as plc:
        for part in range(6):
            await plc.ready()
            await plc.trigger(b"good" if part % 2 else b"bad")
            while not plc["Done"]:
                await plc.reconnect()
                await plc.scan()
            assert plc["Verdict"] == (OK if part % 2 else NG)
            await plc.reconnect()
        await plc.ready()
    assert len(station.published) == 6


async def test_another_master_owns_the_station():
    """Writes refused: never Ready, code 12 says why; free again, the block goes on by itself."""
    station = MachineStation()
    async with serving(station) as address:
        other = AsyncModbusTcpClient(address[0], port=address[1], source_address=("127.0.0.2", 0))
        await other.connect()
        await other.write_registers(0, [0] * 36)
        await other.write_registers(0, [0x25] + [0] * 35)
        async with SoftPlc.over_tcp(*address, **QUICK) as plc:
            await plc.until(lambda: plc["NotReadyCode"] == Code.OTHER_MASTER)
            assert not plc["Ready"]
            await other.write_registers(0, [0] * 36)
            assert (await plc.inspect())[0]
        other.close()


async def test_disabled_with_a_part_open():
    """Enable FALSE: the part is not OK (code 8), the words are zeros, another master may come."""
    station = MachineStation(inference_s=0.2)
    async with rig(station) as plc:
        await plc.ready()
        await plc.trigger()
        plc.set(Enable=False)
        await plc.scan()
        assert (plc["Done"], plc["Ok"], plc["Code"]) == (True, False, Code.DISABLED)
        assert plc["ToStation"][:4] == [0, 0, 0, 0]
        assert station.owner() is None
        plc.set(Enable=True)
        assert (await plc.inspect())[0]


async def test_a_bad_line_never_makes_a_part_ok():
    """300 scans in a thousand go wrong one way or another: no bad part passes, no OK is another part's."""
    dice = random.Random(4)
    station = MachineStation(judge=by_serial, inference_s=0.004)
    async with rig(station, AnswerTime=0.03, ResultTime=0.1) as plc:
        await plc.ready()
        plc.fault = lambda: dice.choice(list(Fault)) if dice.random() < 0.3 else None
        passed = 0
        for part in range(120):
            good = dice.random() < 0.5
            serial = b"%s-%d" % (b"good" if good else b"bad", part)
            ok, verdict, _ = await plc.inspect(serial)
            passed += ok
            assert good or not ok
            if verdict:
                assert verdict == (OK if good else NG)
    assert passed > 20


async def test_over_a_serial_line(require_program: Callable[[str], str], tmp_path: Path):
    """The same block with RTU's times over a line of pseudo-terminals: parts, a command, a new program."""
    station = MachineStation(judge=by_serial)
    times = {"AnswerTime": 2.0, "SettleTime": 0.1, "ResultTime": 3.0}
    async with serving_rtu(station, require_program, tmp_path) as device:
        connect = functools.partial(
            AsyncModbusSerialClient, device, baudrate=115_200, reconnect_delay=0, retries=0
        )
        async with SoftPlc(connect, **times) as plc:
            assert await plc.inspect(b"good 1") == (True, OK, 0)
            assert await plc.inspect(b"bad 2") == (False, NG, 0)
            assert await plc.execute(1, 1) == 1
            plc.restart_program()
            assert await plc.inspect(b"good 3") == (True, OK, 0)
    assert len(station.published) == 3


async def test_compact_words():
    """Compact: nothing behind word 15 is looked at; a refusal has the block's own code."""
    station = MachineStation(HandshakeSettings(require_part_present=True), judge=by_count)
    async with serving(station) as address, SoftPlc.over_tcp(*address, compact=True, **QUICK) as plc:
        assert await plc.inspect() == (False, 0, Code.REFUSED)
        plc.set(PartPresent=True)
        assert await plc.inspect() == (True, OK, 0)
        assert await plc.inspect() == (False, NG, 0)
        plc.restart_program()
        plc.set(PartPresent=True)
        assert await plc.inspect() == (True, OK, 0)


async def test_the_example_program_inspects_by_itself():
    """OKNG_EXAMPLE over its located words: parts come in its rehearsal, are counted, and set the gate."""
    station = MachineStation(judge=by_count)
    async with serving(station) as address, SoftPlc.over_tcp(*address, example=True) as plc:
        await plc.until(lambda: plc["GoodParts"] + plc["BadParts"] >= 4)
        assert (plc["GoodParts"], plc["BadParts"]) == (2, 2)
        assert (plc["Gate"], plc["RejectPart"]) == (False, True)
