"""Fuzzed frames at the station's Modbus servers: 100,000 over TCP, a share of them on a serial line.

``python benchmarks/modbus_fuzz.py --frames 100000 --seed 1 --json fuzz.json``

Beside the fuzzer a PLC owns the station and inspects a part each fifty frames; on the line the station's own
master reads after each frame. Both must be served: anything else ends the run with an AssertionError.
Reported are the PLC's reply times meanwhile and the lines that the station logged.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path

import numpy as np
from structlog.testing import capture_logs

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_rtu import ModbusRtuServer, ModbusRtuSettings
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from tests.support.fuzz import Seen, fuzz_rtu, fuzz_tcp
from tests.support.machine_station import MachineStation
from tests.support.rtu_line import RtuLine
from tests.support.rtu_server import running


async def over_tcp(frames: int, seed: int) -> Seen:
    """Fuzz a server on a free port."""
    settings = ModbusTcpSettings(host="127.0.0.1", port=0)
    async with MachineStation() as station, ModbusTcpServer(settings, Memory(station)) as server:
        seen = await fuzz_tcp(server.socket_address(), frames, seed)
        assert len(station.published) == seen.parts, "each part once"
        return seen


async def on_a_line(frames: int, seed: int) -> Seen:
    """Fuzz a server on a pseudo-terminal."""
    async with MachineStation() as station, RtuLine() as line:
        server = ModbusRtuServer(ModbusRtuSettings(line.device, 115200), Memory(station))
        async with running(server):
            return await fuzz_rtu(line, frames, seed)


def figures(seen: Seen, began: float, logged: int) -> dict[str, float]:
    """Return what there is to tell."""
    return {
        "frames": seen.frames,
        "seconds": round(time.perf_counter() - began, 1),
        "connections": seen.connections,
        "replies": seen.replies,
        "parts_inspected": seen.parts,
        "retries": seen.retries,
        "reply_p50_ms": round(float(np.percentile(seen.reply_ms, 50)), 3),
        "reply_p99_ms": round(float(np.percentile(seen.reply_ms, 99)), 3),
        "reply_worst_ms": round(max(seen.reply_ms), 3),
        "log_lines": logged,
    }


def main() -> None:
    """Run, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=100_000)
    parser.add_argument("--line-frames", type=int, default=5_000, help="on the serial line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for name, work in (
        ("tcp", over_tcp(options.frames, options.seed)),
        ("rtu", on_a_line(options.line_frames, options.seed)),
    ):
        began = time.perf_counter()
        with capture_logs() as lines:
            seen = asyncio.run(work)
        found[name] = figures(seen, began, len(lines))
        print(f"\n{name}")
        for key, value in found[name].items():
            print(f"{key:>24} {value}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
