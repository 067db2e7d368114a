"""A block's signals as 16-bit words and back, in the station's one (canonical) form.

32-bit values lie high word first, text and raw bytes with the first octet in the high byte, reserved words
and bits are 0::

    encode(Block.STATION, {"Result.Verdict": 1})[13]   # 1
"""

import struct
from collections.abc import Mapping, Sequence

from edge_service.domain.signal import Block, Kind, Signal, SignalValue
from edge_service.domain.signals import of_block

_U16 = 0xFFFF


def encode(block: Block, values: Mapping[str, SignalValue]) -> tuple[int, ...]:
    """Return the block's words for these values, by signal name; what is not named is 0."""
    words = [0] * block.words
    for signal in of_block(block):
        if signal.name in values:
            _put(words, signal, values[signal.name])
    return tuple(words)


def decode(block: Block, words: Sequence[int]) -> dict[str, SignalValue]:
    """Return the value of each of the block's signals."""
    return {signal.name: _get(words, signal) for signal in of_block(block)}


def _masks(block: Block) -> tuple[int, ...]:
    masks = [0] * block.words
    for signal in of_block(block):
        if signal.kind in (Kind.BIT, Kind.FIELD):
            masks[signal.address] |= (1 << signal.width) - 1 << signal.bit
        else:
            masks[signal.address : signal.address + signal.words] = [_U16] * signal.words
    return tuple(masks)


MASKS: Mapping[Block, tuple[int, ...]] = {block: _masks(block) for block in Block}  # reserved bits are 0


def _put(words: list[int], signal: Signal, value: SignalValue) -> None:
    at = signal.address
    kind = signal.kind
    if kind is Kind.BIT:
        words[at] |= bool(value) << signal.bit
    elif kind is Kind.U16:
        words[at] = int(value)
    elif kind is Kind.U32:
        words[at], words[at + 1] = int(value) >> 16, int(value) & _U16
    elif kind is Kind.FIELD:
        words[at] |= (int(value) & (1 << signal.width) - 1) << signal.bit
    else:
        words[at : at + signal.words] = _unpack(_octets(signal, value))


def _octets(signal: Signal, value: SignalValue) -> bytes:
    if signal.kind is Kind.F32:
        return struct.pack(">f", value)
    if signal.kind is Kind.TEXT:
        value = str(value).encode("ascii", "replace")
    assert isinstance(value, bytes), signal.name
    return value[: 2 * signal.words].ljust(2 * signal.words, b"\0")


def _get(words: Sequence[int], signal: Signal) -> SignalValue:
    at = signal.address
    word = words[at]
    if signal.kind is Kind.BIT:
        return bool(word >> signal.bit & 1)
    if signal.kind is Kind.FIELD:
        return word >> signal.bit & (1 << signal.width) - 1
    if signal.kind is Kind.U16:
        return word
    octets = struct.pack(f">{signal.words}H", *words[at : at + signal.words])
    if signal.kind is Kind.U32:
        return int.from_bytes(octets)
    if signal.kind is Kind.F32:
        return float(struct.unpack(">f", octets)[0])
    return octets.rstrip(b"\0").decode("ascii", "replace") if signal.kind is Kind.TEXT else octets


def _unpack(octets: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(octets) // 2}H", octets)
