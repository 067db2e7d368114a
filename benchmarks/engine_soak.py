"""Memory over many inferences: the engine as the station uses it, every result taken and dropped.

``python benchmarks/engine_soak.py --inferences 100000 --json soak.json``

By default with a small graph made here (64 x 64 pixels, a few operations), so that 100,000 inferences take
minutes: what could leak (requests, tensors, arrays handed over, threads) is the same for every graph.
``--package pcb-1.okng`` takes a real one. Every 1,000 inferences the resident memory is noted; ``growth_mb``
is the median of the last tenth minus that of the second tenth. Ends with exit status 1 when it is above 5 MB.
"""

import argparse
import asyncio
import hashlib
import io
import json
import statistics
import sys
import time
import zipfile
from pathlib import Path

import numpy as np

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge_service.contract.model_package import read_package
from edge_service.contract.trust import Trust
from edge_service.domain.inspection import Frame
from edge_service.inference.engine import OpenVinoEngine
from tests.support.tiny_model import tiny_ir

NOTED_EVERY = 1000
MOST_GROWTH_MB = 5.0


def resident_mb() -> float:
    """Return this process's resident memory."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def graph(package: Path | None) -> tuple[bytes, bytes]:
    """Return the graph to run: the small one, or a package's."""
    if package is None:
        return tiny_ir()
    data = package.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        digest = hashlib.sha256(archive.read("manifest.json")).hexdigest()
    found = read_package(data, Trust.of(digests=[digest])).graph()
    return found.xml, found.weights


async def soak(engine: OpenVinoEngine, inferences: int) -> list[float]:
    """Judge frames of changing content and size, as a station does; return resident memory as it went."""
    random = np.random.default_rng(1)
    frames = [
        Frame(random.integers(0, 255, (height, width, 3), np.uint8), 0.0, 0.0, 0.0, "soak")
        for height, width in ((240, 320), (300, 480), (64, 64))
    ]
    noted = []
    for number in range(1, inferences + 1):
        await engine.infer(frames[number % len(frames)])
        if number % NOTED_EVERY == 0:
            noted.append(resident_mb())
    return noted


def main() -> None:
    """Run, print the figures, write them where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--inferences", type=int, default=100_000)
    parser.add_argument("--package", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    xml, weights = graph(options.package)
    with OpenVinoEngine.load(xml, weights, devices=("CPU",)) as engine:
        began = time.perf_counter()
        noted = asyncio.run(soak(engine, options.inferences))
        taken = time.perf_counter() - began
    tenth = max(1, len(noted) // 10)
    growth = statistics.median(noted[-tenth:]) - statistics.median(noted[tenth : 2 * tenth] or noted[:1])
    found = {
        "inferences": options.inferences,
        "graph": str(options.package or "small, 64 x 64"),
        "seconds": round(taken, 1),
        "resident_first_mb": round(noted[0], 1),
        "resident_last_mb": round(noted[-1], 1),
        "growth_mb": round(growth, 2),
    }
    for name, value in found.items():
        print(f"{name:>20} {value}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    if growth > MOST_GROWTH_MB:
        sys.exit(1)


if __name__ == "__main__":
    main()
