"""What each component looks like from above: a patch a kind, leads and solder included, drawn once and kept.

Solder never sets twice alike: every kind has a few variants, and a board takes one by chance a component.
"""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np

from edge_service.simulation.patch import Material, Patch, Plane, Stamp
from edge_service.simulation.pcb.layout import FOOTPRINTS, Footprint, Pad
from edge_service.simulation.shapes import bevel, capsule, disc, dome, fill, grid, rounded_box, smoothstep
from edge_service.simulation.texture import grain, streaks

VARIANTS = 4

EPOXY = Material((46, 44, 43), gloss=0.10, polish=0.15)
SOLDER = Material((196, 198, 200), gloss=0.85, polish=0.75, metal=0.9)
TIN = Material((176, 180, 184), gloss=0.75, polish=0.45, metal=0.9)
STEEL = Material((190, 194, 198), gloss=0.80, polish=0.55, metal=0.95)
GOLD = Material((90, 180, 230), gloss=0.9, polish=0.7, metal=1.0)
CERAMIC = Material((96, 132, 168), gloss=0.10, polish=0.3)
RESISTOR = Material((34, 30, 30), gloss=0.22, polish=0.6)
ALUMINA = Material((214, 218, 218), gloss=0.12, polish=0.3)
LASER = Material((150, 152, 150), gloss=0.05, polish=0.1)
FERRITE = Material((62, 62, 64), gloss=0.12, polish=0.2)

_EDGE = 8  # pixels around the outline that a patch keeps for solder


def component(kind: str, marking: str, variant: int) -> Stamp:
    """Return the component seen from above, unrotated, its centre in the patch's middle."""
    return _built(kind, marking, variant % VARIANTS)


@cache
def _built(kind: str, marking: str, variant: int) -> Stamp:
    rng = np.random.default_rng([sum(kind.encode()), sum(marking.encode()), variant])
    print_ = FOOTPRINTS[kind]
    half_w = max([print_.width / 2, *(abs(pad.x) + pad.width / 2 for pad in print_.pads)])
    half_h = max([print_.height / 2, *(abs(pad.y) + pad.height / 2 for pad in print_.pads)])
    patch = Patch.empty(2 * int(half_w + _EDGE) + 1, 2 * int(half_h + _EDGE) + 1)
    _BODIES[kind](patch, print_, marking, rng)
    return Stamp.of(patch)


def text(
    patch: Patch, lines: str, material: Material, *, size_px: float, at: tuple[float, float] = (0, 0)
) -> None:
    """Write ``lines`` (separated by "|") centred at ``at``, drawn four times larger for smooth strokes."""
    height, width = patch.coverage.shape
    zoom = 4
    canvas = np.zeros((height * zoom, width * zoom), np.uint8)
    rows = lines.split("|")
    for index, row in enumerate(rows):
        scale = size_px * zoom / 22
        (wide, tall), _ = cv2.getTextSize(row, cv2.FONT_HERSHEY_SIMPLEX, scale, round(size_px * 0.45))
        x = (width / 2 + at[0]) * zoom - wide / 2
        y = (height / 2 + at[1] + (index - (len(rows) - 1) / 2) * size_px * 1.5) * zoom + tall / 2
        cv2.putText(
            canvas, row, (int(x), int(y)), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, round(size_px * 0.45)
        )
    ink = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    patch.paint(ink, material)


def solder(patch: Patch, pad: Pad, rng: np.random.Generator, *, height: float = 4.0) -> None:
    """Lay a set drop of solder over ``pad``: its outline and its crown differ from drop to drop."""
    x, y = _coordinates(patch, pad.x + rng.normal(0, 0.3), pad.y + rng.normal(0, 0.3))
    width, tall = pad.width * rng.uniform(0.92, 1.0), pad.height * rng.uniform(0.93, 1.0)
    shape = rounded_box(x, y, width, tall, radius=min(width, tall) * 0.42)
    outline = shape + rng.uniform(0.2, 0.6) * np.sin(x * 0.5 + y * 0.3 + rng.uniform(0, 6))
    crown = dome(outline, height * rng.uniform(0.9, 1.1), min(width, tall) * 0.5)
    patch.paint(fill(outline), SOLDER, crown)


def _coordinates(patch: Patch, x: float = 0, y: float = 0) -> tuple[Plane, Plane]:
    height, width = patch.coverage.shape
    across, down = grid(width, height)
    return across - np.float32(x), down - np.float32(y)


