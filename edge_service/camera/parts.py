"""Which simulated part comes next: a seeded stream, or a plan from a file.

A plan is JSON: product -> list of parts in the order they come; after the last the first comes again::

    {"pcb": [{"seed": 100000, "defect": null}, {"seed": 100001, "defect": "scratch"}]}
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edge_service.errors import ConfigurationError
from edge_service.language import say
from edge_service.simulation import PlannedPart, defect_kinds, products

PARTS_A_SEED = 100_000  # as in simulation.schedule: another seed gives entirely other parts


class Parts:
    """The parts as they come by; each product has a queue of its own.

    ``share``: of defective parts in the stream, 0 to 1; the kinds of defect take turns.
    ``plan``: product -> parts, instead of the stream for the products it names.
    """

    def __init__(
        self, seed: int, share: float = 0.0, plan: Mapping[str, Sequence[PlannedPart]] | None = None
    ) -> None:
        self._seed, self._share, self._plan = seed, share, plan or {}
        self._shown: dict[str, int] = {}
        self._defective: dict[str, int] = {}

    def next(self, product: str) -> PlannedPart:
        """Return the next part of the product; the same calls give the same parts."""
        at = self._shown.get(product, 0)
        self._shown[product] = at + 1
        if planned := self._plan.get(product):
            return planned[at % len(planned)]
        chance = np.random.default_rng([self._seed, at, products().index(product)]).random()
        defect = self._defect(product) if chance < self._share else None
        return PlannedPart(product, self._seed * PARTS_A_SEED + at % PARTS_A_SEED, defect)

    def _defect(self, product: str) -> str:
        turn = self._defective.get(product, 0)
        self._defective[product] = turn + 1
        kinds = defect_kinds(product)
        return kinds[turn % len(kinds)]


def read_plan(path: Path) -> dict[str, tuple[PlannedPart, ...]]:
    """Return the plan in a file. Raises ConfigurationError for a file that is none."""
    try:
        data: dict[str, list[dict[str, Any]]] = json.loads(path.read_text("utf-8"))
        return {
            product: tuple(_planned(product, int(part["seed"]), part.get("defect")) for part in parts)
            for product, parts in data.items()
        }
    except OSError as error:
        raise _no_plan(path, error.strerror or str(error)) from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _no_plan(path, f"{type(error).__name__}: {error}") from error
    except ConfigurationError as error:
        raise _no_plan(path, error.what) from error


def _planned(product: str, seed: int, defect: str | None) -> PlannedPart:
    kinds = defect_kinds(product)
    if seed < 0 or (defect is not None and defect not in kinds):
        raise ValueError(f"{product}: seed {seed}, defect {defect!r}; defects: {', '.join(kinds)}")
    return PlannedPart(product, seed, defect)


def _no_plan(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        say(f"camera plan {path} cannot be used: {why}", f"相机计划 {path} 不可用：{why}"),
        remedy=say(
            'write {"pcb": [{"seed": 1, "defect": null}, ...]}, or leave camera.plan out',
            '请写成 {"pcb": [{"seed": 1, "defect": null}, ...]}，或删除 camera.plan',
        ),
    )


def write_plan(path: Path, plan: Mapping[str, Sequence[PlannedPart]]) -> None:
    """Write a plan that ``read_plan`` reads."""
    data = {
        product: [{"seed": part.seed, "defect": part.defect} for part in parts]
        for product, parts in plan.items()
    }
    path.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
