"""What each component looks like from above: a patch a kind, leads and solder included, drawn once and kept.

Solder never sets twice alike: every kind has a few variants, and a board takes one by chance a component.
"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np

from edge_service.simulation.patch import Patch, Stamp
from edge_service.simulation.pcb import pluggable, soldered
from edge_service.simulation.pcb.layout import FOOTPRINTS, Footprint

VARIANTS = 4

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


_Draw = Callable[[Patch, Footprint, str, np.random.Generator], None]

_BODIES: dict[str, _Draw] = {
    "chip_resistor": partial(soldered.chip, kind="chip_resistor"),
    "chip_capacitor": partial(soldered.chip, kind="chip_capacitor"),
    "led": soldered.led,
    "sot23": soldered.sot23,
    "soic8": soldered.packaged,
    "soic16": soldered.packaged,
    "qfp": soldered.packaged,
    "dpak": soldered.dpak,
    "electrolytic": soldered.electrolytic,
    "tantalum": soldered.tantalum,
    "diode": soldered.diode,
    "inductor": soldered.inductor,
    "crystal": soldered.crystal,
    "header": pluggable.header,
    "terminal": pluggable.terminal,
    "wire_socket": pluggable.wire_socket,
    "usb": pluggable.usb,
    "button": pluggable.button,
    "film": soldered.film,
    "trimmer": soldered.trimmer,
}