def _speckle(patch: Patch, rng: np.random.Generator, share: float) -> None:
    height, width = patch.coverage.shape
    patch.tint(1 + np.float32(share) * grain(rng, width, height, 2, 5, 14))


def _block(
    patch: Patch,
    width: float,
    height: float,
    material: Material,
    *,
    tall: float,
    radius: float = 3,
    edge: float = 4,
) -> Plane:
    """Paint a box with bevelled edges in the middle of the patch; return its distance."""
    x, y = _coordinates(patch)
    shape = rounded_box(x, y, width, height, radius=radius)
    patch.paint(fill(shape), material, np.float32(tall * 0.55) + bevel(shape, tall * 0.45, edge))
    return shape


def _leads(patch: Patch, print_: Footprint, rng: np.random.Generator, *, lead_px: float) -> None:
    """Solder every pad and bend a lead from the body down onto it."""
    x, y = _coordinates(patch)
    for pad in print_.pads:
        solder(patch, pad, rng, height=3.0)
        upright = pad.height > pad.width
        inward = (pad.x, pad.y * 0.62) if upright else (pad.x * 0.62, pad.y)
        tip = (pad.x, pad.y * 1.05) if upright else (pad.x * 1.05, pad.y)
        lead = capsule(x, y, inward, tip, lead_px / 2)
        slope = np.hypot(x - tip[0], y - tip[1]) / max(np.hypot(inward[0] - tip[0], inward[1] - tip[1]), 1)
        patch.paint(fill(lead), TIN, 4.0 + 6.0 * smoothstep(0.25, 0.75, slope) + bevel(lead, 1.5, 2))


