"""Many readers beside a working PLC never see half a record, and the PLC gets each part's own result."""

import asyncio
import struct

from edge_service.domain.inspection import Judgement, Trigger, Verdict
from edge_service.domain.signal import Block
from edge_service.domain.words import decode
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.simulation.plc import SimulatedPlc
from tests.support.machine_station import MachineStation
from tests.support.modbus_raw import RawMaster, read, words_of

PARTS = 80
READERS = 8


def by_serial(trigger: Trigger) -> Judgement:
    """Give each part a score that is its serial's number; every third is NG."""
    (number,) = struct.unpack(">I", trigger.serial[:4])
    verdict = Verdict.NG if number % 3 == 0 else Verdict.OK
    return Judgement(verdict, 0, float(number), 1e6, defect_area_px=number)


async def watch(address: tuple[str, int], source: str, stop: asyncio.Event) -> int:
    """Check that each snapshot is of one piece, until told to stop; return how many had a record."""
    seen = 0
    async with RawMaster(address, source) as raw:
        while not stop.is_set():
            words = words_of(await raw.ask(read(0, 120, 4)))
            now = decode(Block.STATION, words)
            assert now["Result.InspectionId"] == now["Result.InspectionIdEnd"]
            if not now["Status.ResultsValid"]:
                assert set(words[10:64]) == {0}
                continue
            serial = now["Result.PartSerial"]
            assert isinstance(serial, bytes)
            (number,) = struct.unpack(">I", serial[:4])
            assert (now["Result.Score"], now["Result.DefectArea"]) == (float(number), number)
            assert now["Status.NotOk"] is (number % 3 == 0)
            assert now["Status.Ok"] is (number % 3 != 0)
            seen += 1
    return seen


async def test_no_torn_record():
    """Eight readers check every snapshot while parts run through; no result is lost, doubled or another's."""
    station = MachineStation(judge=by_serial, exposure_s=0.001, inference_s=0.001)
    settings = ModbusTcpSettings(host="127.0.0.1", port=0)
    stop = asyncio.Event()
    async with station, ModbusTcpServer(settings, Memory(station)) as server:
        address = server.socket_address()
        async with asyncio.TaskGroup() as group:
            watchers = [group.create_task(watch(address, f"127.0.0.{i + 2}", stop)) for i in range(READERS)]
            async with SimulatedPlc(*address) as plc:
                results = [await plc.inspect(struct.pack(">I", number)) for number in range(PARTS)]
            stop.set()
        assert sum(task.result() for task in watchers) > PARTS
    assert [result.score for result in results] == [float(number) for number in range(PARTS)]
    assert [result.ok for result in results] == [number % 3 != 0 for number in range(PARTS)]
    assert [result.inspection_id for result in results] == list(range(1, PARTS + 1))
