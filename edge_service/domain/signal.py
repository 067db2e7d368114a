"""One thing that PLC and station tell each other: its name, place, type and meaning.

Addresses are raw and zero-based, counted in 16-bit words from the start of the signal's block. A name
is ``Group.Signal``; the same names are the OPC UA nodes under ``PLC/``.
"""

from dataclasses import dataclass
from enum import Enum

SignalValue = bool | int | float | str | bytes


class Block(Enum):
    """A run of registers with one writer."""

    COMMAND = "command"  # the PLC writes: holding registers 0-35
    STATION = "station"  # the station writes: input registers 0-119, mirrored at holding registers 1000-1119

    @property
    def words(self) -> int:
        """Length of the block in registers."""
        return 36 if self is Block.COMMAND else 120


class Kind(Enum):
    """How a signal's value lies in its words."""

    BIT = "BOOL"
    FIELD = "BITS"  # an unsigned number in a few bits of one word
    U16 = "UINT"
    U32 = "UDINT"  # high word first, at an even address
    F32 = "REAL"  # IEEE 754 single, high word first, at an even address
    TEXT = "STRING"  # ASCII, two characters a word, the first in the high byte, padded with NUL
    RAW = "BYTES"  # bytes as they are, two a word, the first in the high byte, padded with NUL


@dataclass(frozen=True, slots=True)
class Signal:
    """One row of the table in ``signals.py``."""

    name: str
    block: Block
    address: int  # of the first word, raw, zero-based
    kind: Kind
    en: str
    zh: str
    bit: int = 0  # lowest bit (BIT and FIELD)
    width: int = 1  # bits (BIT and FIELD)
    words: int = 1
    unit: str = ""

    @property
    def identifier(self) -> str:
        """The name without its group, in snake case: ``Command.TriggerSeq`` gives ``trigger_seq``."""
        short = self.name.split(".", 1)[1]
        return "".join(f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(short))

    @property
    def blank(self) -> SignalValue:
        """The value that lies in zeroed words."""
        return _BLANK[self.kind]


_BLANK: dict[Kind, SignalValue] = {
    Kind.BIT: False,
    Kind.FIELD: 0,
    Kind.U16: 0,
    Kind.U32: 0,
    Kind.F32: 0.0,
    Kind.TEXT: "",
    Kind.RAW: b"",
}