def _packaged(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw an IC in black epoxy: gull-wing leads, bevelled body, pin-1 dimple, laser marking."""
    square = print_.width == print_.height
    _leads(patch, print_, rng, lead_px=min(min(pad.width, pad.height) for pad in print_.pads) * 0.85)
    width, height = (print_.width - 34, print_.height - 34) if square else (print_.width, print_.height - 34)
    _block(patch, width, height, EPOXY, tall=15, edge=5)
    x, y = _coordinates(patch)
    corner = (-width / 2 + 12, height / 2 - 12)
    dimple = disc(x - corner[0], y - corner[1], 5.0)
    patch.relief[..., 0] -= bevel(dimple, 3, 2)
    patch.tint(1 - 0.25 * fill(dimple))
    text(patch, marking, LASER, size_px=17 if square else 10.5, at=(2, -1))
    _speckle(patch, rng, 0.05)


def _chip(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator, kind: str) -> None:
    """Draw a two-ended ceramic chip: resistor with its code, or capacitor."""
    for pad in print_.pads:
        solder(patch, pad, rng, height=5.0)
    _block(patch, print_.width, print_.height, TIN, tall=8, edge=2.5, radius=2)
    x, y = _coordinates(patch)
    body = rounded_box(x, y, print_.width - 17, print_.height, radius=1.5)
    if kind == "chip_resistor":
        patch.paint(fill(body), ALUMINA, 8.0)
        patch.paint(fill(rounded_box(x, y, print_.width - 17, print_.height - 4)), RESISTOR, 8.6)
        text(patch, marking, Material((205, 208, 206)), size_px=9)
    else:
        shade = rng.uniform(0.92, 1.06)
        tone = Material((96 * shade, 132 * shade, 168 * shade), gloss=0.16, polish=0.35)
        patch.paint(fill(body), tone, 8.5 + bevel(body, 1.5, 3))
    _speckle(patch, rng, 0.05)


def _led(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    for pad in print_.pads:
        solder(patch, pad, rng, height=4.0)
    _block(patch, print_.width, print_.height, ALUMINA, tall=6, edge=2)
    x, y = _coordinates(patch)
    lens = rounded_box(x, y, print_.width - 16, print_.height - 3, radius=3)
    patch.paint(fill(lens), Material((120, 214, 226), gloss=0.5, polish=0.8), 6 + dome(lens, 5, 9))


def _sot23(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    _leads(patch, print_, rng, lead_px=7)
    _block(patch, 36, 18, EPOXY, tall=9, edge=3)
    text(patch, marking, LASER, size_px=7)


def _dpak(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    x, y = _coordinates(patch)
    for pad in print_.pads:
        solder(patch, pad, rng, height=3.0)
    tab = rounded_box(x, y + 45, 64, 26, radius=3)
    patch.paint(fill(tab), TIN, 6 + bevel(tab, 2, 2))
    for side in (-27, 27):
        lead = capsule(x, y, (side, 22), (side, 54), 6)
        patch.paint(fill(lead), TIN, 5 + bevel(lead, 3, 3))
    body = rounded_box(x, y + 4, 78, 72, radius=3)
    patch.paint(fill(body), EPOXY, 11 + bevel(body, 10, 6))
    text(patch, marking, LASER, size_px=13, at=(0, -4))
    _speckle(patch, rng, 0.05)


def _electrolytic(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw an SMD aluminium can: black base with two cut corners, brushed top with its dark polarity mark."""
    height, width = patch.coverage.shape
    for pad in print_.pads:
        solder(patch, pad, rng, height=3.0)
    x, y = _coordinates(patch)
    base = np.maximum(
        rounded_box(x, y, 98, 98, radius=4), np.maximum(-x + y, -x - y) / np.float32(1.41421) - 56
    )
    patch.paint(fill(base), Material((38, 36, 36), gloss=0.15, polish=0.3), 5 + bevel(base, 3, 3))
    can = disc(x, y, 45)
    patch.paint(fill(can), STEEL, 12 + dome(can, 17, 6))
    top = disc(x, y, 40)
    patch.paint(
        fill(top), Material((186, 188, 190), gloss=0.55, polish=0.25, metal=0.75), 28 - bevel(top, 1.6, 2.5)
    )
    mark = np.maximum(disc(x, y, 38.5), x + 17)
    patch.paint(fill(mark), Material((40, 34, 34), gloss=0.12, polish=0.3))
    text(patch, marking, Material((40, 34, 34)), size_px=13, at=(8, 0))
    patch.tint(1 + 0.05 * streaks(rng, width, height, length_px=31) * fill(can))


def _tantalum(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    for pad in print_.pads:
        solder(patch, pad, rng, height=5.0)
    _block(patch, print_.width, print_.height * 0.62, TIN, tall=7, edge=2)
    _block(
        patch,
        print_.width - 10,
        print_.height,
        Material((38, 150, 214), gloss=0.18, polish=0.4),
        tall=17,
        edge=5,
    )
    x, y = _coordinates(patch)
    stripe = rounded_box(x + print_.width / 2 - 16, y, 9, print_.height - 8)
    patch.paint(fill(stripe), Material((40, 62, 92), gloss=0.18, polish=0.4))
    text(patch, marking, Material((40, 62, 92)), size_px=12, at=(6, 0))
    _speckle(patch, rng, 0.04)


def _diode(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    for pad in print_.pads:
        solder(patch, pad, rng, height=5.0)
    _block(patch, print_.width, print_.height * 0.55, TIN, tall=7, edge=2)
    _block(patch, print_.width - 12, print_.height, EPOXY, tall=14, edge=5)
    x, y = _coordinates(patch)
    band = rounded_box(x + print_.width / 2 - 16, y, 8, print_.height - 9)
    patch.paint(fill(band), Material((186, 188, 186), gloss=0.1))
    text(patch, marking, LASER, size_px=10, at=(6, 0))
    _speckle(patch, rng, 0.05)


def _inductor(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a shielded power inductor: square ferrite, round core in a copper winding."""
    for pad in print_.pads:
        solder(patch, pad, rng, height=4.0)
    _block(patch, 108, 108, FERRITE, tall=22, edge=4, radius=16)
    x, y = _coordinates(patch)
    well = disc(x, y, 47)
    patch.relief[..., 0] -= bevel(well, 7, 3)
    turns = 0.5 + 0.5 * np.cos(np.hypot(x, y) * np.float32(2 * np.pi / 3.6))
    wound = np.maximum(well, -disc(x, y, 34))
    patch.paint(fill(wound), Material((52, 104, 176), gloss=0.55, polish=0.5, metal=0.8))
    patch.relief[..., 0] += turns * 1.3 * fill(wound)
    core = disc(x, y, 35)
    patch.paint(fill(core), FERRITE, 19 + bevel(core, 3, 3))
    text(patch, marking, Material((200, 204, 204)), size_px=17)
    _speckle(patch, rng, 0.06)


def _crystal(patch: Patch, _print: Footprint, marking: str, rng: np.random.Generator) -> None:
    height, width = patch.coverage.shape
    x, y = _coordinates(patch)
    flange = rounded_box(x, y, 132, 54, radius=27)
    patch.paint(fill(flange), STEEL, 5 + bevel(flange, 2, 2))
    can = rounded_box(x, y, 122, 44, radius=22)
    patch.paint(fill(can), STEEL, 8 + dome(can, 15, 7))
    patch.tint(1 + 0.05 * streaks(rng, width, height, length_px=41) * fill(can))
    text(patch, marking, Material((92, 96, 98), gloss=0.4, polish=0.4, metal=0.6), size_px=14)


def _header(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a pin header: black ribbed strip, square gold pins standing up."""
    x, y = _coordinates(patch)
    pitch = 30.0
    _block(
        patch, print_.width, print_.height, Material((36, 34, 34), gloss=0.14, polish=0.3), tall=12, edge=3
    )
    notch = np.abs((x / pitch) - np.round(x / pitch)) * pitch
    groove = np.clip(1.8 - np.abs(notch - pitch / 2), 0, 1) * fill(rounded_box(x, y, 214, 62))
    patch.relief[..., 0] -= 4 * groove
    patch.relief[..., 0] -= 4 * np.clip(1.8 - np.abs(y), 0, 1) * fill(rounded_box(x, y, 214, 62))
    for pad in print_.pads:
        lean = rng.normal(0, 0.5, 2)
        pin = rounded_box(x - pad.x - lean[0], y - pad.y - lean[1], 9.5, 9.5, radius=1)
        patch.paint(fill(pin), GOLD, 19 + dome(pin, 7, 4))


def _terminal(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a screw terminal block: green housing, slotted screws each turned as it was left."""
    x, y = _coordinates(patch)
    housing = Material((92, 138, 38), gloss=0.12, polish=0.4)
    _block(patch, print_.width, print_.height, housing, tall=22, edge=4, radius=2)
    ledge = rounded_box(x, y - 34, print_.width - 6, 18)
    patch.relief[..., 0] -= bevel(ledge, 6, 3)
    for pad in print_.pads:
        well = disc(x - pad.x, y - pad.y + 6, 22)
        patch.paint(fill(well), Material((52, 80, 22), gloss=0.05), 20 - bevel(well, 12, 3))
        screw = disc(x - pad.x, y - pad.y + 6, 18.5)
        turn = rng.uniform(0, np.pi)
        across = (x - pad.x) * np.float32(np.sin(turn)) - (y - pad.y + 6) * np.float32(np.cos(turn))
        slot = np.maximum(np.abs(across) - 2.2, disc(x - pad.x, y - pad.y + 6, 17))
        patch.paint(fill(screw), STEEL, 11 + dome(screw, 4, 9))
        patch.relief[..., 0] -= bevel(slot, 4, 1.5)
        patch.tint(1 - 0.6 * fill(slot))
        wire_hole = rounded_box(x - pad.x, y - 42, 34, 9, radius=2)
        patch.paint(fill(wire_hole), Material((26, 34, 14), gloss=0.02), 8.0)
    for side in (-30, 30):
        patch.relief[..., 0] -= 5 * np.clip(1.6 - np.abs(x - side), 0, 1) * fill(rounded_box(x, y, 182, 92))
    _speckle(patch, rng, 0.03)


def _wire_socket(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a wire-to-board header: white nylon shroud with walls, tin pins inside."""
    x, y = _coordinates(patch)
    nylon = Material((204, 220, 224), gloss=0.10, polish=0.3)
    _block(patch, print_.width, print_.height, nylon, tall=24, edge=4, radius=3)
    inner = rounded_box(x, y + 2, print_.width - 18, print_.height - 24, radius=2)
    patch.paint(fill(inner), Material((176, 194, 200), gloss=0.06), 24 - bevel(inner, 16, 3))
    for side in (-48, 48):
        slot = rounded_box(x - side, y - print_.height / 2 + 4, 26, 22)
        patch.paint(fill(slot), Material((160, 180, 188), gloss=0.05), 10.0)
    for pad in print_.pads:
        lean = rng.normal(0, 0.6, 2)
        pin = rounded_box(x - pad.x - lean[0], y - pad.y - lean[1] + 2, 8.5, 8.5, radius=1)
        patch.paint(fill(pin), TIN, 16 + dome(pin, 6, 4))
    _speckle(patch, rng, 0.02)


def _usb(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a USB socket: folded steel shell with its spring windows."""
    height, width = patch.coverage.shape
    for pad in print_.pads:
        solder(patch, pad, rng, height=4.0)
    x, y = _coordinates(patch)
    shell = rounded_box(x - 4, y, 90, 92, radius=6)
    patch.paint(fill(shell), STEEL, 6 + dome(shell, 17, 8))
    for side in (-22, 22):
        window = rounded_box(x - 14, y - side, 32, 14, radius=2)
        patch.paint(fill(window), Material((50, 52, 54), gloss=0.1), 18.0)
        tongue = rounded_box(x - 12, y - side, 26, 9, radius=2)
        patch.paint(fill(tongue), STEEL, 19 + bevel(tongue, 2, 3))
    seam = np.clip(1.3 - np.abs(y), 0, 1) * fill(rounded_box(x - 20, y, 50, 80))
    patch.relief[..., 0] -= 2.0 * seam
    patch.tint(1 + 0.04 * streaks(rng, width, height, length_px=25) * fill(shell))


def _button(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    _leads(patch, print_, rng, lead_px=9)
    _block(patch, 74, 74, Material((44, 42, 42), gloss=0.12, polish=0.3), tall=12, edge=3)
    _block(patch, 70, 70, STEEL, tall=18, edge=2, radius=3)
    x, y = _coordinates(patch)
    for corner_x in (-28, 28):
        for corner_y in (-28, 28):
            rivet = disc(x - corner_x, y - corner_y, 5)
            patch.paint(fill(rivet), Material((44, 42, 42), gloss=0.3, polish=0.6), 17 + dome(rivet, 4, 5))
    cap = disc(x, y, 21)
    patch.paint(fill(cap), Material((42, 40, 40), gloss=0.2, polish=0.5), 18 + bevel(cap, 14, 5))


def _film(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a boxed film capacitor, blue; the eval board has none, so it is always the wrong component."""
    _block(
        patch, print_.width, print_.height, Material((150, 84, 34), gloss=0.16, polish=0.4), tall=22, edge=5
    )
    text(patch, marking, Material((206, 210, 210)), size_px=10)
    _speckle(patch, rng, 0.03)


def _trimmer(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a trimming potentiometer, which the board has none of either: white rotor, brass cross."""
    _block(
        patch, print_.width, print_.height, Material((176, 92, 30), gloss=0.16, polish=0.4), tall=20, edge=4
    )
    x, y = _coordinates(patch)
    well = disc(x, y, 36)
    patch.paint(fill(well), Material((206, 214, 216), gloss=0.12, polish=0.4), 17 + bevel(well, 3, 3))
    turn = rng.uniform(0, np.pi / 2)
    along = x * np.cos(turn) + y * np.sin(turn)
    across = y * np.cos(turn) - x * np.sin(turn)
    brass = disc(x, y, 25)
    patch.paint(fill(brass), GOLD, 20 + dome(brass, 4, 12))
    bars = (np.maximum(np.abs(a) - 22, np.abs(b) - 3.2) for a, b in ((along, across), (across, along)))
    slot = np.minimum(*bars)
    patch.paint(fill(slot), Material((30, 44, 56), gloss=0.05), 14.0)
    _speckle(patch, rng, 0.03)


_Draw = Callable[[Patch, Footprint, str, np.random.Generator], None]

_BODIES: dict[str, _Draw] = {
    "chip_resistor": lambda patch, print_, marking, rng: _chip(patch, print_, marking, rng, "chip_resistor"),
    "chip_capacitor": lambda patch, print_, marking, rng: _chip(
        patch, print_, marking, rng, "chip_capacitor"
    ),
    "led": _led,
    "sot23": _sot23,
    "soic8": _packaged,
    "soic16": _packaged,
    "qfp": _packaged,
    "dpak": _dpak,
    "electrolytic": _electrolytic,
    "tantalum": _tantalum,
    "diode": _diode,
    "inductor": _inductor,
    "crystal": _crystal,
    "header": _header,
    "terminal": _terminal,
    "wire_socket": _wire_socket,
    "usb": _usb,
    "button": _button,
    "film": _film,
    "trimmer": _trimmer,
}
