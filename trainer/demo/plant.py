"""What the demo's plant consists of: its folders, its configuration, and which parts come by."""

import json
from dataclasses import dataclass
from pathlib import Path

from edge_service.simulation import PlannedPart, samples, schedule

GOOD, DEFECTIVE = 20, 20
STATION = "demo"


@dataclass(frozen=True, slots=True)
class DemoProduct:
    """A product, the recipe number it has on the station, and how many good photographs it learns from."""

    name: str
    recipe: int
    photographs: int


PRODUCTS = (DemoProduct("pcb", 1, 3), DemoProduct("crate", 2, 4))

_CONFIGURATION = """\
# Written by ./okng demo: a station on rendered parts. See config/edge.yaml for every key.
station:
  id: demo
  data_dir: edge
camera:
  kind: simulated
  products: {{"1": pcb, "2": crate}}
  plan: {plan}
  record: shown.jsonl
  pre_rendered: {pre_rendered}
recipes:
  - {{number: 1, name: PCB, model: pcb}}
  - {{number: 2, name: crate, model: crate}}
inference:
  devices: [GPU, CPU]
modbus:
  tcp: {{host: 127.0.0.1, port: 0}}
gateway:
  http: {{port: 0}}
  opcua: {{host: 127.0.0.1, port: 0}}
outbox:
  images: {{spot_check_every: 4}}
uplink: {{health_s: 1.0, models_s: 1.0, retry_most_s: 5.0}}
"""

_SERVER = """\
# Written by ./okng demo: a training server for the demo's one box. See config/trainer.yaml for every key.
server:
  name: demo-server
  data_dir: server
  http: {port: 0}
"""


class Plant:
    """The demo's folder: ``work/`` holds what the processes write, the rest is for the viewer."""

    def __init__(self, out: Path, seed: int) -> None:
        self.out, self.seed = out, seed
        self.work = out / "work"
        self.logs = out / "logs"
        self.collecting = self.work / "collecting.yaml"
        self.running = self.work / "edge.yaml"
        self.server = self.work / "trainer.yaml"
        self.server_folder = self.work / "server"
        self._shown = self.work / "shown.jsonl"

    def build(self) -> None:
        """Write the configurations: good parts to learn from, mixed parts to sort, and the server."""
        self.work.mkdir(parents=True, exist_ok=True)
        learn = {p.name: samples(p.name, seed=self.seed, count=p.photographs) for p in PRODUCTS}
        sort = {p.name: schedule(p.name, seed=self.seed, good=GOOD, defective=DEFECTIVE) for p in PRODUCTS}
        _write_plan(self.work / "learn.json", learn)
        _write_plan(self.work / "sort.json", sort)
        self.collecting.write_text(_CONFIGURATION.format(plan="learn.json", pre_rendered=0), "utf-8")
        self.running.write_text(
            _CONFIGURATION.format(plan="sort.json", pre_rendered=GOOD + DEFECTIVE), "utf-8"
        )
        self.server.write_text(_SERVER, "utf-8")

    def forget_shown(self) -> None:
        """Begin a new record of what the camera shows."""
        self._shown.unlink(missing_ok=True)

    @property
    def store(self) -> Path:
        """The edge's data folder."""
        return self.work / "edge"

    def shown(self) -> dict[int, PlannedPart]:
        """Which part the camera showed, by capture time in whole milliseconds since 1970."""
        lines = [json.loads(line) for line in self._shown.read_text("utf-8").splitlines()]
        return {
            _milliseconds(line["captured_at"]): PlannedPart(line["product"], line["seed"], line["defect"])
            for line in lines
        }


def _milliseconds(captured_at: float) -> int:
    """As the PLC reads it: whole seconds, and the milliseconds of the rest rounded down."""
    return int(captured_at) * 1000 + int(captured_at % 1 * 1000)


def _write_plan(path: Path, plan: dict[str, tuple[PlannedPart, ...]]) -> None:
    data = {
        product: [{"seed": part.seed, "defect": part.defect} for part in parts]
        for product, parts in plan.items()
    }
    path.write_text(json.dumps(data, indent=1) + "\n", "utf-8")
