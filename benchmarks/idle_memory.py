"""Resident memory of an idle edge: core, gateway and the supervisor that keeps them.

Starts a station with the ready pcb model and a folder of pictures as its camera, lets it inspect a few
parts, waits, and reads what the kernel says::

    python benchmarks/idle_memory.py --json figures.json
    python benchmarks/idle_memory.py --sim          # with the renderer of simulated parts in it

Resident counts shared pages fully; proportional (PSS) divides them among those who share them.
"""

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import cv2
import yaml

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge_service.contract.keys import new_signing_key
from edge_service.contract.model_package import build_package, read_package
from edge_service.contract.trust import Trust, TrustStore
from edge_service.model_store.store import ModelStore
from edge_service.simulation import render
from edge_service.simulation.plc import SimulatedPlc
from edge_service.simulation.ready import ready_digests, ready_packages
from tests.support.process import service

IDLE_S = 5.0
PARTS = 4


async def _inspect(where: tuple[str, int]) -> None:
    async with SimulatedPlc(*where, mode="sequence") as plc:
        for _ in range(PARTS):
            await plc.inspect()


def memory(pid: int) -> tuple[float, float]:
    """Return resident and proportional memory of a process in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    found = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return found["Rss"] / 1024, found["Pss"] / 1024


def photographed(folder: Path) -> None:
    """Write ``edge.yaml`` with a picture as its camera, and install the ready pcb model, signed anew."""
    data = next(data for name, data in ready_packages().items() if name.startswith("pcb"))
    package = read_package(data, Trust.of(digests=ready_digests()))
    key, trust = new_signing_key(), TrustStore(folder / "data" / "trust")
    trust.add(key.public)
    store = ModelStore(folder / "data" / "models", trust.load)
    store.install(build_package(package.manifest, package.files, key))
    store.activate("pcb", package.manifest.version, lambda _: None)
    (folder / "parts").mkdir()
    cv2.imwrite(str(folder / "parts" / "1.png"), render("pcb", seed=1).pixels)
    tree = {
        "station": {"id": "benchmark", "data_dir": "data"},
        "camera": {"kind": "folder", "path": "parts"},
        "recipes": [{"number": 1, "name": "pcb", "model": "pcb"}],
        "inference": {"devices": ["CPU"]},
        "modbus": {"tcp": {"host": "127.0.0.1", "port": 0}},
        "gateway": {"http": {"port": 0}, "opcua": {"host": "127.0.0.1", "port": 0}},
    }
    (folder / "edge.yaml").write_text(yaml.safe_dump(tree))


def measure(*, sim: bool) -> dict[str, dict[str, float]]:
    """Return process -> memory in MB."""
    with tempfile.TemporaryDirectory() as scratch:
        arguments: tuple[str, ...] = ("run", "--sim", "--modbus-port", "0", "--data-dir", scratch)
        if not sim:
            photographed(Path(scratch))
            arguments = ("run", "--config", "edge.yaml")
        with service(Path(scratch), *arguments) as station:
            asyncio.run(_inspect(station.ready()))
            time.sleep(IDLE_S)
            children = [station.logged("child_started", number) for number in (1, 2)]
            pids = {each["child"]: each["pid"] for each in children} | {"supervisor": station.process.pid}
            found = {}
            for name, pid in pids.items():
                resident, proportional = memory(pid)
                found[name] = {"resident_mb": round(resident, 1), "proportional_mb": round(proportional, 1)}
            station.stop()
    sums = {key: round(sum(each[key] for each in found.values()), 1) for key in found["core"]}
    return found | {"together": sums}


def main() -> None:
    """Measure, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sim", action="store_true")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(sim=options.sim)
    print(f"{'idle edge':14}{'resident MB':>14}{'proportional MB':>18}")
    for name, each in found.items():
        print(f"{name:14}{each['resident_mb']:14.1f}{each['proportional_mb']:18.1f}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
