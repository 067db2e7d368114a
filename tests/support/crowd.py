"""A crowd at the station's Modbus port: a PLC that triggers without a pause, and readers of everything.

The camera numbers its frames and the engine's score is the frame's number, so a record that carries another
part's score, is torn, lost or doubled is seen at once. Used by the tests with few parts and by
``benchmarks/modbus_crowd.py`` with many.
"""

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from edge_service.domain.inspection import Frame, RawScore
from edge_service.domain.sequence import wrapped
from edge_service.domain.signal import Block
from edge_service.domain.words import decode
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.handshake.machine import Machine
from edge_service.handshake.settings import HandshakeSettings
from edge_service.station import Done, Facts, Numbers, Reserve, Site, Station
from tests.support.fakes import FakeCamera, FakeEngine, FakeOutfitter
from tests.support.modbus_raw import RawMaster, read, words_of, write

READERS = 8
POLL_S = 0.01
_ENABLE = 0x0025  # TriggerEnable, BufferResultsEnable, SequenceMode
_READY, _VALID = 0x0001, 0x0800
_STEP = 2.0**-16  # exact in a REAL


def score_of(number: int) -> float:
    """Return the score of the part with that number: every third is NG (the threshold is 1)."""
    return number * _STEP + (1.0 if number % 3 == 0 else 0.0)


class NumberedCamera(FakeCamera):
    """Writes each frame's number into its first pixel."""

    async def grab(self, after: float, timeout_s: float) -> Frame:
        """Expose at once."""
        del timeout_s
        self.grabs += 1
        pixels = np.zeros((4, 4, 3), np.uint8)
        pixels[0, 0, :2] = divmod(self.grabs, 256)
        began = max(after, time.monotonic())
        return Frame(pixels, began, began, 1_700_000_000.0, self.name, simulated=True)


class NumberEngine(FakeEngine):
    """Scores a frame by its number."""

    async def infer(self, frame: Frame) -> RawScore:
        """Measure at once."""
        high, low = (int(value) for value in frame.pixels[0, 0, :2])
        score = score_of(256 * high + low)
        return RawScore(score, np.full((4, 4), score, np.float32), 0.1, self.device)


@asynccontextmanager
async def fast_station(folder: Path) -> AsyncIterator[tuple[tuple[str, int], list[int]]]:
    """Run the real inspection loop behind the real server; yield its address and the numbers it published."""
    counters: list[int] = []

    async def count(done: Done) -> None:
        counters.append(done.inspection.counter)

    async def reload() -> None:
        """Nothing to read."""

    claim = Numbers(folder).claim()
    station = Station(
        Machine(HandshakeSettings(), boot_id=claim.boot_id, first_inspection_id=claim.first),
        Facts("crowd", claim.boot_id),
        make_camera=NumberedCamera,
        outfitter=FakeOutfitter(NumberEngine()),
        site=Site(reload, lambda _: None),
        steps=(count,),
        reserve=Reserve(Numbers(folder), claim),
    )
    stop, started = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(station.run(stop, 1, started.set), name="station")
    settings = ModbusTcpSettings(host="127.0.0.1", port=0)
    try:
        async with ModbusTcpServer(settings, Memory(station)) as server:
            await started.wait()
            yield server.socket_address(), counters
            stop.set()
            await task
    finally:
        stop.set()
        await task


async def drive(address: tuple[str, int], parts: int) -> float:
    """Trigger as soon as TriggerReady is 1, take each record as soon as it is there; return the seconds."""
    sent = taken = acknowledged = 0
    async with RawMaster(address) as plc:
        await plc.ask(write(0, 0, 0, 0, 0, 0))
        await plc.ask(write(0, _ENABLE, 0, 0, 0, 0))
        began = time.perf_counter()
        while taken < parts:
            words = words_of(await plc.ask(read(0, 64, 4)))
            fresh = bool(words[0] & _VALID) and words[10] != acknowledged
            if fresh:
                taken += 1
                _check(words, taken)
                acknowledged = words[10]
            assert words[5] == 0, f"trigger {words[5]} was refused although TriggerReady was 1"
            accepted = words[4] == (wrapped(sent) if sent else 0)
            room = bool(words[0] & _READY) and accepted and sent < parts
            sent += room
            if fresh or room:
                serial = struct.unpack(">2H", struct.pack(">I", sent))
                image = (_ENABLE, 0, wrapped(sent), acknowledged, 0, *[0] * 11, *serial)
                await plc.ask(write(0, *image))
        taken_s = time.perf_counter() - began
        words = words_of(await plc.ask(read(64, 16, 4)))
        assert (words[1], words[0]) == (parts & 0xFFFF, parts >> 16), "the station counts as many"
        await plc.ask(write(0, 0))
    return taken_s


def _check(words: tuple[int, ...], number: int) -> None:
    now = decode(Block.STATION, (*words, *[0] * 56))
    serial = now["Result.PartSerial"]
    assert isinstance(serial, bytes)
    told = (now["Result.TriggerSeq"], struct.unpack(">I", serial[:4])[0], now["Result.Score"])
    assert told == (wrapped(number), number, score_of(number)), f"part {number} got the record {told}"
    assert now["Result.Verdict"] == (2 if number % 3 == 0 else 1)


async def watch(address: tuple[str, int], source: str, stop: asyncio.Event) -> tuple[int, int]:
    """Poll everything each 10 ms; every snapshot must be of one piece. Return how many, and with a record."""
    looked = seen = 0
    async with RawMaster(address, source) as raw:
        while not stop.is_set():
            words = words_of(await raw.ask(read(0, 120, 4)))
            looked += 1
            assert words[10] == words[63]
            if words[0] & _VALID:
                number = words[42] << 16 | words[43]
                _check(words[:64], number)
                seen += 1
            else:
                assert not any(words[10:64])
            await asyncio.sleep(POLL_S)
    return looked, seen
