"""Where everything sits on the board: component kinds with their pads, and the placement list.

Units are scene pixels (12 px a millimetre); positions are the component's centre on a board of 900 x 680.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

BOARD_WIDTH, BOARD_HEIGHT = 900, 672


@dataclass(frozen=True, slots=True)
class Pad:
    """A solder pad, relative to its component's centre."""

    x: float
    y: float
    width: float
    height: float
    drilled: bool = False


@dataclass(frozen=True, slots=True)
class Footprint:
    """A component kind's outline (body with leads) and pads."""

    width: float
    height: float
    pads: tuple[Pad, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """A component on the board."""

    reference: str
    kind: str
    x: float
    y: float
    angle_deg: int = 0
    marking: str = ""


def _two_ended(width: float, height: float, pad_width: float) -> Footprint:
    reach = width / 2 - pad_width / 2 + 5
    pads = tuple(Pad(side * reach, 0, pad_width + 4, height * 0.92) for side in (-1, 1))
    return Footprint(width, height, pads)


def _dual_row(pins_a_side: int, pitch: float, body_height: float) -> Footprint:
    width = pins_a_side * pitch + 6
    first = -(pins_a_side - 1) / 2 * pitch
    reach = body_height / 2 + 10
    pads = tuple(
        Pad(first + pin * pitch, row * reach, pitch * 0.58, 20)
        for row in (-1, 1)
        for pin in range(pins_a_side)
    )
    return Footprint(width, body_height + 34, pads)


def _quad(pins_a_side: int, pitch: float, body: float) -> Footprint:
    first = -(pins_a_side - 1) / 2 * pitch
    reach = body / 2 + 9
    along = [first + pin * pitch for pin in range(pins_a_side)]
    flat = [Pad(at, row * reach, pitch * 0.58, 18) for row in (-1, 1) for at in along]
    upright = [Pad(row * reach, at, 18, pitch * 0.58) for row in (-1, 1) for at in along]
    return Footprint(body + 34, body + 34, tuple(flat + upright))


def _pins(columns: int, rows: int, *, pitch: float, width: float, height: float, hole: float) -> Footprint:
    pads = tuple(
        Pad((column - (columns - 1) / 2) * pitch, (row - (rows - 1) / 2) * pitch, hole, hole, drilled=True)
        for row in range(rows)
        for column in range(columns)
    )
    return Footprint(width, height, pads)


FOOTPRINTS: dict[str, Footprint] = {
    "chip_resistor": _two_ended(40, 21, 9),
    "chip_capacitor": _two_ended(38, 22, 9),
    "led": _two_ended(38, 22, 10),
    "sot23": Footprint(36, 34, (Pad(-11, 15, 11, 14), Pad(11, 15, 11, 14), Pad(0, -15, 11, 14))),
    "soic8": _dual_row(4, 15.2, 48),
    "soic16": _dual_row(8, 15.2, 50),
    "qfp": _quad(14, 9.6, 146),
    "dpak": Footprint(80, 116, (Pad(-27, 49, 17, 30), Pad(27, 49, 17, 30), Pad(0, -24, 74, 70))),
    "electrolytic": Footprint(100, 100, (Pad(-36, 0, 42, 20), Pad(36, 0, 42, 20))),
    "tantalum": _two_ended(90, 54, 14),
    "diode": _two_ended(74, 46, 13),
    "inductor": Footprint(112, 112, (Pad(-47, 0, 26, 64), Pad(47, 0, 26, 64))),
    "crystal": Footprint(134, 56, (Pad(-29, 0, 24, 24, drilled=True), Pad(29, 0, 24, 24, drilled=True))),
    "film": Footprint(92, 58, ()),
    "trimmer": Footprint(96, 96, ()),
    "header": _pins(7, 2, pitch=30, width=216, height=64, hole=24),
    "terminal": _pins(3, 1, pitch=60, width=186, height=96, hole=34),
    "wire_socket": _pins(5, 1, pitch=30, width=172, height=74, hole=22),
    "usb": Footprint(
        96,
        104,
        (
            Pad(-40, -44, 20, 18),
            Pad(-40, 44, 20, 18),
            Pad(-46, -16, 16, 7),
            Pad(-46, -5, 16, 7),
            Pad(-46, 6, 16, 7),
            Pad(-46, 17, 16, 7),
        ),
    ),
    "button": Footprint(
        92, 76, (Pad(-42, -26, 18, 16), Pad(42, -26, 18, 16), Pad(-42, 26, 18, 16), Pad(42, 26, 18, 16))
    ),
}

_MAJOR: tuple[Placement, ...] = (
    Placement("U1", "qfp", 468, 342, 0, "OK32F7|64-NG 2614|ZH 0417"),
    Placement("U2", "soic16", 238, 418, 0, "74HC4051|D 2611"),
    Placement("U3", "soic8", 668, 196, 90, "LM358|2609"),
    Placement("U4", "soic8", 742, 424, 0, "MAX485|2613"),
    Placement("U5", "dpak", 96, 230, 90, "78M05|2607"),
    Placement("L1", "inductor", 262, 180, 0, "220"),
    Placement("C1", "electrolytic", 116, 96, 0, "220|16V"),
    Placement("C2", "electrolytic", 404, 124, 90, "100|25V"),
    Placement("C3", "electrolytic", 586, 556, 180, "100|25V"),
    Placement("C4", "tantalum", 250, 86, 0, "476|16V"),
    Placement("C5", "tantalum", 668, 330, 90, "107|10V"),
    Placement("D1", "diode", 98, 350, 90, "SS34"),
    Placement("D2", "diode", 744, 530, 0, "SMBJ"),
    Placement("Y1", "crystal", 468, 510, 0, "16.000"),
    Placement("J1", "terminal", 140, 600, 0, ""),
    Placement("J2", "header", 388, 618, 0, ""),
    Placement("J3", "usb", 838, 320, 180, ""),
    Placement("J4", "wire_socket", 604, 58, 0, ""),
    Placement("S1", "button", 780, 94, 0, ""),
    Placement("C6", "tantalum", 196, 512, 0, "226|25V"),
    Placement("L2", "inductor", 810, 196, 90, "100"),
)


@dataclass(frozen=True, slots=True)
class Label:
    """Words on the board's silkscreen, centred at (x, y), letters ``size`` pixels tall."""

    words: str
    x: float
    y: float
    size: float


LABELS = (
    Label("OKNG EVAL", 778, 578, 19),
    Label("REV 2.1   2026-14", 778, 602, 11),
    Label("GOOD PARTS ONLY", 296, 560, 11),
)


def size_of(placement: Placement) -> tuple[float, float]:
    """Return the width and height that a placed component takes up on the board, pads included."""
    print_ = FOOTPRINTS[placement.kind]
    half_w = max([print_.width / 2, *(abs(pad.x) + pad.width / 2 for pad in print_.pads)])
    half_h = max([print_.height / 2, *(abs(pad.y) + pad.height / 2 for pad in print_.pads)])
    return (2 * half_h, 2 * half_w) if placement.angle_deg % 180 else (2 * half_w, 2 * half_h)


@cache
def placements() -> tuple[Placement, ...]:
    """Return every component of the board: the large ones as laid out, small ones where there is room."""
    taken = np.zeros((BOARD_HEIGHT, BOARD_WIDTH), np.bool_)
    for corner_y in (0, BOARD_HEIGHT - 66):
        for corner_x in (0, BOARD_WIDTH - 66):
            taken[corner_y : corner_y + 66, corner_x : corner_x + 66] = True
    for major in _MAJOR:
        _take(taken, major, 12)
    for label in LABELS:
        half = round(len(label.words) * label.size * 0.4)
        taken[
            int(label.y - label.size) : int(label.y + label.size), int(label.x) - half : int(label.x) + half
        ] = True
    return (*_MAJOR, *_small_parts(taken))


def _small_parts(taken: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> list[Placement]:
    """Return rows of small components in the free places of the board, always the same."""
    rng = np.random.default_rng(7)
    kinds = ["chip_resistor"] * 5 + ["chip_capacitor"] * 5 + ["sot23"] * 2 + ["led"]
    prefixes = {"chip_resistor": "R", "chip_capacitor": "C", "sot23": "Q", "led": "D"}
    codes = {"chip_resistor": ("103", "472", "1002", "331", "0"), "sot23": ("1AM", "W1P")}
    found: list[Placement] = []
    for _ in range(4000):
        kind, upright = str(rng.choice(kinds)), int(rng.integers(0, 2)) * 90
        x, y = (float(round(value / 6) * 6) for value in (rng.uniform(36, 864), rng.uniform(30, 642)))
        count, step = int(rng.integers(1, 4)), 40.0
        row = [
            Placement(
                f"{prefixes[kind]}{len(found) + at + 10}",
                kind,
                x + (at * step if upright else 0),
                y + (0 if upright else at * step),
                upright,
                str(rng.choice(codes[kind])) if kind in codes else "",
            )
            for at in range(count)
        ]
        if all(_is_free(taken, part, 7) for part in row):
            for part in row:
                _take(taken, part, 7)
            found += row
        if len(found) >= 56:
            break
    return found


def _window(part: Placement, gap: int) -> tuple[slice, slice]:
    width, height = size_of(part)
    return (
        slice(max(0, int(part.y - height / 2) - gap), int(part.y + height / 2) + gap),
        slice(max(0, int(part.x - width / 2) - gap), int(part.x + width / 2) + gap),
    )


def _is_free(taken: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], part: Placement, gap: int) -> bool:
    window = _window(part, gap)
    inside = window[0].stop <= BOARD_HEIGHT - 8 and window[1].stop <= BOARD_WIDTH - 8
    return inside and not taken[window].any()


def _take(taken: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], part: Placement, gap: int) -> None:
    taken[_window(part, gap)] = True
