"""Simulated products: rendered photographs of parts, good ones and defective ones with their ground truth.

::

    from edge_service.simulation import defect_kinds, products, render, samples, schedule

    part = render("pcb", seed=7, defect="solder_bridge")
    part.pixels  # uint8 BGR (720, 960, 3)
    part.mask    # bool (720, 960), true where the solder bridge is

Everything is a pure function of its arguments: the same call gives the same pixels.
"""

from edge_service.simulation.parts import RenderedPart, defect_kinds, products, render
from edge_service.simulation.schedule import PlannedPart, samples, schedule

__all__ = ["PlannedPart", "RenderedPart", "defect_kinds", "products", "render", "samples", "schedule"]
