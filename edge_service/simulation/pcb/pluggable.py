"""Bodies that people plug into, screw or press: headers, terminals, sockets, a button. One a function."""

import numpy as np

from edge_service.simulation.patch import Material, Patch
from edge_service.simulation.pcb.layout import Footprint
from edge_service.simulation.pcb.strokes import GOLD, STEEL, TIN, block, coordinates, leads, solder, speckle
from edge_service.simulation.shapes import bevel, disc, dome, fill, rounded_box
from edge_service.simulation.texture import streaks


def header(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a pin header: black ribbed strip, square gold pins standing up."""
    x, y = coordinates(patch)
    pitch = 30.0
    block(patch, print_.width, print_.height, Material((36, 34, 34), gloss=0.14, polish=0.3), tall=12, edge=3)
    notch = np.abs((x / pitch) - np.round(x / pitch)) * pitch
    groove = np.clip(1.8 - np.abs(notch - pitch / 2), 0, 1) * fill(rounded_box(x, y, 214, 62))
    patch.relief[..., 0] -= 4 * groove
    patch.relief[..., 0] -= 4 * np.clip(1.8 - np.abs(y), 0, 1) * fill(rounded_box(x, y, 214, 62))
    for pad in print_.pads:
        lean = rng.normal(0, 0.5, 2)
        pin = rounded_box(x - pad.x - lean[0], y - pad.y - lean[1], 9.5, 9.5, radius=1)
        patch.paint(fill(pin), GOLD, 19 + dome(pin, 7, 4))


def terminal(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a screw terminal block: green housing, slotted screws each turned as it was left."""
    x, y = coordinates(patch)
    housing = Material((92, 138, 38), gloss=0.12, polish=0.4)
    block(patch, print_.width, print_.height, housing, tall=22, edge=4, radius=2)
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
    speckle(patch, rng, 0.03)


def wire_socket(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a wire-to-board header: white nylon shroud with walls, tin pins inside."""
    x, y = coordinates(patch)
    nylon = Material((204, 220, 224), gloss=0.10, polish=0.3)
    block(patch, print_.width, print_.height, nylon, tall=24, edge=4, radius=3)
    inner = rounded_box(x, y + 2, print_.width - 18, print_.height - 24, radius=2)
    patch.paint(fill(inner), Material((176, 194, 200), gloss=0.06), 24 - bevel(inner, 16, 3))
    for side in (-48, 48):
        slot = rounded_box(x - side, y - print_.height / 2 + 4, 26, 22)
        patch.paint(fill(slot), Material((160, 180, 188), gloss=0.05), 10.0)
    for pad in print_.pads:
        lean = rng.normal(0, 0.6, 2)
        pin = rounded_box(x - pad.x - lean[0], y - pad.y - lean[1] + 2, 8.5, 8.5, radius=1)
        patch.paint(fill(pin), TIN, 16 + dome(pin, 6, 4))
    speckle(patch, rng, 0.02)


def usb(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a USB socket: folded steel shell with its spring windows."""
    height, width = patch.coverage.shape
    for pad in print_.pads:
        solder(patch, pad, rng, height=4.0)
    x, y = coordinates(patch)
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


def button(patch: Patch, print_: Footprint, _marking: str, rng: np.random.Generator) -> None:
    """Draw a push button: steel lid with four rivets, round black cap."""
    leads(patch, print_, rng, lead_px=9)
    block(patch, 74, 74, Material((44, 42, 42), gloss=0.12, polish=0.3), tall=12, edge=3)
    block(patch, 70, 70, STEEL, tall=18, edge=2, radius=3)
    x, y = coordinates(patch)
    for corner_x in (-28, 28):
        for corner_y in (-28, 28):
            rivet = disc(x - corner_x, y - corner_y, 5)
            patch.paint(fill(rivet), Material((44, 42, 42), gloss=0.3, polish=0.6), 17 + dome(rivet, 4, 5))
    cap = disc(x, y, 21)
    patch.paint(fill(cap), Material((42, 40, 40), gloss=0.2, polish=0.5), 18 + bevel(cap, 14, 5))
