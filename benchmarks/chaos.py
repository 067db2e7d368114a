"""Kill -9 of core, gateway, server and worker at random, on a flapping network: the accounts must balance.

``python benchmarks/chaos.py --inspections 5000 --kills 100 --seed 1 --json chaos.json``

Real processes on loopback with a model of a few kilobytes, a TCP proxy as the cable that is cut, a PLC that
gives every part a serial of its own, a new model assigned half-way. It fails (exit 1) when an inspection that
reached the outbox is not on the server exactly once, when a picture is missing, or when more than the part in
hand is missing after one kill of the core.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from pathlib import Path

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.chaos import Accounts, Budget, run_chaos


def table(accounts: Accounts) -> None:
    """Print every count."""
    for name, value in accounts.plain().items():
        shown = (
            ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else value
        )
        if name != "breaches":
            print(f"{name.replace('_', ' '):32}{shown}")
    print("balanced" if not accounts.breaches else "\n".join(f"BREACH: {each}" for each in accounts.breaches))


def main() -> None:
    """Run, print, and exit 1 where the accounts do not balance."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inspections", type=int, default=5_000)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace-ms", type=float, default=20.0, help="from an answer to the next trigger")
    parser.add_argument("--keep", type=Path, help="a new folder to leave databases and logs in")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)  # a dead core is no news here
    budget = Budget(options.inspections, options.kills, options.seed, options.pace_ms / 1000)
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        accounts = asyncio.run(run_chaos(folder, budget, tell=lambda text: print(text, flush=True)))
    table(accounts)
    if options.json:
        options.json.write_text(json.dumps(accounts.plain(), indent=2) + "\n")
    sys.exit(1 if accounts.breaches else 0)


if __name__ == "__main__":
    main()
