"""Fuzzed Modbus frames from one seed, and a PLC beside them that must be served as if nothing was."""

import asyncio
import contextlib
import random
import struct
import time
from dataclasses import dataclass, field

from edge_service.fieldbus.mbap import MbapReader
from edge_service.fieldbus.rtu_frames import framed
from tests.support.modbus_raw import RawMaster, read, words_of, write
from tests.support.rtu_line import RtuLine

FUZZER = "127.0.0.9"
BURST = 50  # frames between two looks at the PLC
_ENABLE = 0x0025
_VERSION = framed(bytes.fromhex("01 04 04 0001 4142"))  # the reply to a read of the map's version
_FUNCTIONS = (1, 2, 3, 4, 5, 6, 15, 16, 22, 23, 43)
_ODD = (0, 1, 2, 15, 16, 31, 32, 35, 36, 119, 120, 123, 125, 126, 255, 256, 1000, 1119, 1120, 32767, 65535)


class Fuzzer:
    """Frames that are nearly right, quite wrong, or noise."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pdu(self) -> bytes:
        """Return a request that may be anything."""
        dice = self._random
        function = dice.choice(_FUNCTIONS) if dice.random() < 0.8 else dice.randrange(256)
        address, count = (dice.choice(_ODD) if dice.random() < 0.8 else dice.randrange(65536) for _ in "ac")
        body = struct.pack(">HH", address, count)
        if dice.random() < 0.5:
            size = dice.choice((0, 1, 2, 2 * count & 0xFF, dice.randrange(256)))
            actual = size if dice.random() < 0.8 else dice.randrange(250)
            body += bytes((size,)) + dice.randbytes(min(246, actual))
        if dice.random() < 0.2:
            body = body[: dice.randrange(len(body) + 1)]
        if dice.random() < 0.2:
            body += dice.randbytes(dice.randrange(8))
        return (bytes((function,)) + body)[:253]

    def tcp(self) -> bytes:
        """Return a frame for TCP."""
        dice, pdu = self._random, self.pdu()
        protocol = 0 if dice.random() < 0.997 else dice.randrange(65536)
        length = len(pdu) + 1 if dice.random() < 0.995 else dice.choice((0, 1, 2, 254, 255, 260, 65535))
        frame = struct.pack(">HHHB", dice.randrange(65536), protocol, length, dice.randrange(256)) + pdu
        return self._damaged(frame) if dice.random() < 0.005 else frame

    def rtu(self) -> bytes:
        """Return a frame for a serial line: for us, for another, or damaged."""
        dice = self._random
        unit = dice.choice((0, 1, 1, 2, dice.randrange(256)))
        frame = framed(bytes((unit,)) + self.pdu())
        return self._damaged(frame) if dice.random() < 0.3 else frame

    def _damaged(self, frame: bytes) -> bytes:
        damaged = bytearray(frame)
        damaged[self._random.randrange(len(damaged))] ^= 1 << self._random.randrange(8)
        return bytes(damaged[: self._random.randint(1, len(damaged))])


@dataclass
class Seen:
    """What came of it."""

    frames: int = 0
    connections: int = 0
    replies: int = 0
    retries: int = 0
    parts: int = 0
    reply_ms: list[float] = field(default_factory=list)


async def fuzz_tcp(address: tuple[str, int], frames: int, seed: int) -> Seen:
    """Send frames over as many connections as it takes, while a PLC owns the station and inspects."""
    fuzzer, seen = Fuzzer(seed), Seen()
    async with RawMaster(address) as plc:
        await plc.ask(write(0, 0, 0, 0, 0))
        await plc.ask(write(0, _ENABLE, 0, 0, 0))
        while seen.frames < frames:
            seen.connections += 1
            async with RawMaster(address, FUZZER) as raw:
                swallow = asyncio.create_task(_swallow(raw, seen), name="swallow")
                try:
                    while seen.frames < frames and not swallow.done():
                        with contextlib.suppress(ConnectionError):
                            await raw.send(b"".join(fuzzer.tcp() for _ in range(BURST)))
                        seen.frames += BURST
                        await _inspect(plc, seen)
                finally:
                    swallow.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await swallow
    return seen


async def _swallow(raw: RawMaster, seen: Seen) -> None:
    replies = MbapReader()
    with contextlib.suppress(ConnectionError):
        while data := await raw.reader.read(65536):
            replies.feed(data)
            while replies.next() is not None:
                seen.replies += 1


async def _inspect(plc: RawMaster, seen: Seen) -> None:
    """Take one part through, and see that nothing else touched the registers."""
    seen.parts += 1
    image = (_ENABLE, 0, seen.parts, 0)
    assert words_of(await plc.ask(read(0, 36)))[2] == seen.parts - 1, "nobody else wrote"
    await plc.ask(write(0, *image))
    while True:
        began = time.perf_counter()
        words = words_of(await plc.ask(read(0, 16, 4)))
        seen.reply_ms.append((time.perf_counter() - began) * 1000)
        if words[0] & 0x0800 and words[11] == seen.parts:
            break
    assert (words[10], words[13]) == (seen.parts, 1)
    await plc.ask(write(3, words[10]))


async def fuzz_rtu(line: RtuLine, frames: int, seed: int) -> Seen:
    """Put frames onto the line; after each the station's own master is answered."""
    fuzzer, seen = Fuzzer(seed), Seen(connections=1)
    while seen.frames < frames:
        seen.frames += 1
        line.put(fuzzer.rtu())
        await asyncio.sleep(0.003)  # longer than t3.5
        began = time.perf_counter()
        for _ in range(5):  # as any master does: noise may swallow a request
            line.put(framed(b"\x01" + read(96, 2, 4)))
            if await line.heard_within(_VERSION, 0.2):
                break
            seen.retries += 1
        else:
            raise AssertionError("the station answers no more")
        seen.replies += 1
        seen.reply_ms.append((time.perf_counter() - began) * 1000)
    return seen
