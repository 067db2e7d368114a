"""``FB_OKNG`` run from its own text against the handshake machine: a bad line, restarts, seeded.

Run ``python benchmarks/function_block_soak.py --scans 200000``: parts, passed, why the others were not, and
what went wrong meanwhile. It ends non-zero at the first verdict that went astray, trigger that fired twice
or by itself, part without an answer, or block that is never Ready again.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.block_soak import BlockSoak

_CALM_EVERY = 2_000  # scans; then the line is good until Ready is back, and another seed begins


def main() -> None:
    """Run and print the sums."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--scans", type=int, default=200_000)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    counts: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    for run in range(max(1, given.scans // _CALM_EVERY)):
        soak = BlockSoak(given.seed + run)
        for _ in range(_CALM_EVERY):
            soak.scan()
        soak.calm()
        counts += soak.counts
        codes += soak.codes
    for name, count in sorted(counts.items()):
        print(f"{name:<18} {count:>8}")
    for code, count in sorted(codes.items()):
        print(f"code {code:<13} {count:>8}")


if __name__ == "__main__":
    main()
