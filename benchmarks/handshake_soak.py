"""A seeded random PLC against the handshake machine, a million steps: what must never happen is counted.

``python benchmarks/handshake_soak.py --steps 1000000 --seed 1 --json soak.json``

The same witness as in the tests watches every step: no part paired with another's result, no accepted trigger
without exactly one answer, no OK outside its rules, nothing from a repeated write, and TriggerReady reachable
once causes are gone (checked after every 500 steps). Any breach ends the run with an AssertionError.
"""

import argparse
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge_service.domain.inspection import TriggerSource, Verdict
from edge_service.handshake.edges import HANDSHAKE_BITS, OTHER_EDGE_BITS
from edge_service.handshake.settings import HandshakeSettings, Profile
from tests.support.handshake_witness import MODEL, Witness

_LIFE = 500  # steps until every cause is removed and a new station starts
_LEVELS = ("trigger_enable", "buffer_results_enable", "sequence_mode", "part_present", "set_offline")
_VERDICTS = (Verdict.OK, Verdict.NG, Verdict.UNDECIDED)


class Soak:
    """One station's life after another, from one seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.figures: Counter[str] = Counter()
        self._witness = self._station()
        self._steps = {
            self._anything: 2,
            self._enable: 3,
            self._trigger: 6,
            self._take: 6,
            self._repeat: 2,
            self._foreign: 1,
            self._expose: 5,
            self._finish: 5,
            self._fail: 1,
            self._wait: 4,
            self._observe: 2,
            self._answer_command: 2,
            self._link: 1,
        }

    def run(self, steps: int) -> None:
        """Make that many steps."""
        chosen = list(self._steps)
        weights = list(self._steps.values())
        for number in range(1, steps + 1):
            (step,) = self._random.choices(chosen, weights)
            step()
            self.done[step.__name__.strip("_")] += 1
            if number % _LIFE == 0 or number == steps:
                self._end_of_life()

    def _station(self) -> Witness:
        profile = self._random.choice((None, None, None, Profile.PULSE))
        sources = frozenset({TriggerSource.HMI}) if self._random.random() < 0.5 else frozenset()
        present = self._random.random() < 0.2
        return Witness(HandshakeSettings(profile=profile, sources=sources, require_part_present=present))

    def _end_of_life(self) -> None:
        self._witness.recover()
        statistics = self._witness.machine.statistics
        self.figures["lives"] += 1
        self.figures["parts_answered"] += self._witness.published
        self.figures["missed_at_end_of_life"] += statistics.missed
        self._witness = self._station()

    def _anything(self) -> None:
        names = self._random.sample(HANDSHAKE_BITS + OTHER_EDGE_BITS + _LEVELS, self._random.randint(0, 4))
        changes: dict[str, int] = {name: self._random.random() < 0.6 for name in names}
        ranges = {"trigger_seq": 5, "result_ack_id": 12, "plc_heartbeat": 2, "command_seq": 3, "param1": 2}
        ranges |= {"expected_recipe": 2, "command": 9}
        for name in self._random.sample(sorted(ranges), self._random.randint(0, 3)):
            changes[name] = self._random.randint(0, ranges[name])
        self._witness.write(self._random.choice(("plc", "plc", "plc", "other")), **changes)

    def _enable(self) -> None:
        self._witness.write(trigger_enable=False, sequence_mode=self._random.random() < 0.5)
        buffered = self._random.random() < 0.6
        self._witness.write(
            trigger_enable=True, buffer_results_enable=buffered, part_present=True, set_offline=False
        )

    def _trigger(self) -> None:
        self._witness.trigger()

    def _take(self) -> None:
        self._witness.take()

    def _repeat(self) -> None:
        self._witness.repeat(self._random.choice(("plc", "other")))

    def _foreign(self) -> None:
        self._witness.foreign(self._random.choice((TriggerSource.HMI, TriggerSource.CAMERA_LINE)))

    def _some_part(self) -> int:
        return max(1, self._witness.machine.triggers.acquisition_id - self._random.choice((0, 0, 1, 1, 2, 3)))

    def _expose(self) -> None:
        self._witness.expose(self._some_part())

    def _finish(self) -> None:
        self._witness.finish(self._some_part(), self._random.choice(_VERDICTS))

    def _fail(self) -> None:
        self._witness.fail(self._some_part())

    def _wait(self) -> None:
        self._witness.wait(self._random.choice((0.0, 0.01, 0.05, 0.5, 1.5, 6.0, 11.0)))

    def _observe(self) -> None:
        trouble = self._random.random() < 0.15
        self._witness.observe(
            camera_lost=trouble and self._random.random() < 0.5,
            maintenance=trouble and self._random.random() < 0.5,
            model=None if trouble and self._random.random() < 0.3 else MODEL,
        )

    def _link(self) -> None:
        self._witness.link(there=self._random.random() < 0.9)

    def _answer_command(self) -> None:
        self._witness.answer_command(self._random.choice((1, 103)))


def main() -> None:
    """Run, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    soak = Soak(options.seed)
    began = time.perf_counter()
    soak.run(options.steps)
    figures = {
        "seed": options.seed,
        "steps": sum(soak.done.values()),
        "seconds": round(time.perf_counter() - began, 1),
        **soak.figures,
    }
    for name, value in [*figures.items(), *sorted(soak.done.items())]:
        print(f"{name:>24} {value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
