"""One run of the chaos plant from a seed: everything that is random in it comes from there."""

import asyncio
import importlib.util
import random
import socket
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import httpx
import yaml

from edge_service.contract.keys import load_signing_key
from edge_service.contract.model_package import build_package
from tests.support.chaos.accounts import Accounts, waiting
from tests.support.chaos.cable import Cable
from tests.support.chaos.kept import Kept
from tests.support.chaos.line import Line
from tests.support.enrolled import okng_edge
from tests.support.station_folder import StationFolder
from tests.support.tiny_model import CELL, good_picture, tiny_package

PICTURES = 20  # of each sort, all different
START_S = 90.0
DRAIN_S = 180.0


@dataclass(frozen=True, slots=True)
class Budget:
    """How much chaos. ``pace_s``: from one part's answer to the next trigger."""

    inspections: int = 5_000
    kills: int = 100
    seed: int = 1
    pace_s: float = 0.02
    up_s: float = 3.0  # mean time between two cuts of the cable
    down_s: float = 0.7


async def run_chaos(folder: Path, budget: Budget, tell: Callable[[str], None] = lambda _: None) -> Accounts:
    """Run it in ``folder`` and return the accounts."""
    plant = _Plant(folder, budget, tell)
    async with AsyncExitStack() as stack:
        return await plant.run(stack)


