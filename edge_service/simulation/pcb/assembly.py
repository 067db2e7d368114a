"""A populated board: each component where the machine put it this time, give or take."""

from dataclasses import dataclass, replace

import numpy as np

from edge_service.simulation.patch import Patch, Plane, Stamp, covered, place
from edge_service.simulation.pcb.board import LEFT, TOP, bare_board
from edge_service.simulation.pcb.components import VARIANTS, component
from edge_service.simulation.pcb.layout import Placement, placements
from edge_service.simulation.wear import dust

_SHINY = frozenset({"electrolytic", "crystal", "usb", "button"})  # flat metal: its glare shows any tilt
_THROUGH_HOLE = frozenset({"crystal", "header", "terminal", "wire_socket"})


@dataclass(frozen=True, slots=True)
class Mounted:
    """A component as it came to sit: scene coordinates, degrees counter-clockwise.

    ``variant`` chooses its solder; ``tilt`` and ``tone`` are as in ``place``.
    """

    kind: str
    marking: str
    x: float
    y: float
    angle_deg: float
    variant: int
    tilt: tuple[float, float]
    tone: float

    def stamp(self) -> Stamp:
        """Return what it looks like from above."""
        return component(self.kind, self.marking, self.variant)

    def outline(self, shape: tuple[int, int]) -> Plane:
        """Return what it covers of a scene of ``shape``."""
        return covered(shape, self.stamp(), self.x, self.y, angle_deg=self.angle_deg)


def mount(placement: Placement, rng: np.random.Generator) -> Mounted:
    """Put a component on the board within the tolerance of a machine; through-hole parts sit truer."""
    loose = 0.3 if placement.kind in _THROUGH_HOLE else 1.0
    slope = 0.012 if placement.kind in _SHINY else 0.004
    return Mounted(
        placement.kind,
        placement.marking,
        LEFT + placement.x + loose * float(np.clip(rng.normal(0, 0.45), -0.9, 0.9)),
        TOP + placement.y + loose * float(np.clip(rng.normal(0, 0.45), -0.9, 0.9)),
        placement.angle_deg + loose * float(np.clip(rng.normal(0, 0.45), -0.9, 0.9)),
        int(rng.integers(VARIANTS)),
        (slope * float(rng.normal()), slope * float(rng.normal())),
        float(np.exp(rng.normal(0, 0.04))),
    )


def mount_all(rng: np.random.Generator) -> list[Mounted]:
    """Return every component of one board."""
    return [mount(placement, rng) for placement in placements()]


def build(mounted: list[Mounted], rng: np.random.Generator) -> Patch:
    """Return the scene of a board with these components and its share of dust."""
    scene = bare_board().copy()
    for part in mounted:
        place(scene, part.stamp(), part.x, part.y, angle_deg=part.angle_deg, tilt=part.tilt, tone=part.tone)
    dust(scene, rng)
    return scene


def moved(part: Mounted, x: float = 0.0, y: float = 0.0, turn_deg: float = 0.0) -> Mounted:
    """Return the component off its place."""
    return replace(part, x=part.x + x, y=part.y + y, angle_deg=part.angle_deg + turn_deg)
