"""A filled crate: bottles stand loosely in their cells, caps are turned as they were crimped."""

from dataclasses import dataclass

import numpy as np

from edge_service.simulation.crate.bottle import cap, glass, mouth
from edge_service.simulation.crate.box import empty_crate, slots
from edge_service.simulation.crate.perspective import MIDDLE_X, MIDDLE_Y, magnification
from edge_service.simulation.patch import Patch, Plane, Stamp, covered, place
from edge_service.simulation.wear import dust

OPEN = "open"
"""The design of a bottle without a cap."""

_WEARS = 6
_CAP_HEIGHT = -6.0


@dataclass(frozen=True, slots=True)
class Bottle:
    """A bottle as it stands: where its axis meets the rim's plane, how its cap lies."""

    slot: int
    x: float
    y: float
    cap_x: float
    cap_y: float
    cap_angle_deg: float
    design: str
    wear: int
    tilt: tuple[float, float]
    glass_tone: float
    cap_tone: float

    def glass(self) -> Stamp:
        """Return its glass."""
        x, y = slots()[self.slot]
        return glass(round(x), round(y))

    def cap(self) -> Stamp:
        """Return its cap, or its mouth where it was never capped."""
        return mouth() if self.design == OPEN else cap(self.design, self.wear)

    def cap_outline(self, shape: tuple[int, int]) -> Plane:
        """Return what its cap covers of a scene of ``shape``."""
        return covered(shape, self.cap(), self.cap_x, self.cap_y, angle_deg=self.cap_angle_deg)

    def outline(self, shape: tuple[int, int]) -> Plane:
        """Return what the whole bottle covers of a scene of ``shape``."""
        return np.maximum(covered(shape, self.glass(), self.x, self.y), self.cap_outline(shape))


def stand(slot: int, rng: np.random.Generator) -> Bottle:
    """Return a bottle in ``slot``, as loose as its cell lets it."""
    x, y = slots()[slot]
    loose = np.clip(rng.normal(0, 1.4, 2), -3, 3)
    lean = np.clip(rng.normal(0, 0.9, 2), -2, 2)
    size = magnification(_CAP_HEIGHT)
    return Bottle(
        slot,
        x + float(loose[0]),
        y + float(loose[1]),
        MIDDLE_X + (x - MIDDLE_X) * size + float(loose[0] + lean[0]),
        MIDDLE_Y + (y - MIDDLE_Y) * size + float(loose[1] + lean[1]),
        float(rng.uniform(0, 360)),
        "crown",
        int(rng.integers(_WEARS)),
        (float(rng.normal(0, 0.10)), float(rng.normal(0, 0.10))),
        float(np.exp(rng.normal(0, 0.45))),
        float(np.exp(rng.normal(0, 0.22))),
    )


def stand_all(rng: np.random.Generator) -> list[Bottle]:
    """Return every bottle of one crate."""
    return [stand(slot, rng) for slot in range(len(slots()))]


def build(bottles: list[Bottle], rng: np.random.Generator) -> Patch:
    """Return the scene of a crate with these bottles and its share of dust."""
    scene = empty_crate().copy()
    for bottle in bottles:
        place(scene, bottle.glass(), bottle.x, bottle.y, tilt=bottle.tilt, tone=bottle.glass_tone)
    for bottle in bottles:
        place(
            scene,
            bottle.cap(),
            bottle.cap_x,
            bottle.cap_y,
            angle_deg=bottle.cap_angle_deg,
            tilt=bottle.tilt,
            tone=bottle.cap_tone,
        )
    dust(scene, rng)
    return scene
