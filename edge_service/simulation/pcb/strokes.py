"""What the pictures of components are put together from: materials, solder, blocks, leads, print."""

import cv2
import numpy as np

from edge_service.simulation.patch import Material, Patch, Plane
from edge_service.simulation.pcb.layout import Footprint, Pad
from edge_service.simulation.shapes import bevel, capsule, dome, fill, grid, rounded_box, smoothstep
from edge_service.simulation.texture import grain

EPOXY = Material((46, 44, 43), gloss=0.10, polish=0.15)
SOLDER = Material((196, 198, 200), gloss=0.85, polish=0.75, metal=0.9)
TIN = Material((176, 180, 184), gloss=0.75, polish=0.45, metal=0.9)
STEEL = Material((190, 194, 198), gloss=0.80, polish=0.55, metal=0.95)
GOLD = Material((90, 180, 230), gloss=0.9, polish=0.7, metal=1.0)
RESISTOR = Material((34, 30, 30), gloss=0.22, polish=0.6)
ALUMINA = Material((214, 218, 218), gloss=0.12, polish=0.3)
LASER = Material((150, 152, 150), gloss=0.05, polish=0.1)
FERRITE = Material((62, 62, 64), gloss=0.12, polish=0.2)


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
    x, y = coordinates(patch, pad.x + rng.normal(0, 0.3), pad.y + rng.normal(0, 0.3))
    width, tall = pad.width * rng.uniform(0.92, 1.0), pad.height * rng.uniform(0.93, 1.0)
    shape = rounded_box(x, y, width, tall, radius=min(width, tall) * 0.42)
    outline = shape + rng.uniform(0.2, 0.6) * np.sin(x * 0.5 + y * 0.3 + rng.uniform(0, 6))
    crown = dome(outline, height * rng.uniform(0.9, 1.1), min(width, tall) * 0.5)
    patch.paint(fill(outline), SOLDER, crown)


def coordinates(patch: Patch, x: float = 0, y: float = 0) -> tuple[Plane, Plane]:
    """Return every pixel's distance in x and in y from (``x``, ``y``), seen from the middle of the patch."""
    height, width = patch.coverage.shape
    across, down = grid(width, height)
    return across - np.float32(x), down - np.float32(y)


def speckle(patch: Patch, rng: np.random.Generator, share: float) -> None:
    """Roughen the whole patch's brightness by ``share``."""
    height, width = patch.coverage.shape
    patch.tint(1 + np.float32(share) * grain(rng, width, height, 2, 5, 14))


def block(
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
    x, y = coordinates(patch)
    shape = rounded_box(x, y, width, height, radius=radius)
    patch.paint(fill(shape), material, np.float32(tall * 0.55) + bevel(shape, tall * 0.45, edge))
    return shape


def leads(patch: Patch, print_: Footprint, rng: np.random.Generator, *, lead_px: float) -> None:
    """Solder every pad and bend a lead from the body down onto it."""
    x, y = coordinates(patch)
    for pad in print_.pads:
        solder(patch, pad, rng, height=3.0)
        upright = pad.height > pad.width
        inward = (pad.x, pad.y * 0.62) if upright else (pad.x * 0.62, pad.y)
        tip = (pad.x, pad.y * 1.05) if upright else (pad.x * 1.05, pad.y)
        lead = capsule(x, y, inward, tip, lead_px / 2)
        slope = np.hypot(x - tip[0], y - tip[1]) / max(np.hypot(inward[0] - tip[0], inward[1] - tip[1]), 1)
        patch.paint(fill(lead), TIN, 4.0 + 6.0 * smoothstep(0.25, 0.75, slope) + bevel(lead, 1.5, 2))
