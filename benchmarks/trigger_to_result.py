"""Trigger to result over Modbus, beside the bare compiled model in OpenVINO's own loop, in one run.

A real core process with a camera that costs nothing (parts rendered beforehand) is driven by a PLC in a
process of its own, which writes a trigger and polls each millisecond until the record is there. The same
model, on the same device and at the same precision, runs in a plain ``infer`` loop on pictures of its own
size before, between and after. What the station adds is the difference::

    python benchmarks/trigger_to_result.py                      # the ready model
    python benchmarks/trigger_to_result.py --package pcb-1.okng --parts 500 --json figures.json

The PLC's polling takes its share of this machine's processors, whatever is being polled; on a line the PLC
has its own. So the bare model runs beside a PLC that polls a station at rest, with the rest between pictures
that lies between parts (the reference), and, for comparison, alone. Quantile is compared with quantile::

    overhead = trigger to result, by the PLC's clock, minus the bare model beside a polling PLC: median minus
               median, 99th percentile minus 99th percentile

The stages are medians of the station's own log. Of the largest, what the engine takes beside the bare model,
the resize of the camera's frame to the model's size is told apart.
"""

import argparse
import hashlib
import io
import json
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from edge_service.contract.keys import new_signing_key
from edge_service.contract.model_package import ModelPackage, build_package, read_package
from edge_service.contract.trust import Trust, TrustStore
from edge_service.inference.graph import openvino_core
from edge_service.inference.preprocess import keep_processors_for_the_model, to_model_input
from edge_service.model_store.store import ModelStore
from edge_service.simulation import render
from edge_service.simulation.ready import ready_packages
from tests.support.process import ROOT, Service, service

ROUNDS = 10  # bare model and station take turns, so that a machine that slows down slows both
WARM_UP = 20
POLL_S = 0.001
REST_S = 0.003  # between two parts, as this PLC triggers
POLLS_AT_MOST_S = 60.0
STATUS = {"sequence_mode": 1 << 5, "enable": 1 << 0, "valid": 1 << 11, "ready": 1 << 0}


@dataclass(frozen=True, slots=True)
class Part:
    """What the PLC saw of one part, in milliseconds of its own clock."""

    round_trip_ms: float
    polls: int


class LeanPlc:
    """A Modbus master of a few lines: one socket, sequence mode, the compact block alone."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sequence = 0
        self._control = STATUS["sequence_mode"]
        self._due = 0.0
        self._write(0, 0)
        self._control |= STATUS["enable"]
        self._write(0, 0)

    def inspect(self) -> Part:
        """Wait for Ready, trigger, poll each millisecond until the record is there, acknowledge it."""
        while not self._read()[0] & STATUS["ready"]:
            self._next_cycle()
        self._sequence = self._sequence % 65535 + 1
        began = time.perf_counter()
        self._write(self._sequence, 0)
        polls = 0
        while True:
            words = self._read()
            polls += 1
            if words[0] & STATUS["valid"] and words[11] == self._sequence:
                break
            self._next_cycle()
        taken = time.perf_counter() - began
        self._write(self._sequence, words[10])
        return Part(taken * 1000, polls)

    def poll(self, seconds: float) -> None:
        """Poll each millisecond without a trigger."""
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self._read()
            self._next_cycle()

    def close(self) -> None:
        """Give the station back."""
        self._control = STATUS["sequence_mode"]
        self._write(self._sequence, 0)
        self._socket.close()

    def _next_cycle(self) -> None:
        """Wait for the next millisecond of the PLC's own cycle, whatever this one took."""
        now = time.perf_counter()
        self._due = max(self._due + POLL_S, now)
        time.sleep(self._due - now)

    def _write(self, sequence: int, ack: int) -> None:
        words = (self._control, 0, sequence, ack, 0)
        self._ask(struct.pack(">BHHB5H", 16, 0, 5, 10, *words), 12)

    def _read(self) -> tuple[int, ...]:
        return struct.unpack(">16H", self._ask(struct.pack(">BHH", 4, 0, 16), 41)[9:])

    def _ask(self, pdu: bytes, length: int) -> bytes:
        self._socket.sendall(struct.pack(">HHHB", 1, 0, len(pdu) + 1, 1) + pdu)
        answer = b""
        while len(answer) < length:
            answer += self._socket.recv(512)
        return answer


