"""How the threshold's rule does on good parts that really were judged, and on which scale it should work.

::

    python benchmarks/threshold_scale.py ~/.cache/okng/judgement/*/*/ours_stfpm-*/run.json

Takes runs that ``benchmarks/judgement.py`` kept. Again and again, a few of a run's good test parts play the
held-out photographs, the rule gives a threshold, and the other good parts and all defective ones are held
against it. So the rule is measured by itself, without what cross-validation adds to the scores. ``root`` is
what ships; ``logarithm`` is the same on another scale, with as wide a prior there.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import figures
from trainer.calibration.threshold import HeldOutScores, find_threshold

CASES = ((4, 0.01), (4, 0.05), (10, 0.01), (10, 0.05))  # photographs, stated false-reject rate
DRAWS = 200
_OFFSET, _SPREAD, _WORTH, _LEAST = 0.5, 0.2, 8.0, 1.0  # of the logarithm's rule

Scores = NDArray[np.float64]
Rule = Callable[[Scores, float], float]


def root(known: Scores, rate: float) -> float:
    """Return the threshold that ships."""
    return find_threshold(HeldOutScores(known, np.arange(len(known))), rate).value


def logarithm(known: Scores, rate: float) -> float:
    """Return the predictive quantile where the logarithm of scores is taken to be normal."""
    logs = np.log(known + _OFFSET)
    freedom = _WORTH + len(logs) - 1
    spread = np.sqrt((_WORTH * _SPREAD**2 + (len(logs) - 1) * logs.var(ddof=1)) / freedom)
    reach = stats.t.ppf(1 - rate, freedom) * spread * np.sqrt(1 + 1 / len(logs))
    return max(_LEAST, float(np.exp(logs.mean() + reach)) - _OFFSET)


RULES: dict[str, Rule] = {"root": root, "logarithm": logarithm}


def measure(good: Scores, bad: Scores, photographs: int, rate: float, rule: Rule) -> tuple[float, float]:
    """Return false rejects and misses, means over ``DRAWS`` draws of ``photographs`` good parts."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(DRAWS):
        order = random.permutation(len(good))
        known, new = good[order[:photographs]], good[order[photographs:]]
        found.append(figures.rates(new, bad, rule(known, rate)))
    rejects, misses = np.mean(found, axis=0)
    return float(rejects), float(misses)


def main() -> None:
    """Print a Markdown table: a row a run, number of photographs and stated rate."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", type=Path, nargs="+", help="run.json files of benchmarks/judgement.py")
    columns = " | ".join(f"{name}: rejects | misses" for name in RULES)
    print(f"| set | photographs | stated | {columns} |")
    print("|---|---|---|" + "---|---|" * len(RULES))
    for path in parser.parse_args().runs:
        run = json.loads(path.read_text("utf-8"))
        good, bad = np.array(run["good"]), np.array(run["bad"])
        for photographs, rate in CASES:
            if photographs < len(good):
                found = [measure(good, bad, photographs, rate, rule) for rule in RULES.values()]
                figures_found = " | ".join(f"{rejects:.3f} | {misses:.3f}" for rejects, misses in found)
                print(f"| {path.parent.parent.name} | {photographs} | {rate:g} | {figures_found} |")


if __name__ == "__main__":
    main()
