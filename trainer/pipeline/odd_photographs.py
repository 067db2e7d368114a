"""Photographs that do not belong among the others: a defective part, another product.

Before anything is trained, the bundled teacher (whatever the model's own: the limits below were measured with
it) describes every patch of every photograph, as for a memory bank, and each photograph is measured by the
others: its patches' distances to the nearest patch of each of them. Three findings:

- **products**: groups of photographs of which even the *most alike* patches (the nearest tenth, seen from
  the side that finds less) are further than ``ANOTHER_PRODUCT`` from every photograph outside. The limit is
  in the units of the teacher's features, for one teacher sees all sets alike. The run is refused, naming the
  files, unless ``mixed`` was asked for;
- **whole**: a photograph whose middle patch is further than what is usual at its farthest, the ``top`` of
  the photographs (mean of the farthest hundredth): turned over, another variant, other light. Named;
- **place**: a photograph whose farthest patches stand out from the others', by themselves and over its own
  middle patch: perhaps a defect. How far is measured in what is demanded, which follows how much the others
  scatter; of few photographs both are demanded, of more their weighted mean. Named.

A named photograph is learned from all the same: rare but good is as likely as bad, and only a person can
tell. From fewer than three photographs nobody can say which is the odd one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from edge_service.inference.preprocess import to_model_input
from edge_service.language import say
from trainer.datasets.remarks import left_out_by, listed
from trainer.domain import PhotographSet
from trainer.errors import DatasetError
from trainer.teacher.backbone import build_teacher
from trainer.teacher.weights import TeacherWeights, load_weights
from trainer.training.memory_bank import BANK_LAYERS, as_rows, describe, make_describer

ANOTHER_PRODUCT = 1.2
ODD_AS_A_WHOLE = 1.1
ODD_IN_A_PLACE = (0.165, 0.3)  # least and most of what is demanded, of the logarithm
_SCATTERS = 5.0
_MANY = 5  # photographs whose scatter tells enough for a mean
_MEAN = (0.5, 1 / 3)  # what standing out by itself and over the middle then count
_FEWEST = 3
_SIDE = 256  # pixels
_BORDER = 1  # places
_FARTHEST = 0.01
_MOST_ALIKE = 0.1  # of the patches
_LEAST = 1e-6
_MOST_OTHERS = 24  # that each is measured by


@dataclass(frozen=True, slots=True)
class Distances:
    """What the teacher says of n photographs, in the units of its features.

    ``middle`` (n, n): the median distance of row's patches to the nearest one of column's, ``alike`` the
    distance that the nearest tenth keeps within; both inf on the diagonal and where it was not measured.
    ``top`` (n,): mean of the farthest patches to the nearest other photograph.
    """

    alike: NDArray[np.float64]
    middle: NDArray[np.float64]
    top: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Findings:
    """Numbers of photographs: by product (largest group first), odd as a whole, odd in a place."""

    products: tuple[tuple[int, ...], ...]
    whole: tuple[int, ...]
    place: tuple[int, ...]


def look_for_odd_ones(photographs: PhotographSet, *, mixed: bool = False) -> tuple[str, ...]:
    """Return a warning that names each odd photograph; raise DatasetError for those of another product."""
    if len(photographs) < _FEWEST:
        return ()
    names = [each.path.name for each in photographs.photographs]
    found = judge(measure(photographs, load_weights("bundled")))
    if len(found.products) > 1 and not mixed:
        raise _another_product([[names[number] for number in group] for group in found.products])
    return (
        *(_odd_as_a_whole(names[number]) for number in found.whole),
        *(_odd_in_a_place(names[number]) for number in found.place),
    )


@torch.no_grad()
def measure(photographs: PhotographSet, weights: TeacherWeights) -> Distances:
    """Measure each photograph by the others. Raises WeightsError."""
    pictures = np.concatenate([to_model_input(each.pixels, _SIDE, _SIDE) for each in photographs.photographs])
    describer = make_describer(build_teacher(weights, BANK_LAYERS), pictures).eval()
    inner = describe(describer, pictures)[:, :, _BORDER:-_BORDER, _BORDER:-_BORDER]
    rows = [as_rows(inner[number : number + 1]) for number in range(len(pictures))]
    count = len(rows)
    alike, middle, top = np.full((count, count), np.inf), np.full((count, count), np.inf), np.empty(count)
    for one in range(count):
        nearest = torch.full((len(rows[one]),), torch.inf)
        for other in _others(one, count):
            away = torch.cdist(rows[one], rows[other]).amin(1)
            alike[one, other] = float(away.quantile(_MOST_ALIKE))
            middle[one, other] = float(away.median())
            nearest = torch.minimum(nearest, away)
        top[one] = float(nearest.topk(max(1, round(_FARTHEST * len(nearest)))).values.mean())
    return Distances(alike, middle, top)


def judge(distances: Distances) -> Findings:
    """Say which photographs are odd, and how."""
    usual = max(float(np.median(distances.top)), _LEAST)
    products = _groups(from_both_sides(distances.alike) <= ANOTHER_PRODUCT)
    typical = np.maximum(distances.middle.min(1), _LEAST)
    whole = typical > ODD_AS_A_WHOLE * usual
    farthest = np.log(np.maximum(distances.top, _LEAST))
    by_itself, over_middle = _standing_out(farthest), _standing_out(farthest - np.log(typical))
    if len(farthest) < _MANY:
        demanded = np.minimum(by_itself, over_middle)
    else:
        demanded = _MEAN[0] * by_itself + _MEAN[1] * over_middle
    place = ~whole & (demanded > 1.0)
    return Findings(products, _numbers(whole), _numbers(place))


def _standing_out(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far each is above the others' median, in what is demanded of it."""
    found = np.empty(len(logs))
    for number in range(len(logs)):
        others = np.delete(logs, number)
        middle = float(np.median(others))
        scatter = float(np.median(np.abs(others - middle)))
        found[number] = (logs[number] - middle) / np.clip(_SCATTERS * scatter, *ODD_IN_A_PLACE)
    return found


