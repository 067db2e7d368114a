"""How surely a photograph that does not belong is found among the good ones, and they are left in peace.

For every inspection set under DIR and the rendered products, ``--draws`` times: 3, 4 and 10 good photographs,
as they are, with one defective part in place of the last, and with one good part of each other set there::

    python benchmarks/odd_photographs.py --data DIR --json odd.json

``found``: draws in which the defective one was named. ``good named``: good photographs that were named, of
all good ones shown. ``refused``: draws of one product taken for two, which a run would refuse. ``another
product``: draws with another set's photograph that are refused for it, and for it alone. ``alike``: the
measure that decides this, largest of one product's own, least of another's.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.inspection_sets import InspectionSet, find_sets
from trainer.domain import Photograph, PhotographSet, Picture
from trainer.pipeline.odd_photographs import Findings, from_both_sides, judge, measure
from trainer.teacher.weights import load_weights

SHOTS = (3, 4, 10)


@dataclass(slots=True)
class Count:
    """What came of one set's draws with so many photographs."""

    draws: int = 0
    found: int = 0
    good_named: int = 0
    good_shown: int = 0
    refused: int = 0
    foreign: int = 0
    foreign_refused: int = 0
    own_alike: float = 0.0
    foreign_alike: float = float("inf")


def count(name: str, sets: Mapping[str, InspectionSet], shots: int, draws: int) -> Count:
    """Examine every draw: all good, with a defective one, and with a good one of each other set."""
    so_far = Count(draws=draws)
    bad = [each.pixels for each in sets[name].trial(1, 0).tests() if each.defective]
    last = shots - 1
    for seed in range(draws):
        good = list(sets[name].trial(shots, seed).photographs)
        found, alike = examine(good)
        so_far.own_alike = max(so_far.own_alike, *alike)
        named = {*found.whole, *found.place}
        so_far.good_named += len(named)
        so_far.refused += len(found.products) > 1
        found, _ = examine([*good[:-1], bad[int(np.random.default_rng(seed).integers(len(bad)))]])
        named = {*found.whole, *found.place}
        so_far.found += last in named
        so_far.good_named += len(named - {last})
        so_far.good_shown += 2 * shots - 1
        so_far.refused += len(found.products) > 1
        for other in sets:
            if other == name:
                continue
            found, alike = examine([*good[:-1], sets[other].trial(1, seed).photographs[0]])
            so_far.foreign += 1
            so_far.foreign_refused += found.products == (tuple(range(last)), (last,))
            so_far.foreign_alike = min(so_far.foreign_alike, alike[last])
    return so_far


def examine(pictures: list[Picture]) -> tuple[Findings, list[float]]:
    """Return what is found, and each picture's measure to the nearest other."""
    photographs = PhotographSet(
        tuple(Photograph(Path(f"{number}.png"), pixels, "") for number, pixels in enumerate(pictures)), "", ()
    )
    distances = measure(photographs, load_weights("bundled"))
    return judge(distances), [float(value) for value in from_both_sides(distances.alike).min(1)]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="folder of inspection sets")
    parser.add_argument("--draws", type=int, default=5, help="of each set and number of photographs")
    parser.add_argument("--json", type=Path, help="write the figures here")
    options = parser.parse_args()
    figures: dict[str, dict[str, object]] = {}
    print(f"{'set':16} photographs  found   good named  refused  another product  alike: own, another's")
    sets = find_sets(options.data)
    for name in sets:
        for shots in (each for each in SHOTS if each <= sets[name].most):
            counted = count(name, sets, shots, options.draws)
            figures.setdefault(name, {})[str(shots)] = asdict(counted)
            print(
                f"{name:16} {shots:11}  {counted.found:2}/{counted.draws:2}  "
                f"{counted.good_named:5}/{counted.good_shown:4}  {counted.refused:7}  "
                f"{counted.foreign_refused:7}/{counted.foreign:7}  {counted.own_alike:10.2f}  "
                f"{counted.foreign_alike:8.2f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps({"draws": options.draws, "sets": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