class _Plant:
    def __init__(self, folder: Path, budget: Budget, tell: Callable[[str], None]) -> None:
        self._folder, self._budget, self._tell = folder, budget, tell
        self._chance = random.Random(budget.seed)
        self._modbus, self._http = _free_port(), _free_port()
        self._line = Line(self._modbus, budget.pace_s)
        self._station = self._build()
        self._processes = {
            "server": Kept("server", ("trainer", "serve", "--config", "trainer.yaml"), folder),
            "core": Kept("core", ("edge_service", "core", "--config", "edge.yaml"), folder),
            "gateway": Kept("gateway", ("edge_service", "gateway", "--config", "edge.yaml"), folder),
        }
        if importlib.util.find_spec("trainer.worker") is not None:
            worker = ("trainer", "worker", "--config", "trainer.yaml")
            self._processes["worker"] = Kept("worker", worker, folder)

    def _build(self) -> StationFolder:
        station = StationFolder(self._folder)
        for number in range(PICTURES):
            picture = good_picture()
            picture[:CELL, :CELL] += number  # different, and far below the threshold
            cv2.imwrite(str(self._folder / "parts" / f"{number:02d}-a-good.png"), picture)
            picture[2 * CELL : 4 * CELL, 2 * CELL : 4 * CELL] += 60
            cv2.imwrite(str(self._folder / "parts" / f"{number:02d}-b-defective.png"), picture)
        station.tree["modbus"]["tcp"]["port"] = self._modbus
        station.tree["gateway"] |= {"http": {"enabled": False}, "opcua": {"enabled": False}}
        station.tree["outbox"] = {"keep_sent": 1_000_000, "images": {"spot_check_every": 10}}
        station.tree["uplink"] = {"timeout_s": 1.0, "health_s": 1.0, "models_s": 1.0, "retry_most_s": 1.0}
        station.tree["log"] = {"level": "warning", "format": "json"}
        station.write()
        server = {
            "server": {"data_dir": "server", "http": {"port": self._http}},
            "storage": {"keep_free_mb": 0},
        }
        (self._folder / "trainer.yaml").write_text(yaml.safe_dump(server))
        return station

    async def run(self, stack: AsyncExitStack) -> Accounts:
        began, accounts = time.monotonic(), Accounts()
        async with asyncio.TaskGroup() as group:
            keepers = [
                group.create_task(process.run(), name=process.name) for process in self._processes.values()
            ]
            try:
                cable = await stack.enter_async_context(Cable(self._http))
                await asyncio.to_thread(self._enrol, cable.port)
                flapping = group.create_task(
                    cable.flap(self._chance, self._budget.up_s, self._budget.down_s), name="flapping"
                )
                await self._make_trouble(group)
                flapping.cancel()
                drained = time.monotonic()
                await self._drain()
                accounts.drained_s = round(time.monotonic() - drained, 1)
                await self._line.look()
                accounts.model_at_the_end, accounts.cuts = self._line.model, cable.cuts
            finally:
                for keeper in keepers:
                    keeper.cancel()
        for process in self._processes.values():
            accounts.died(process)
        accounts.balance(self._line, self._outbox, self._folder / "server" / "trainer.db")
        accounts.seconds = round(time.monotonic() - began, 1)
        if accounts.model_at_the_end.rstrip("\0") != "2":
            accounts.breaches.append(
                f"the model assigned half-way is not in use: {accounts.model_at_the_end!r}"
            )
        return accounts

    @property
    def _outbox(self) -> Path:
        return self._folder / "data" / "outbox" / "outbox.db"

    def _enrol(self, port: int) -> None:
        """Enrol the box at the far end of the cable, as people do it."""
        code = _patiently(lambda: self._ask("POST", "/api/v1/edges/codes", json={"station": "line-1"}))
        url = f"http://127.0.0.1:{port}"
        done = okng_edge(self._folder, "enrol", url, code["code"], "-c", "edge.yaml")
        assert done.returncode == 0, done.stderr

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        """Ask the server as its admin."""
        token = (self._folder / "server" / "admin.token").read_text("ascii").strip()
        url, head = f"http://127.0.0.1:{self._http}{path}", {"Authorization": f"Bearer {token}"}
        answer = httpx.request(method, url, headers=head, trust_env=False, timeout=10.0, **content)
        return answer.raise_for_status().json()

    async def _make_trouble(self, group: asyncio.TaskGroup) -> None:
        """Let the PLC trigger while processes die; half-way a new model is assigned."""
        budget = self._budget
        driving = group.create_task(self._line.drive(budget.inspections), name="line")
        moments = sorted(self._chance.randrange(1, budget.inspections) for _ in range(budget.kills))
        victims = _evenly(list(self._processes), budget.kills, self._chance)
        delivery: asyncio.Task[None] | None = None
        for number, (moment, victim) in enumerate(zip(moments, victims, strict=True), 1):
            while len(self._line.answered) < moment:  # noqa: ASYNC110 - the line is the clock
                await asyncio.sleep(0.002)
            if delivery is None and 2 * number >= budget.kills:
                delivery = group.create_task(asyncio.to_thread(self._deliver), name="deliver")
            await asyncio.sleep(self._chance.uniform(0.0, 0.05))
            await self._processes[victim].kill()
            self._tell(f"{len(self._line.answered):5} answered, kill {number} of {budget.kills}: {victim}")
        await driving
        if delivery is not None:
            await delivery

    def _deliver(self) -> None:
        """Put a second version on the server and assign it."""
        key = load_signing_key(self._folder / "server" / "keys" / "signing.pem")
        package = build_package(*tiny_package("pcb", "2"), key)
        _patiently(lambda: self._there() or self._ask("POST", "/api/v1/models", content=package))
        wish = {"name": "pcb", "version": "2"}
        _patiently(lambda: self._ask("PUT", "/api/v1/assignments/line-1/1", json=wish))

    def _there(self) -> bool:
        """Whether the server has the model: it may have died between taking it and saying so."""
        return bool(self._ask("GET", "/api/v1/models"))

    async def _drain(self) -> None:
        """Wait until nothing waits any more and the new model is in use; a minute of it is no failure."""
        deadline = time.monotonic() + DRAIN_S
        while time.monotonic() < deadline:
            left = await asyncio.to_thread(waiting, self._outbox)
            await self._line.look()
            if not left and self._line.model.rstrip("\0") == "2":
                return
            await asyncio.sleep(0.2)


def _evenly(names: list[str], count: int, chance: random.Random) -> list[str]:
    """Return ``count`` names in random order, each as often as the others."""
    chosen = [names[place % len(names)] for place in range(count)]
    chance.shuffle(chosen)
    return chosen


def _patiently(ask: Callable[[], Any]) -> Any:
    """Ask a server that may be dying just now until it answers."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            return ask()
        except (httpx.HTTPError, OSError) as error:
            if time.monotonic() > deadline:
                raise AssertionError(f"the server never answered: {error}") from error
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
