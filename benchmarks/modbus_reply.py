"""How long a Modbus reply takes: while the station idles, and while real inference runs without a pause.

``python benchmarks/modbus_reply.py --json reply.json``

A real core process with the ready model; a reader in a process of its own asks for input registers 0-119
every few milliseconds over one connection. In the busy rounds another process is a PLC that triggers part
after part. Idle and busy rounds take turns, so that a machine that slows down slows both. Times are the
reader's own, from just before the request was written until the whole reply was read.
"""

import argparse
import json
import select
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.trigger_to_result import LeanPlc, prepare
from edge_service.simulation.ready import ready_packages
from tests.support.process import ROOT, service

ROUNDS = 5
PAUSE_S = 0.002
WARM_UP = 20
_REQUEST = struct.pack(">HHHBBHH", 1, 0, 6, 1, 4, 0, 120)
_REPLY_BYTES = 9 + 240


def ask(where: tuple[str, int], requests: int) -> list[float]:
    """Return milliseconds of each reply."""
    taken = []
    with socket.create_connection(where, timeout=10) as wire:
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(requests):
            time.sleep(PAUSE_S)
            began = time.perf_counter()
            wire.sendall(_REQUEST)
            length = 0
            while length < _REPLY_BYTES:
                length += len(wire.recv(512))
            taken.append((time.perf_counter() - began) * 1000)
    return taken


def keep_busy(where: tuple[str, int]) -> int:
    """Be a PLC without a pause until stdin ends; return how many parts."""
    plc, parts = LeanPlc(*where), 0
    stdin = sys.stdin.fileno()

    while not select.select([stdin], [], [], 0)[0]:
        plc.inspect()
        parts += 1
    plc.close()
    return parts


def role(name: str, where: tuple[str, int], *more: str) -> subprocess.Popen[str]:
    """Start this program in another part."""
    command = [sys.executable, __file__, "--role", name, "--at", where[0], str(where[1])]
    return subprocess.Popen(
        [*command, *more], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def replies(where: tuple[str, int], requests: int) -> list[float]:
    """Measure in a process of its own."""
    reader = role("reader", where, "--requests", str(requests))
    output, _ = reader.communicate()
    if reader.returncode:
        raise SystemExit("the reader failed, see above")
    return list(json.loads(output))


def measure(requests: int, device: str) -> dict[str, Any]:
    """Measure both in turns; return the figures."""
    data = next(data for name, data in ready_packages().items() if name.startswith("pcb"))
    idle: list[float] = []
    busy: list[float] = []
    parts, busy_s = 0, 0.0
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        package = prepare(folder, data, device)
        with service(folder, "core", "--config", "edge.yaml") as core:
            where = core.ready()
            warm = LeanPlc(*where)
            for _ in range(WARM_UP):
                warm.inspect()
            warm.close()
            for _ in range(ROUNDS):
                idle += replies(where, requests // ROUNDS)
                plc, began = role("plc", where), time.perf_counter()
                busy += replies(where, requests // ROUNDS)
                busy_s += time.perf_counter() - began
                parts += int(plc.communicate("")[0])
            if core.stop() != 0:
                raise SystemExit(core.stderr)
    return {
        "model": package.label,
        "device": device,
        "requests": len(idle),
        "parts_meanwhile": parts,
        "parts_per_s": round(parts / busy_s, 1),
        **percentiles("idle", idle),
        **percentiles("busy", busy),
    }


def percentiles(name: str, taken: list[float]) -> dict[str, float]:
    """Return p50, p99 and the worst."""
    return {
        f"{name}_p50_ms": round(float(np.percentile(taken, 50)), 3),
        f"{name}_p99_ms": round(float(np.percentile(taken, 99)), 3),
        f"{name}_worst_ms": round(max(taken), 3),
    }


def main() -> None:
    """Measure, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=10_000, help="of each kind")
    parser.add_argument("--device", default="CPU")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--role", choices=("reader", "plc"), help=argparse.SUPPRESS)
    parser.add_argument("--at", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        where = (options.at[0], int(options.at[1]))
        print(json.dumps(ask(where, options.requests) if options.role == "reader" else keep_busy(where)))
        return
    found = measure(options.requests, options.device)
    for name, value in found.items():
        print(f"{name:>20} {value}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
