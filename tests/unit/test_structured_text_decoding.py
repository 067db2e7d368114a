"""The Structured Text reads every signal out of its words as the station put it in."""

import random

import pytest

from edge_service.domain.signal import Block, Kind, Signal, SignalValue
from edge_service.domain.signals import of_block
from edge_service.domain.words import decode, encode
from tests.support.soft_plc import program

_READ = {Kind.BIT, Kind.FIELD, Kind.U16, Kind.U32}
_BLOCK_OF = {
    "Status": ("FB_OKNG", "STATUS"),
    "Result": ("FB_OKNG", "SHOWN"),
    "Statistics": ("FB_OKNG_INFO", "STATISTICS"),
    "Station": ("FB_OKNG_INFO", "STATION"),
}


def some_value(signal: Signal, dice: random.Random) -> SignalValue:
    """Return a value of the signal's kind, its extremes among them."""
    bits = {Kind.BIT: 1, Kind.FIELD: signal.width, Kind.U32: 32}.get(signal.kind, 16)
    number = dice.choice((0, (1 << bits) - 1, dice.getrandbits(bits)))
    return bool(number) if signal.kind is Kind.BIT else number


@pytest.mark.parametrize("seed", range(5))
def test_every_signal_is_read_as_it_was_put_in(seed: int):
    """Bits, fields and 32-bit values of all four structures, with random values and extremes."""
    dice = random.Random(seed)
    signals = [signal for signal in of_block(Block.STATION) if signal.kind in _READ]
    values = {signal.name: some_value(signal, dice) for signal in signals}
    words = list(encode(Block.STATION, values))
    blocks = {name: program().new(name) for name in ("FB_OKNG", "FB_OKNG_INFO")}
    for block in blocks.values():
        block.values["FROMSTATION"] = words
        block()
    for signal in signals:
        group, short = signal.name.split(".", 1)
        block, structure = _BLOCK_OF[group]
        assert blocks[block].values[structure][short.upper()] == values[signal.name], signal.name


def test_what_the_block_is_told_arrives_in_the_command_block():
    """Levels, buttons, encoder and serial lie where the station reads them."""
    block = program().new("FB_OKNG")
    given = {
        "PARTPRESENT",
        "SETOFFLINE",
        "CLEARERROR",
        "STATISTICSRESET",
        "NGLATCHRESET",
        "ALARMACK",
        "ENABLE",
    }
    block.values |= dict.fromkeys(given, True)
    block.values |= {"ENCODEROUT": 0x12345678, "SERIALOUT": [0x4100 + i for i in range(20)]}
    block()
    said = decode(Block.COMMAND, block.values["TOSTATION"])
    on = {name.split(".")[1].upper() for name, value in said.items() if value is True}
    assert on == given - {"ENABLE"}
    assert said["Command.Encoder"] == 0x12345678
    assert said["Command.PartSerial"] == b"".join(bytes((0x41, i)) for i in range(20))
