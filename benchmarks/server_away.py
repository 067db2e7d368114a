"""Trigger to result with the training server there, silent, and gone: in one run, turn and turn about.

A real core and gateway, enrolled at a real training server, all of them processes on this machine. A PLC in
a process of its own triggers block after block of parts; between the blocks the server is let run, stopped in
the middle of its work (SIGSTOP: it takes connections and never answers) or killed. Results and pictures of
the blocks without a server wait in the outbox and travel in the next block with one, beside the line. Figures
are the PLC's, and each condition's ratio to the first::

    python benchmarks/server_away.py --parts 600 --json away.json
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import yaml

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.trigger_to_result import WARM_UP, plc_process, prepare
from edge_service.outbox import Queue
from edge_service.simulation.ready import ready_packages
from tests.support.enrolled import okng_edge
from tests.support.process import ROOT, service

ROUNDS = 6
CONDITIONS = ("there", "silent", "gone")
START_S = 60.0


class TrainingServer:
    """A real server process on one port, put into each condition in turn."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, _free_port()
        tree = {"server": {"data_dir": "server", "http": {"port": self.port}}, "storage": {"keep_free_mb": 0}}
        (folder / "trainer.yaml").write_text(yaml.safe_dump(tree))
        self._process: subprocess.Popen[bytes] | None = None

    def become(self, condition: str) -> None:
        """Be there, silent or gone."""
        if condition == "there":
            self._start()
            self.process.send_signal(signal.SIGCONT)
        elif condition == "silent":
            self._start()
            self.process.send_signal(signal.SIGSTOP)
        else:
            self.kill()

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running process."""
        assert self._process is not None, "it was started"
        return self._process

    def ask(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Ask it as its admin."""
        token = (self._folder / "server" / "admin.token").read_text("ascii").strip()
        head = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, head, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def kill(self) -> None:
        """Be gone at once."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        with (self._folder / "server.log").open("ab") as log:
            command = [sys.executable, "-m", "trainer", "serve", "--config", "trainer.yaml"]
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                stdout=subprocess.DEVNULL,
                stderr=log,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        raise SystemExit("the server did not start")


@contextmanager
def station(folder: Path, server: TrainingServer, device: str) -> Iterator[tuple[str, int]]:
    """Run an enrolled station; give where its PLC finds it."""
    data = next(data for name, data in ready_packages().items() if name.startswith("pcb"))
    prepare(folder, data, device)
    config = folder / "edge.yaml"
    tree = yaml.safe_load(config.read_text())
    tree["gateway"] = {"http": {"port": 0}, "opcua": {"enabled": False}}
    tree["uplink"] = {"timeout_s": 2.0, "health_s": 1.0, "retry_most_s": 2.0}
    tree["outbox"] = {"images": {"spot_check_every": 4}}
    config.write_text(yaml.safe_dump(tree))
    code = server.ask("POST", "/api/v1/edges/codes", {"station": "benchmark"})["code"]
    enrolled = okng_edge(folder, "enrol", f"http://127.0.0.1:{server.port}", code, "-c", "edge.yaml")
    if enrolled.returncode:
        raise SystemExit(enrolled.stderr)
    with service(folder, "run", "--config", "edge.yaml") as running:
        yield running.ready()
        if running.stop() != 0:
            raise SystemExit(running.stderr)


def measure(parts: int, device: str) -> dict[str, Any]:
    """Run all conditions in turns; return the figures."""
    seen: dict[str, list[float]] = {condition: [] for condition in CONDITIONS}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        server = TrainingServer(folder)
        try:
            server.become("there")
            with station(folder, server, device) as where:
                plc_process(where, WARM_UP)
                for number in range(ROUNDS):
                    for condition in CONDITIONS[number % 3 :] + CONDITIONS[: number % 3]:
                        server.become(condition)
                        seen[condition] += [
                            part.round_trip_ms for part in plc_process(where, parts // ROUNDS)
                        ]
                server.become("there")
                waited_s = _drained(folder)
        finally:
            server.kill()
    return {"device": device, "drained_s": round(waited_s, 1)} | {
        condition: _figures(seen[condition], seen["there"]) for condition in CONDITIONS
    }


def _figures(taken: list[float], beside: list[float]) -> dict[str, float]:
    p99 = float(np.percentile(taken, 99))
    return {
        "parts": len(taken),
        "median_ms": round(statistics.median(taken), 3),
        "p99_ms": round(p99, 3),
        "median_ratio": round(statistics.median(taken) / statistics.median(beside), 3),
        "p99_ratio": round(p99 / float(np.percentile(beside, 99)), 3),
    }


def _drained(folder: Path) -> float:
    """Wait until the server has everything; return how long that took."""
    began = time.monotonic()
    while time.monotonic() < began + START_S:
        with Queue(folder / "data" / "outbox") as queue:
            counts = queue.ledger.counts()
        if not counts.inspections_waiting and not counts.pictures_waiting:
            return time.monotonic() - began
        time.sleep(0.2)
    raise SystemExit(f"still waiting after {START_S:g} s: {counts}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def table(found: dict[str, Any]) -> None:
    """Print the figures."""
    print(f"\n{'server':12}{'parts':>8}{'median ms':>12}{'p99 ms':>12}{'ratio':>9}{'of p99':>9}")
    for condition in CONDITIONS:
        each = found[condition]
        print(
            f"{condition:12}{each['parts']:8}{each['median_ms']:12.2f}{each['p99_ms']:12.2f}"
            f"{each['median_ratio']:9.3f}{each['p99_ratio']:9.3f}"
        )
    print(f"the rest reached the server {found['drained_s']} s after the last part")


def main() -> None:
    """Measure, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="CPU")
    parser.add_argument("--parts", type=int, default=600, help="in each condition")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = measure(options.parts, options.device)
    table(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
