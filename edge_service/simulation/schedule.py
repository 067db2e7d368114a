"""Which part comes next: a seeded, mixed order of good and defective parts.

The demo and the simulated camera share it, so both show the same parts for the same seed::

    for planned in schedule("pcb", seed=1, good=20, defective=20):
        frame = planned.render().pixels
"""

from dataclasses import dataclass

import numpy as np

from edge_service.errors import ConfigurationError
from edge_service.language import say
from edge_service.simulation.parts import RenderedPart, defect_kinds, negative_seed, render

_PARTS_A_SEED = 100_000
_FIRST_SAMPLE = 90_000  # of a seed's parts: from here on they are photographed to learn from


@dataclass(frozen=True, slots=True)
class PlannedPart:
    """A part that will come by: enough to render it."""

    product: str
    seed: int
    defect: str | None

    def render(self) -> RenderedPart:
        """Photograph it."""
        return render(self.product, seed=self.seed, defect=self.defect)


def schedule(product: str, *, seed: int, good: int, defective: int) -> tuple[PlannedPart, ...]:
    """Return ``good`` + ``defective`` parts in mixed order, no two of them the same part.

    The kinds of defect take turns, so none comes more than once oftener than another: with ``defective`` of
    at least twice the number of kinds, each comes at least twice. Another seed gives entirely other parts.
    Raises ConfigurationError for an unknown product, a negative seed or count, or more than 90 000 parts.
    """
    kinds = defect_kinds(product)
    if good < 0 or defective < 0 or good + defective > _FIRST_SAMPLE:
        raise ConfigurationError(
            say(
                f"cannot schedule {good} good and {defective} defective parts",
                f"无法安排 {good} 个良品和 {defective} 个不良品",
            ),
            remedy=say(
                f"use counts from 0, fewer than {_PARTS_A_SEED} in all",
                f"数量须从 0 起，总数少于 {_PARTS_A_SEED}",
            ),
        )
    if seed < 0:
        raise negative_seed(seed)
    rng = np.random.default_rng([len(kinds), seed])
    turns = [kinds[index] for index in rng.permutation(len(kinds))]
    wanted = [None] * good + [turns[index % len(turns)] for index in range(defective)]
    order = rng.permutation(len(wanted))
    first = seed * _PARTS_A_SEED
    return tuple(PlannedPart(product, first + at, wanted[index]) for at, index in enumerate(order))


def samples(product: str, *, seed: int, count: int) -> tuple[PlannedPart, ...]:
    """Return good parts to learn from, none of which is in any ``schedule``.

    Raises ConfigurationError for an unknown product, a negative seed, or a count outside 0 to 10 000.
    """
    defect_kinds(product)
    if seed < 0:
        raise negative_seed(seed)
    most = _PARTS_A_SEED - _FIRST_SAMPLE
    if not 0 <= count <= most:
        raise ConfigurationError(
            say(f"cannot photograph {count} samples", f"无法拍摄 {count} 个样品"),
            remedy=say(f"use a count from 0 to {most}", f"数量须为 0 到 {most}"),
        )
    first = seed * _PARTS_A_SEED + _FIRST_SAMPLE
    return tuple(PlannedPart(product, first + at, None) for at in range(count))
