"""How surely a defective photograph among the good ones is named, and good ones are left in peace.

For every inspection set under DIR and the rendered products, ``--draws`` times: 4 and 10 good photographs, as
they are and with one defective part in place of the last::

    python benchmarks/odd_photographs.py --data DIR --json odd.json

``found``: draws in which the defective one was named. ``good named``: good photographs that were named, of
all good ones shown. ``refused``: draws taken for two products, which a run would refuse.
"""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.inspection_sets import InspectionSet, find_sets
from trainer.domain import Photograph, PhotographSet, Picture
from trainer.pipeline.odd_photographs import judge, measure
from trainer.teacher.weights import load_weights

SHOTS = (4, 10)


@dataclass(slots=True)
class Count:
    """What came of one set's draws with so many photographs."""

    draws: int = 0
    found: int = 0
    good_named: int = 0
    good_shown: int = 0
    refused: int = 0


def count(inspection_set: InspectionSet, shots: int, draws: int) -> Count:
    """Examine every draw twice: all good, and with a defective one."""
    so_far = Count(draws=draws)
    bad = [each.pixels for each in inspection_set.trial(1, 0).tests() if each.defective]
    for seed in range(draws):
        good = list(inspection_set.trial(shots, seed).photographs)
        spoilt = [*good[:-1], bad[int(np.random.default_rng(seed).integers(len(bad)))]]
        named, refused = examine(good)
        so_far.good_named += len(named)
        so_far.refused += refused
        named, refused = examine(spoilt)
        so_far.found += shots - 1 in named
        so_far.good_named += len(named - {shots - 1})
        so_far.good_shown += 2 * shots - 1
        so_far.refused += refused
    return so_far


def examine(pictures: list[Picture]) -> tuple[set[int], bool]:
    """Return the numbers of the named ones, and whether they pass for two products."""
    photographs = PhotographSet(
        tuple(Photograph(Path(f"{number}.png"), pixels, "") for number, pixels in enumerate(pictures)), "", ()
    )
    found = judge(measure(photographs, load_weights("bundled")))
    return {*found.whole, *found.place}, len(found.products) > 1


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
    print(f"{'set':16} photographs  found  good named  refused")
    for name, inspection_set in find_sets(options.data).items():
        for shots in SHOTS:
            if shots > inspection_set.most:
                continue
            counted = count(inspection_set, shots, options.draws)
            figures.setdefault(name, {})[str(shots)] = asdict(counted)
            print(
                f"{name:16} {shots:11}  {counted.found:2}/{counted.draws:2}  "
                f"{counted.good_named:4}/{counted.good_shown:4}  {counted.refused:7}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps({"draws": options.draws, "sets": figures}, indent=2) + "\n")


if __name__ == "__main__":
    main()
