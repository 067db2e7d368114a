"""What a change costs the line: start with a warm cache, recipe change, a new model under 10 Hz triggers.

``python benchmarks/changeover.py --json changeover.json``

A real core with the ready pcb and crate models as recipes 1 and 2. It is started twice: the second start
finds the compiled kernels and the recorded variants. Then the PLC changes recipes back and forth; then it
triggers every 100 ms while a second version of the pcb model is installed, is got ready in the background,
and is activated by command 5. A trigger is missed when the station answers it with MissedAcquisition; one
that had to wait for TriggerReady at its time is counted as late.
"""

import argparse
import json
import socket
import statistics
import struct
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge_service.contract.keys import SigningKey, new_signing_key
from edge_service.contract.model_package import build_package, read_package
from edge_service.contract.trust import Trust, TrustStore
from edge_service.model_store.store import ModelStore
from edge_service.simulation.ready import ready_digests, ready_packages
from tests.support.process import Service, service

CONTROL = 1 << 5 | 1 << 0  # sequence mode, trigger enable
READY, MISSED, VALID, COMPLETED, FAILED = 1 << 0, 1 << 3, 1 << 11, 1 << 13, 1 << 14
SELECT_RECIPE, ACTIVATE = 1, 5
PERIOD_S = 0.1
CHANGES = 10
AFTER_S = 3.0  # of triggers once the new model judges


