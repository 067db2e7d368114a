"""The register map for people: ``docs/reference/registers.md`` and a tag list as CSV, from the one table.

Addresses are shown three ways, because PLC makers disagree: raw (zero-based, as on the wire), the five-digit
form (4xxxx, 3xxxx) and the six-digit form (4xxxxx, 3xxxxx), both counted from 1.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from edge_service.domain.signal import Block, Kind, Signal
from edge_service.domain.signals import SIGNALS, of_block
from edge_service.fieldbus.registers import MIRROR

_TYPE = {Kind.TEXT: "STRING[{}]", Kind.RAW: "BYTE[{}]"}
_SECTIONS = (
    ("Command.", "PLC to station: holding registers 0-35", "PLC 到工位：保持寄存器 0-35"),
    ("Status.", "Station to PLC: status", "工位到 PLC：状态"),
    ("Result.", "Station to PLC: the record of one part", "工位到 PLC：单件记录"),
    ("Statistics.", "Station to PLC: statistics", "工位到 PLC：统计"),
    ("Station.", "Station to PLC: about the station", "工位到 PLC：工位信息"),
)

_HEAD = """\
# Register map

<!-- Made by `okng-edge registers --format md`; do not edit. -->

The PLC writes holding registers 0-35 and the station never alters them. The station's words are input
registers 0-119, mirrored read-only at holding registers 1000-1119. The bits of the first two words of each
block are also coils 0-31 (PLC to station) and discrete inputs 0-31 (station to PLC).

- **Raw** addresses count from 0, as on the wire. **4xxxx** / **3xxxx** and the six-digit forms count from 1.
- 32-bit values (UDINT, REAL) take two registers, high word first (`word_order: ABCD`); `Station.TestU32`
  reads 0x01020304 and `Station.TestText` "AB" when the orders are right.
- Read functions 1, 2, 3, 4; write functions 5, 6, 15, 16, 22; read and write 23; identification 43/14.
- Exceptions: 01 unknown function, or a write while another master owns the station; 02 an address outside
  a block, or a write to what is read-only; 03 a bad count, length or FC5 value. A refused request changes
  nothing.
- Reserved registers and bits read 0 and ignore writes.
- Read 0-15 on slow serial lines, 0-63 in production; a PLC must write at least holding registers 0-4.

PLC 写保持寄存器 0-35，工位从不改动它们。工位数据为输入寄存器 0-119，并只读镜像到保持寄存器 1000-1119；
每个区前两个字的各位也是线圈 0-31（PLC 到工位）和离散输入 0-31（工位到 PLC）。**Raw** 为报文中的零基地址，
4xxxx / 3xxxx 及六位形式从 1 开始。32 位数值占两个寄存器，默认高字在前。保留的寄存器和位读为 0，写入无效。
"""


@dataclass(frozen=True, slots=True)
class Places:
    """Where one signal is found, in every way of counting; empty where it is not."""

    holding: int
    holding_5: str
    holding_6: str
    input: str
    input_5: str
    input_6: str
    bit: str
    coil_or_discrete: str

    @classmethod
    def of(cls, signal: Signal) -> "Places":
        """Work them out."""
        station = signal.block is Block.STATION
        holding = signal.address + (MIRROR if station else 0)
        is_bits = signal.kind in (Kind.BIT, Kind.FIELD)
        number = signal.address * 16 + signal.bit
        one_bit = is_bits and number < 32  # noqa: PLR2004  # only the first two words are coils, too
        last = signal.bit + signal.width - 1
        return cls(
            holding=holding,
            holding_5=str(40001 + holding),
            holding_6=str(400001 + holding),
            input=str(signal.address) if station else "",
            input_5=str(30001 + signal.address) if station else "",
            input_6=str(300001 + signal.address) if station else "",
            bit="" if not is_bits else str(signal.bit) if signal.width == 1 else f"{signal.bit}-{last}",
            coil_or_discrete=str(number) if one_bit else "",
        )


def type_name(signal: Signal) -> str:
    """Return the signal's type in IEC 61131-3's words."""
    return _TYPE.get(signal.kind, signal.kind.value).format(2 * signal.words)


def markdown() -> str:
    """Return ``docs/reference/registers.md``."""
    parts = [_HEAD]
    for prefix, english, chinese in _SECTIONS:
        station = prefix != "Command."
        parts.append(f"\n## {english}\n\n{chinese}\n")
        parts.append("\n".join(_table(prefix, station=station)) + "\n")
    return "\n".join(parts)


def _table(prefix: str, *, station: bool) -> Iterator[str]:
    bits = "Discrete input" if station else "Coil"
    raw = "Raw IR | 3xxxx | 3xxxxx | Raw HR | 4xxxx | 4xxxxx" if station else "Raw HR | 4xxxx | 4xxxxx"
    columns = f"{raw} | Bit | {bits} | Signal | Type | Unit | Meaning | 含义"
    yield f"| {columns} |"
    yield "|" + " --- |" * (columns.count("|") + 1)
    for signal in of_block(Block.STATION if station else Block.COMMAND):
        if signal.name.startswith(prefix):
            yield _row(signal, station=station)


def _row(signal: Signal, *, station: bool) -> str:
    at = Places.of(signal)
    cells = [at.input, at.input_5, at.input_6] if station else []
    cells += [str(at.holding), at.holding_5, at.holding_6, at.bit, at.coil_or_discrete]
    cells += [f"`{signal.name}`", type_name(signal), signal.unit, signal.en, signal.zh]
    return "| " + " | ".join(cells) + " |"


def tag_list() -> str:
    """Return every signal as CSV, one a line, for a PLC programmer's import."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        (
            *("name", "type", "access", "holding_raw", "holding_4xxxx", "holding_4xxxxx"),
            *("input_raw", "input_3xxxx", "input_3xxxxx", "bit", "coil_raw", "discrete_input_raw"),
            *("registers", "unit", "meaning_en", "meaning_zh"),
        )
    )
    for signal in SIGNALS:
        at, station = Places.of(signal), signal.block is Block.STATION
        bits = ("", at.coil_or_discrete) if station else (at.coil_or_discrete, "")
        writer.writerow(
            (
                *(signal.name, type_name(signal), "read" if station else "read/write"),
                *(at.holding, at.holding_5, at.holding_6, at.input, at.input_5, at.input_6, at.bit),
                *(*bits, signal.words, signal.unit, signal.en, signal.zh),
            )
        )
    return out.getvalue()