def drive(host: str, port: int, parts: int) -> None:
    """Be the PLC: print one JSON line with what each part took."""
    plc = LeanPlc(host, port)
    seen = [plc.inspect() for _ in range(parts)]
    plc.close()
    print(json.dumps([[part.round_trip_ms, part.polls] for part in seen]))


def poll(host: str, port: int) -> None:
    """Be a PLC that only polls, from the line it prints until it is ended."""
    plc = LeanPlc(host, port)
    print("polling", flush=True)
    plc.poll(POLLS_AT_MOST_S)
    plc.close()


def plc_process(where: tuple[str, int], parts: int) -> list[Part]:
    """Run ``drive`` in a process of its own."""
    drive_it = ["--drive", where[0], str(where[1]), "--parts", str(parts)]
    command = [sys.executable, __file__, *drive_it]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    return [Part(*each) for each in json.loads(done.stdout)]


def beside_polling(where: tuple[str, int], bare: "BareModel", times: int) -> list[float]:
    """Return milliseconds of each inference of the bare model while a PLC polls."""
    command = [sys.executable, __file__, "--poll", where[0], str(where[1])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as plc:
        assert plc.stdout is not None
        plc.stdout.readline()
        taken = bare.run(times, REST_S)
        plc.terminate()
    return taken


class BareModel:
    """The package's graph in OpenVINO's own loop, set up as the engine sets it up: in the same variant."""

    def __init__(self, package: ModelPackage, device: str, variant: str) -> None:
        graph = package.graph("int8" if variant == "int8" else "fp16")
        core = openvino_core()
        model = core.read_model(model=graph.xml, weights=graph.weights)
        hint = {"INFERENCE_PRECISION_HINT": "f32" if variant == "int8" else variant}
        latency = {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
        compiled = core.compile_model(model, device, latency | (hint if device == "CPU" else {}))
        self.precision = variant
        self._request = compiled.create_infer_request()
        random = np.random.default_rng(1)
        self._image = random.integers(0, 255, (1, graph.height, graph.width, 3), np.uint8)
        self._size = (graph.height, graph.width)

    def run(self, times: int, rest_s: float = 0.0) -> list[float]:
        """Return milliseconds of each inference, after a rest."""
        taken = []
        for _ in range(times):
            time.sleep(rest_s)
            began = time.perf_counter()
            self._request.infer({"image": self._image}, share_inputs=True)
            taken.append((time.perf_counter() - began) * 1000)
        return taken

    def resize(self, frame: NDArray[np.uint8], times: int) -> list[float]:
        """Return milliseconds of each resize of a camera's frame to the model's size."""
        taken = []
        for _ in range(times):
            began = time.perf_counter()
            to_model_input(frame, *self._size)
            taken.append((time.perf_counter() - began) * 1000)
        return taken


def prepare(folder: Path, data: bytes, device: str) -> ModelPackage:
    """Put the package, signed anew, and a configuration into ``folder``; return the package."""
    package = read_package(data, Trust.of(digests=[_digest(data)]))
    name, version = package.manifest.name, package.manifest.version
    key, trust = new_signing_key(), TrustStore(folder / "data" / "trust")
    trust.add(key.public)
    store = ModelStore(folder / "data" / "models", trust.load)
    store.install(build_package(package.manifest, package.files, key))
    store.activate(name, version, lambda _: None)
    tree = {
        "station": {"id": "benchmark", "data_dir": "data"},
        "camera": {"kind": "simulated", "product": name, "pre_rendered": 4},
        "recipes": [{"number": 1, "name": name, "model": name}],
        "inference": {"devices": [device]},
        "modbus": {"tcp": {"host": "127.0.0.1", "port": 0}},
    }
    (folder / "edge.yaml").write_text(yaml.safe_dump(tree))
    return package


def stages(core: Service, skip: int) -> dict[str, list[float]]:
    """Return where the station's time went, from its own log, a list of milliseconds each."""
    lines = [json.loads(line) for line in core.stderr.splitlines() if '"event": "inspection"' in line][skip:]
    return {
        "exposure": [line["trigger_to_exposure_ms"] for line in lines],
        "inference": [line["inference_ms"] for line in lines],
        "publish": [line["trigger_to_publish_ms"] for line in lines],
    }


def measure(data: bytes, device: str, parts: int) -> dict[str, Any]:
    """Run both in turns; return the figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        package = prepare(folder, data, device)
        seen: list[Part] = []
        with service(folder, "core", "--config", "edge.yaml") as core:
            where = core.ready()
            bare = BareModel(package, device, core.logged("model_ready")["precision"])
            bare.run(WARM_UP)
            alone_ms, model_ms = bare.run(parts // ROUNDS), beside_polling(where, bare, parts // ROUNDS)
            resize_ms: list[float] = []
            frame = render(package.manifest.name, seed=1).pixels
            plc_process(where, WARM_UP)
            for _ in range(ROUNDS):
                seen += plc_process(where, parts // ROUNDS)
                alone_ms += bare.run(parts // ROUNDS)
                model_ms += beside_polling(where, bare, parts // ROUNDS)
                resize_ms += bare.resize(frame, parts // ROUNDS)
            if core.stop() != 0:
                raise SystemExit(core.stderr)
            inside = stages(core, WARM_UP)
    about = {"model": package.label, "device": device, "precision": bare.precision}
    found = about | figures(model_ms, seen, inside)
    found["stages_median_ms"]["of_the_engine_resize"] = round(statistics.median(resize_ms), 3)
    found["model_alone_median_ms"] = round(statistics.median(alone_ms), 3)
    found["model_alone_p99_ms"] = round(_p99(alone_ms), 3)
    return found


def _p99(values: Sequence[float]) -> float:
    return float(np.percentile(values, 99))


def figures(model_ms: list[float], seen: list[Part], inside: dict[str, list[float]]) -> dict[str, Any]:
    """Return every figure of the report."""
    model, total = statistics.median(model_ms), [part.round_trip_ms for part in seen]
    engine = np.subtract(inside["inference"], model)
    rest = np.subtract(inside["publish"], np.add(inside["exposure"], inside["inference"]))
    wire = np.subtract(total, inside["publish"])
    return {
        "parts": len(seen),
        "model_median_ms": round(model, 3),
        "model_p99_ms": round(_p99(model_ms), 3),
        "trigger_to_result_median_ms": round(statistics.median(total), 3),
        "trigger_to_result_p99_ms": round(_p99(total), 3),
        "overhead_median_ms": round(statistics.median(total) - model, 3),
        "overhead_p99_ms": round(_p99(total) - _p99(model_ms), 3),
        "stages_median_ms": {
            "accept_to_frame": round(statistics.median(inside["exposure"]), 3),
            "engine_beside_bare_model": round(float(np.median(engine)), 3),
            "judge_and_publish": round(float(np.median(rest)), 3),
            "wire_and_poll": round(float(np.median(wire)), 3),
        },
        "polls_median": statistics.median(part.polls for part in seen),
    }


def table(found: dict[str, Any]) -> None:
    """Print the figures."""
    head = f"{found['model']} on {found['device']} ({found['precision']}), {found['parts']} parts"
    print(f"\n{head}\n{'':38}{'median ms':>12}{'p99 ms':>12}")
    for name, key in (
        ("bare model alone, OpenVINO's own loop", "model_alone"),
        ("bare model beside a polling PLC", "model"),
        ("trigger to result over Modbus", "trigger_to_result"),
        ("what the station adds", "overhead"),
    ):
        print(f"{name:38}{found[key + '_median_ms']:12.2f}{found[key + '_p99_ms']:12.2f}")
    for name, value in found["stages_median_ms"].items():
        print(f"    {name.replace('_', ' '):34}{value:12.2f}")


def _digest(data: bytes) -> str:

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return hashlib.sha256(archive.read("manifest.json")).hexdigest()


def main() -> None:
    """Measure, print a table, write the figures where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--package", type=Path, help="a model package (default: the ready pcb model)")
    parser.add_argument("--device", default="CPU")
    parser.add_argument("--parts", type=int, default=400)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--drive", nargs=2, metavar=("HOST", "PORT"), help=argparse.SUPPRESS)
    parser.add_argument("--poll", nargs=2, metavar=("HOST", "PORT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drive:
        drive(options.drive[0], int(options.drive[1]), options.parts)
        return
    if options.poll:
        poll(options.poll[0], int(options.poll[1]))
        return
    keep_processors_for_the_model()  # as the core does: the resize is timed beside it
    ready = {name: data for name, data in ready_packages().items() if name.startswith("pcb")}
    data = options.package.read_bytes() if options.package else next(iter(ready.values()))
    found = measure(data, options.device, options.parts)
    table(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