class Plc:
    """A Modbus master with triggers and commands, in sequence mode."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.trigger_sequence = self._command_sequence = 0
        self._write(1 << 5)
        self._write(CONTROL)

    def trigger(self) -> None:
        """Ask for a part."""
        self.trigger_sequence = self.trigger_sequence % 65535 + 1
        self._write(CONTROL)

    def take(self, words: tuple[int, ...]) -> None:
        """Acknowledge the record that is shown."""
        self._write(CONTROL, ack=words[10])

    def order(self, command: int, parameter: int = 0) -> None:
        """Give a command."""
        self._command_sequence += 1
        self._write(CONTROL, command=command, parameter=parameter)

    def read(self) -> tuple[int, ...]:
        """Return the compact block."""
        return struct.unpack(">16H", self._ask(struct.pack(">BHH", 4, 0, 16), 41)[9:])

    def answered(self, words: tuple[int, ...]) -> bool:
        """Whether the last command has its answer; a failed one ends the benchmark."""
        if words[7] != self._command_sequence or not words[0] & (COMPLETED | FAILED):
            return False
        if words[0] & FAILED:
            raise SystemExit(f"the command failed with code {words[8]}")
        return True

    def close(self) -> None:
        """Give the station back."""
        self._write(1 << 5)
        self._socket.close()

    def _write(self, control: int, *, ack: int = 0, command: int = 0, parameter: int = 0) -> None:
        words = (control, 0, self.trigger_sequence, ack, 0, command, self._command_sequence, 0, parameter)
        self._ask(struct.pack(">BHHB9H", 16, 0, 9, 18, *words), 12)

    def _ask(self, pdu: bytes, length: int) -> bytes:
        self._socket.sendall(struct.pack(">HHHB", 1, 0, len(pdu) + 1, 1) + pdu)
        answer = b""
        while len(answer) < length:
            answer += self._socket.recv(512)
        return answer


def version(name: str, number: str, key: SigningKey) -> bytes:
    """Return the ready model of a product under another version, signed by ``key``."""
    data = next(data for file, data in ready_packages().items() if file.startswith(name))
    package = read_package(data, Trust.of(digests=ready_digests()))
    return build_package(package.manifest.model_copy(update={"version": number}), package.files, key)


def prepare(folder: Path, key: SigningKey) -> ModelStore:
    """Install version 1 of both models and write the configuration."""
    trust = TrustStore(folder / "data" / "trust")
    trust.add(key.public)
    store = ModelStore(folder / "data" / "models", trust.load)
    for name in ("pcb", "crate"):
        store.install(version(name, "1", key))
        store.activate(name, "1", lambda _: None)
    tree = {
        "station": {"id": "benchmark", "data_dir": "data"},
        "camera": {"kind": "simulated", "products": {"1": "pcb", "2": "crate"}, "pre_rendered": 4},
        "recipes": [
            {"number": 1, "name": "pcb", "model": "pcb"},
            {"number": 2, "name": "crate", "model": "crate"},
        ],
        "inference": {"devices": ["CPU"]},
        "modbus": {"tcp": {"host": "127.0.0.1", "port": 0}},
    }
    (folder / "edge.yaml").write_text(yaml.safe_dump(tree))
    return store


def start_s(folder: Path) -> float:
    """Start the core, wait for Ready, stop it; return how long Ready took."""
    began = time.perf_counter()
    with service(folder, "core", "--config", "edge.yaml") as core:
        core.ready()
        taken = time.perf_counter() - began
        core.stop()
    return taken


def recipe_changes(plc: Plc) -> list[float]:
    """Return milliseconds from the order to Completed, of each change."""
    times = []
    for number in range(CHANGES):
        began = time.perf_counter()
        plc.order(SELECT_RECIPE, 2 - number % 2)
        while not plc.answered(plc.read()):
            time.sleep(0.001)
        times.append((time.perf_counter() - began) * 1000.0)
    return times


def activate_under_triggers(plc: Plc, core: Service, store: ModelStore, data: bytes) -> dict[str, Any]:
    """Trigger at 10 Hz while version 2 comes, is got ready and is activated; return what happened."""
    found: dict[str, Any] = {"triggers": 0, "missed": 0, "late": 0, "longest_wait_ms": 0.0}
    store.install(data)
    ordered = switched = None
    following = time.perf_counter()
    while switched is None or time.perf_counter() < switched + AFTER_S:
        began = time.perf_counter()
        while not plc.read()[0] & READY:
            time.sleep(0.001)
        waited = (time.perf_counter() - began) * 1000.0
        found["late"] += waited > PERIOD_S * 1000.0 / 10
        found["longest_wait_ms"] = max(found["longest_wait_ms"], round(waited, 1))
        plc.trigger()
        found["triggers"] += 1
        while True:
            words = plc.read()
            if words[0] & MISSED and words[5] == plc.trigger_sequence:
                found["missed"] += 1
                break
            if words[0] & VALID and words[11] == plc.trigger_sequence:
                plc.take(words)
                break
            time.sleep(0.001)
        ready = '"model": "pcb 2"' in core.stderr
        if ordered is None and ready:
            plc.order(ACTIVATE)
            ordered = time.perf_counter()
        elif ordered is not None and switched is None and plc.answered(plc.read()):
            switched = time.perf_counter()
            found["switch_ms"] = round((switched - ordered) * 1000.0, 1)
        following += PERIOD_S
        time.sleep(max(0.0, following - time.perf_counter()))
    return found


def measure() -> dict[str, Any]:
    """Run all of it; return the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder, key = Path(scratch), new_signing_key()
        store = prepare(folder, key)
        found: dict[str, Any] = {"first_start_s": round(start_s(folder), 2)}
        found["warm_start_s"] = round(start_s(folder), 2)
        with service(folder, "core", "--config", "edge.yaml") as core:
            host, port = core.ready()
            core.logged("model_ready", 2)  # both recipes' models are resident
            plc = Plc(host, port)
            changes = recipe_changes(plc)
            found["recipe_change_median_ms"] = round(statistics.median(changes), 1)
            found["recipe_change_longest_ms"] = round(max(changes), 1)
            plc.order(SELECT_RECIPE, 1)
            while not plc.answered(plc.read()):
                time.sleep(0.001)
            found["activation"] = activate_under_triggers(plc, core, store, version("pcb", "2", key))
            plc.close()
            core.stop()
    return found


def main() -> None:
    """Measure, print the figures, write them where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure()
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
