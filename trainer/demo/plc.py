"""The demo's PLC, a process of its own: it sees Modbus registers and nothing else.

Selects each recipe in turn, triggers its parts one after the other with the full handshake in sequence
mode, and prints one JSON line a part::

    python -m trainer.demo.plc 127.0.0.1:1502 1=40 2=40
"""

import asyncio
import json
import sys

from edge_service.errors import OkngError
from edge_service.simulation.plc import PlcResult, SimulatedPlc

BETWEEN_PARTS_S = 0.15  # a conveyor of six parts a second


async def drive(host: str, port: int, batches: list[tuple[int, int]]) -> None:
    """Inspect ``count`` parts of each ``(recipe, count)``; print a line a part and one at a recipe's end."""
    async with SimulatedPlc(host, port) as plc:
        await plc.clear_error()  # the station began without a model
        for recipe, count in batches:
            await plc.select_recipe(recipe)
            missed_before = int((await plc.outputs())["Statistics.Missed"])
            for number in range(1, count + 1):
                serial = f"R{recipe}-{number:04d}".encode()
                tell(recipe, serial, await plc.inspect(serial=serial, recipe=recipe))
                await asyncio.sleep(BETWEEN_PARTS_S)
            missed = int((await plc.outputs())["Statistics.Missed"]) - missed_before
            print(json.dumps({"recipe": recipe, "missed_triggers": missed}), flush=True)


def tell(recipe: int, serial: bytes, result: PlcResult) -> None:
    """Print what the PLC read for one part, whose serial must have come back."""
    line = {
        "recipe": recipe,
        "serial": serial.decode(),
        "verdict": int(result.verdict),
        "code": result.code,
        "score": result.score_x10000 / 10_000,
        "captured_ms": result.captured_at * 1000 + result.captured_ms,
        "latency_ms": result.round_trip_ms,
        "own": result.part_serial.rstrip(b"\0") == serial and result.recipe == recipe,
    }
    print(json.dumps(line), flush=True)


def main() -> int:
    """Run from the command line: HOST:PORT RECIPE=COUNT ..."""
    host, port = sys.argv[1].rsplit(":", 1)
    batches = [(int(recipe), int(count)) for recipe, count in (word.split("=") for word in sys.argv[2:])]
    try:
        asyncio.run(drive(host, int(port), batches))
    except OkngError as error:
        print(f"plc: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
