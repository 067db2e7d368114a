"""The simulated products and one photograph of one of their parts."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge_service.errors import ConfigurationError
from edge_service.language import say
from edge_service.simulation import exposure, lighting
from edge_service.simulation.crate import defects as crate
from edge_service.simulation.patch import Patch, Plane
from edge_service.simulation.pcb import defects as pcb

_Build = Callable[[np.random.Generator, np.random.Generator], tuple[Patch, Plane]]


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """A photograph with its ground truth.

    ``pixels``: uint8 BGR, (720, 960, 3). ``mask``: bool, (720, 960), true where the defect is; all false
    for a good part. ``defect``: one of ``defect_kinds(product)``, or None.
    """

    pixels: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    product: str
    defect: str | None
    seed: int


@dataclass(frozen=True, slots=True)
class _Product:
    good: _Build
    defects: dict[str, _Build]


_PRODUCTS = {"pcb": _Product(pcb.good, pcb.DEFECTS), "crate": _Product(crate.good, crate.DEFECTS)}


def products() -> tuple[str, ...]:
    """Return the names of the simulated products."""
    return tuple(_PRODUCTS)


def defect_kinds(product: str) -> tuple[str, ...]:
    """Return what can be wrong with ``product``. Raises ConfigurationError for an unknown product."""
    return tuple(_product(product).defects)


def render(product: str, *, seed: int, defect: str | None = None) -> RenderedPart:
    """Photograph part number ``seed`` of ``product``, good or with one defect of the given kind.

    With and without a defect, the same seed gives the same part, pose, light and noise, so the two
    photographs differ by the defect (and its shadow) alone. Raises ConfigurationError for an unknown
    product or defect, or a negative seed.
    """
    known = _product(product)
    if defect is not None and defect not in known.defects:
        raise _unknown(say("defect", "缺陷"), defect, tuple(known.defects))
    if seed < 0:
        raise negative_seed(seed)
    number = products().index(product)
    part, light, shot, sensor = (np.random.default_rng([number, seed, stream]) for stream in range(4))
    kind = 0 if defect is None else 1 + defect_kinds(product).index(defect)
    scene, region = (known.defects[defect] if defect else known.good)(
        part, np.random.default_rng([number, seed, 9, kind])
    )
    conditions = exposure.draw(shot)
    pixels = exposure.expose(lighting.shade(scene, lighting.draw(light)), conditions, sensor)
    return RenderedPart(pixels, exposure.project(region, conditions), product, defect, seed)


def negative_seed(seed: int) -> ConfigurationError:
    """Return the error for a seed below 0."""
    return ConfigurationError(
        say(f"seed {seed} is negative", f"种子 {seed} 是负数"),
        remedy=say("use 0 or more", "请使用 0 或更大的整数"),
    )


def _product(name: str) -> _Product:
    if name not in _PRODUCTS:
        raise _unknown(say("product", "产品"), name, products())
    return _PRODUCTS[name]


def _unknown(what: str, found: str, allowed: tuple[str, ...]) -> ConfigurationError:
    names = ", ".join(allowed)
    return ConfigurationError(
        say(f"unknown simulated {what} {found!r}", f"未知的模拟{what} {found!r}"),
        remedy=say(f"use one of: {names}", f"请使用其中之一：{names}"),
    )
