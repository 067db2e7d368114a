"""Bodies soldered flat onto the board: chips, packages, coils, cans. One a function."""

import numpy as np

from edge_service.simulation.patch import Material, Patch
from edge_service.simulation.pcb.layout import Footprint
from edge_service.simulation.pcb.strokes import (
    ALUMINA,
    EPOXY,
    FERRITE,
    GOLD,
    LASER,
    RESISTOR,
    STEEL,
    TIN,
    block,
    coordinates,
    leads,
    solder,
    speckle,
    text,
)
from edge_service.simulation.shapes import bevel, capsule, disc, dome, fill, rounded_box
from edge_service.simulation.texture import streaks


def packaged(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw an IC in black epoxy: gull-wing leads, bevelled body, pin-1 dimple, laser marking."""
    square = print_.width == print_.height
    leads(patch, print_, rng, lead_px=min(min(pad.width, pad.height) for pad in print_.pads) * 0.85)
    width, height = (print_.width - 34, print_.height - 34) if square else (print_.width, print_.height - 34)
    block(patch, width, height, EPOXY, tall=15, edge=5)
    x, y = coordinates(patch)
    corner = (-width / 2 + 12, height / 2 - 12)
    dimple = disc(x - corner[0], y - corner[1], 5.0)
    patch.relief[..., 0] -= bevel(dimple, 3, 2)
    patch.tint(1 - 0.25 * fill(dimple))
    text(patch, marking, LASER, size_px=17 if square else 10.5, at=(2, -1))
    speckle(patch, rng, 0.05)


def chip(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator, kind: str) -> None:
    """Draw a two-ended ceramic chip: resistor with its code, or capacitor."""
    for pad in print_.pads:
        solder(patch, pad, rng, height=5.0)
    block(patch, print_.width, print_.height, TIN, tall=8, edge=2.5, radius=2)
    x, y = coordinates(patch)
    body = rounded_box(x, y, print_.width - 17, print_.height, radius=1.5)
    if kind == "chip_resistor":
        patch.paint(fill(body), ALUMINA, 8.0)
        patch.paint(fill(rounded_box(x, y, print_.width - 17, print_.height - 4)), RESISTOR, 8.6)
        text(patch, marking, Material((205, 208, 206)), size_px=9)
    else:
        shade = rng.uniform(0.92, 1.06)
        tone = Material((96 * shade, 132 * shade, 168 * shade), gloss=0.16, polish=0.35)
        patch.paint(fill(body), tone, 8.5 + bevel(body, 1.5, 3))
    speckle(patch, rng, 0.05)


def led(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a light-emitting diode: white body, clear lens."""
    for pad in print_.pads:
        solder(patch, pad, rng, height=4.0)
    block(patch, print_.width, print_.height, ALUMINA, tall=6, edge=2)
    x, y = coordinates(patch)
    lens = rounded_box(x, y, print_.width - 16, print_.height - 3, radius=3)
    patch.paint(fill(lens), Material((120, 214, 226), gloss=0.5, polish=0.8), 6 + dome(lens, 5, 9))


def sot23(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a small transistor on three leads."""
    leads(patch, print_, rng, lead_px=7)
    block(patch, 36, 18, EPOXY, tall=9, edge=3)
    text(patch, marking, LASER, size_px=7)


def dpak(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a power transistor: tin tab, two leads, bevelled body."""
    x, y = coordinates(patch)
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
    speckle(patch, rng, 0.05)


def electrolytic(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw an SMD aluminium can: black base with two cut corners, brushed top with its dark polarity mark."""
    height, width = patch.coverage.shape
    for pad in print_.pads:
        solder(patch, pad, rng, height=3.0)
    x, y = coordinates(patch)
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


def tantalum(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a moulded tantalum capacitor with the stripe of its positive end."""
    for pad in print_.pads:
        solder(patch, pad, rng, height=5.0)
    block(patch, print_.width, print_.height * 0.62, TIN, tall=7, edge=2)
    block(
        patch,
        print_.width - 10,
        print_.height,
        Material((38, 150, 214), gloss=0.18, polish=0.4),
        tall=17,
        edge=5,
    )
    x, y = coordinates(patch)
    stripe = rounded_box(x + print_.width / 2 - 16, y, 9, print_.height - 8)
    patch.paint(fill(stripe), Material((40, 62, 92), gloss=0.18, polish=0.4))
    text(patch, marking, Material((40, 62, 92)), size_px=12, at=(6, 0))
    speckle(patch, rng, 0.04)


def diode(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a moulded diode with the band of its cathode."""
    for pad in print_.pads:
        solder(patch, pad, rng, height=5.0)
    block(patch, print_.width, print_.height * 0.55, TIN, tall=7, edge=2)
    block(patch, print_.width - 12, print_.height, EPOXY, tall=14, edge=5)
    x, y = coordinates(patch)
    band = rounded_box(x + print_.width / 2 - 16, y, 8, print_.height - 9)
    patch.paint(fill(band), Material((186, 188, 186), gloss=0.1))
    text(patch, marking, LASER, size_px=10, at=(6, 0))
    speckle(patch, rng, 0.05)


def inductor(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a shielded power inductor: square ferrite, round core in a copper winding."""
    for pad in print_.pads:
        solder(patch, pad, rng, height=4.0)
    block(patch, 108, 108, FERRITE, tall=22, edge=4, radius=16)
    x, y = coordinates(patch)
    well = disc(x, y, 47)
    patch.relief[..., 0] -= bevel(well, 7, 3)
    turns = 0.5 + 0.5 * np.cos(np.hypot(x, y) * np.float32(2 * np.pi / 3.6))
    wound = np.maximum(well, -disc(x, y, 34))
    patch.paint(fill(wound), Material((52, 104, 176), gloss=0.55, polish=0.5, metal=0.8))
    patch.relief[..., 0] += turns * 1.3 * fill(wound)
    core = disc(x, y, 35)
    patch.paint(fill(core), FERRITE, 19 + bevel(core, 3, 3))
    text(patch, marking, Material((200, 204, 204)), size_px=17)
    speckle(patch, rng, 0.06)


def crystal(patch: Patch, _print: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a crystal: oval can of brushed steel on its flange."""
    height, width = patch.coverage.shape
    x, y = coordinates(patch)
    flange = rounded_box(x, y, 132, 54, radius=27)
    patch.paint(fill(flange), STEEL, 5 + bevel(flange, 2, 2))
    can = rounded_box(x, y, 122, 44, radius=22)
    patch.paint(fill(can), STEEL, 8 + dome(can, 15, 7))
    patch.tint(1 + 0.05 * streaks(rng, width, height, length_px=41) * fill(can))
    text(patch, marking, Material((92, 96, 98), gloss=0.4, polish=0.4, metal=0.6), size_px=14)


def film(patch: Patch, print_: Footprint, marking: str, rng: np.random.Generator) -> None:
    """Draw a boxed film capacitor, blue; the eval board has none, so it is always the wrong component."""
    block(
        patch, print_.width, print_.height, Material((150, 84, 34), gloss=0.16, polish=0.4), tall=22, edge=5
    )
    text(patch, marking, Material((206, 210, 210)), size_px=10)
    speckle(patch, rng, 0.03)


def trimmer(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a trimming potentiometer, which the board has none of either: white rotor, brass cross."""
    block(
        patch, print_.width, print_.height, Material((176, 92, 30), gloss=0.16, polish=0.4), tall=20, edge=4
    )
    x, y = coordinates(patch)
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
    speckle(patch, rng, 0.03)
