"""Eight readers and a PLC that never pauses, at the real server and inspection loop: 20,000 parts.

``python benchmarks/modbus_crowd.py --parts 20000 --json crowd.json``

Readers poll input registers 0-119 every 10 ms each; the PLC triggers as soon as TriggerReady is 1. Camera and
engine cost nothing and number their frames. Every snapshot must be of one piece, every part must get its own
record, none may be lost or doubled: anything else ends the run with an AssertionError. Station, PLC and
readers are processes of their own.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.crowd import READERS, drive, fast_station, watch

ROOT = Path(__file__).parents[1]


async def station(parts: int) -> dict[str, object]:
    """Run the station and, as programs, the PLC and the readers."""
    with tempfile.TemporaryDirectory() as folder:
        async with fast_station(Path(folder)) as (address, counters):
            where = (address[0], str(address[1]), "--parts", str(parts))
            readers = await _program("readers", *where)
            plc = await _program("plc", *where)
            taken_s = json.loads(await _finished(plc))
            assert readers.stdin is not None
            readers.stdin.close()
            snapshots = json.loads(await _finished(readers))
    assert counters == list(range(counters[0], counters[0] + parts)), "published once each, in order"
    return {
        "parts": parts,
        "seconds": round(taken_s, 1),
        "parts_per_s": round(parts / taken_s, 1),
        "readers": READERS,
        "snapshots": sum(looked for looked, _ in snapshots),
        "snapshots_with_a_record": sum(seen for _, seen in snapshots),
    }


async def _program(role: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, __file__, "--role", role, "--at", *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )


async def _finished(program: asyncio.subprocess.Process) -> bytes:
    assert program.stdout is not None
    output = await program.stdout.read()
    if await program.wait():
        raise SystemExit("a check failed, see above")
    return output


async def readers(address: tuple[str, int]) -> list[tuple[int, int]]:
    """Read until stdin ends."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stop.set)
    tasks = [watch(address, f"127.0.0.{number + 2}", stop) for number in range(READERS)]
    return list(await asyncio.gather(*tasks))


def main() -> None:
    """Run, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=int, default=20_000)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--role", choices=("plc", "readers"), help=argparse.SUPPRESS)
    parser.add_argument("--at", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        address = (options.at[0], int(options.at[1]))
        work = drive(address, options.parts) if options.role == "plc" else readers(address)
        print(json.dumps(asyncio.run(work)))  # type: ignore[arg-type]
        return
    figures = asyncio.run(station(options.parts))
    for name, value in figures.items():
        print(f"{name:>24} {value}")
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