def _numbers(chosen: NDArray[np.bool_]) -> tuple[int, ...]:
    return tuple(int(number) for number in np.flatnonzero(chosen))


def from_both_sides(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the larger of both directions, or the one that was measured."""
    larger = np.maximum(distances, distances.T)
    return np.where(np.isinf(larger), np.minimum(distances, distances.T), larger)


def _others(one: int, count: int) -> Sequence[int]:
    others = [number for number in range(count) if number != one]
    if len(others) <= _MOST_OTHERS:
        return others
    return [others[int(at)] for at in np.linspace(0, len(others) - 1, _MOST_OTHERS)]


def _groups(linked: NDArray[np.bool_]) -> tuple[tuple[int, ...], ...]:
    """Return what hangs together, the largest group first."""
    left, groups = set(range(len(linked))), []
    while left:
        group, reached = set[int](), {min(left)}
        while reached:
            group |= reached
            reached = {other for one in reached for other in left - group if linked[one, other]}
        left -= group
        groups.append(tuple(sorted(group)))
    return tuple(sorted(groups, key=len, reverse=True))


def _another_product(groups: list[list[str]]) -> DatasetError:
    first, others = groups[0], [name for group in groups[1:] for name in group]
    if len(first) > 1:
        verb = "shows" if len(others) == 1 else "show"
        what = say(
            f"{listed(others)} {verb} another product than the other {len(first)} photographs",
            f"{listed(others)} 与其余 {len(first)} 张照片不是同一产品",
        )
    else:
        what = say("No two photographs show the same product", "没有两张照片是同一产品")
    return DatasetError(
        what,
        remedy=say(
            f"Leave them out ({left_out_by()}) and train a model for each product; if they do belong to one "
            "product, say --mixed.",
            f"请排除这些照片（{left_out_by()}），并为每种产品单独训练；若确属同一产品，请加 --mixed。",
        ),
    )


def _odd_as_a_whole(name: str) -> str:
    return say(
        f"{name} differs from the others as a whole: another variant, another side or another light? It is "
        f"learned from all the same. If it does not belong, train again without it ({left_out_by()}); if it "
        "does, add two more like it.",
        f"{name} 与其他照片整体差异明显：是否为其他型号、另一面或光照不同？本次仍用于训练。若不属于该产品，"
        f"请排除后重新训练（{left_out_by()}）；若属于，请再补拍两张同类照片。",
    )


def _odd_in_a_place(name: str) -> str:
    return say(
        f"{name} looks defective: one place stands far out from the other photographs. It is learned from "
        "all the same, and such a defect may then pass for good. Look at the part; if it is bad, train again "
        f"without it ({left_out_by()}).",
        f"{name} 疑似缺陷品：有一处与其他照片明显不同。本次仍用于训练，此类缺陷之后可能被判为良品。"
        f"请检查该零件；若为缺陷品，请排除后重新训练（{left_out_by()}）。",
    )
