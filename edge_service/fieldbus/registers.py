"""The order of words and bytes on a Modbus wire; the table of signals is ``domain/signals.py``.

Inside the station words have one canonical form (``domain/words.py``). ``Wire`` turns that into what a
PLC of another make expects, and back::

    words = encode(Block.STATION, {"Result.Score": 0.5})
    Wire(Orders(word_order=WordOrder.CDAB)).to_wire(Block.STATION, words)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from edge_service.domain.signal import Block, Kind
from edge_service.domain.signals import of_block

MIRROR = 1000  # holding register of input register 0


class WordOrder(StrEnum):
    """Order of the bytes of a 32-bit value, A the most significant."""

    ABCD = "ABCD"
    CDAB = "CDAB"  # low word first
    BADC = "BADC"  # bytes swapped in each word
    DCBA = "DCBA"


class TextOrder(StrEnum):
    """Where the first of a word's two characters lies."""

    HIGH_FIRST = "high_first"
    LOW_FIRST = "low_first"


@dataclass(frozen=True, slots=True)
class Orders:
    """How words lie on the wire. ``swap_all`` swaps the bytes of 16-bit values and bit words, too."""

    word_order: WordOrder = WordOrder.ABCD
    text_order: TextOrder = TextOrder.HIGH_FIRST
    swap_all: bool = False


class Wire:
    """One order of words and bytes. The same permutation leads to the wire and back."""

    def __init__(self, orders: Orders) -> None:
        self._places = {block: _places(block, orders) for block in Block}
        self._canonical = orders == Orders()

    def to_wire(self, block: Block, words: Sequence[int]) -> tuple[int, ...]:
        """Turn the whole block's canonical words into the words on the wire."""
        if self._canonical:
            return tuple(words)
        return tuple(
            _swapped(words[source]) if swap else words[source] for source, swap in self._places[block]
        )

    def from_wire(self, block: Block, address: int, word: int) -> tuple[int, int]:
        """Return the canonical address and word of one word on the wire."""
        source, swap = self._places[block][address]
        return source, _swapped(word) if swap else word


def _places(block: Block, orders: Orders) -> tuple[tuple[int, bool], ...]:
    places = [(address, orders.swap_all) for address in range(block.words)]
    low_word_first = orders.word_order in (WordOrder.CDAB, WordOrder.DCBA)
    swapped_bytes = orders.word_order in (WordOrder.BADC, WordOrder.DCBA)
    for signal in of_block(block):
        first = signal.address
        if signal.kind in (Kind.U32, Kind.F32):
            pair = (first + 1, first) if low_word_first else (first, first + 1)
            places[first : first + 2] = [(source, swapped_bytes) for source in pair]
        elif signal.kind in (Kind.TEXT, Kind.RAW):
            low_first = orders.text_order is TextOrder.LOW_FIRST
            places[first : first + signal.words] = [
                (address, low_first) for address in range(first, first + signal.words)
            ]
    return tuple(places)


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8
