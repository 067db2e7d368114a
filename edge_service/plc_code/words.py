"""The table of signals as Structured Text: types, and how each signal is read out of its words.

Words are picked apart by masks and arithmetic alone, which every compiler does the same way. Two kinds of
signal are left out of the structures: text and serials (vendors' strings differ: they stay words) and REAL
(whether ``DWORD_TO_REAL`` keeps the bits or the number is the vendor's choice; the scores are there as
x 10000, too).
"""

from collections.abc import Iterator

from edge_service.domain.signal import Block, Kind, Signal
from edge_service.domain.signals import BY_NAME, of_block
from edge_service.plc_code.declaration import Variable, structure

FROM_STATION = "FromStation"
TO_STATION = "ToStation"

_TYPES = {Kind.BIT: "BOOL", Kind.FIELD: "UINT", Kind.U16: "UINT", Kind.U32: "UDINT"}
_GROUPS = ("Status", "Result", "Statistics", "Station")

FUNCTIONS = """\
FUNCTION OKNG_BIT : BOOL
VAR_INPUT
  Bits : WORD;
  Mask : WORD;
END_VAR
  OKNG_BIT := (Bits AND Mask) <> WORD#16#0000;
END_FUNCTION

FUNCTION OKNG_U32 : UDINT
VAR_INPUT
  HighWord : WORD;
  LowWord : WORD;
END_VAR
  OKNG_U32 := UINT_TO_UDINT(WORD_TO_UINT(HighWord)) * UDINT#65536 + UINT_TO_UDINT(WORD_TO_UINT(LowWord));
END_FUNCTION

FUNCTION OKNG_NEXT : UINT
VAR_INPUT
  Number : UINT;
END_VAR
  IF Number >= UINT#65535 THEN
    OKNG_NEXT := UINT#1;
  ELSE
    OKNG_NEXT := Number + UINT#1;
  END_IF;
END_FUNCTION
"""


def short(signal: Signal) -> str:
    """Return the signal's name without its group."""
    return signal.name.split(".", 1)[1]


def mask(name: str) -> str:
    """Return the literal of that bit's mask: ``Command.Trigger`` gives ``WORD#16#0002``."""
    return f"WORD#16#{1 << BY_NAME[name].bit:04X}"


def address(name: str) -> int:
    """Return the signal's word in its block."""
    return BY_NAME[name].address


def u16(name: str) -> str:
    """Return the expression that reads a 16-bit number of the station."""
    return f"WORD_TO_UINT({FROM_STATION}[{address(name)}])"


def type_name(group: str) -> str:
    """Return the name of a group's structure: ``Status`` gives ``OKNG_STATUS``."""
    return f"OKNG_{group.upper()}"


def types() -> Iterator[str]:
    """Yield every type that the blocks use, each in a declaration of its own, as some editors want it."""
    arrays = {
        "OKNG_INPUT_WORDS": Block.STATION.words,
        "OKNG_OUTPUT_WORDS": Block.COMMAND.words,
        "OKNG_SERIAL": BY_NAME["Command.PartSerial"].words,
    }
    for name, words in arrays.items():
        yield from ("TYPE", f"  {name} : ARRAY [0..{words - 1}] OF WORD;", "END_TYPE", "")
    for group in _GROUPS:
        yield "TYPE"
        yield from structure(type_name(group), (_element(signal) for signal in _decoded(group)))
        yield from ("END_TYPE", "")


def decode(group: str, into: str) -> Iterator[str]:
    """Yield the assignments that fill ``into``, a structure of the group, from ``FromStation``."""
    for signal in _decoded(group):
        yield f"{into}.{short(signal)} := {_value(signal)};"


def _decoded(group: str) -> Iterator[Signal]:
    return (
        signal
        for signal in of_block(Block.STATION)
        if signal.name.startswith(f"{group}.") and signal.kind in _TYPES
    )


def _element(signal: Signal) -> Variable:
    return Variable(short(signal), _TYPES[signal.kind], signal.en, signal.zh)


def _value(signal: Signal) -> str:
    word = f"{FROM_STATION}[{signal.address}]"
    match signal.kind:
        case Kind.BIT:
            return f"OKNG_BIT(Bits := {word}, Mask := {mask(signal.name)})"
        case Kind.FIELD:
            return f"(WORD_TO_UINT({word}) / UINT#{1 << signal.bit}) MOD UINT#{1 << signal.width}"
        case Kind.U32:
            return f"OKNG_U32(HighWord := {word}, LowWord := {FROM_STATION}[{signal.address + 1}])"
    return f"WORD_TO_UINT({word})"
