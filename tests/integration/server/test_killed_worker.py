"""A worker that is killed in the middle of a real training loses its job to the next one, which ends it."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import pytest

from edge_service.contract.keys import load_signing_key
from edge_service.contract.model_package import read_package_file
from edge_service.contract.trust import Trust
from edge_service.simulation import render
from tests.support.plant import Plant
from tests.support.process import service

pytestmark = pytest.mark.training
SMALLEST = {"size": 64, "epochs": 1, "int8": False}
PATIENCE_S = 240.0


def job(plant: Plant) -> dict[str, Any]:
    """Return the only job."""
    (only,) = plant.ask("jobs")
    return dict(only)


def log(plant: Plant) -> str:
    """Return what the job's process wrote so far."""
    return plant.admin.get("/api/v1/jobs/1/log").text


def until(holds: Callable[[], bool]) -> None:
    """Ask other processes until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@contextmanager
def queued(folder: Path, tries: int) -> Iterator[Plant]:
    """Give a server that has three good boards and a queued job."""
    plant = Plant(folder, f"jobs: {{lost_after_s: 2.0, most_tries: {tries}}}\n")
    try:
        for number in range(3):
            quarter = cv2.resize(render("pcb", seed=number).pixels, None, fx=0.25, fy=0.25)
            content = bytes(cv2.imencode(".png", quarter)[1])
            assert plant.admin.post("/api/v1/datasets/pcb/samples", content=content).status_code == 201
        wish = {"product": "pcb", "version": "1", "settings": SMALLEST}
        assert plant.admin.post("/api/v1/jobs", json=wish).status_code == 201
        yield plant
    finally:
        plant.close()


def kill_in_the_middle(plant: Plant) -> None:
    """Let a worker take the job, and kill it once the training has begun; its child goes with it."""
    with service(plant.folder, "worker", "--config", "trainer.yaml", module="trainer") as worker:
        child = int(worker.logged("job_started")["child"])
        until(lambda: log(plant) != "")
        assert job(plant)["state"] == "running"
        worker.process.send_signal(signal.SIGKILL)
        worker.ended()
    until(lambda: not Path(f"/proc/{child}").exists())


def test_the_next_worker_ends_what_a_killed_one_began(tmp_path: Path):
    """SIGKILL in the middle of a training: the job waits again, a second worker makes its signed package."""
    with queued(tmp_path, tries=3) as plant:
        kill_in_the_middle(plant)
        until(lambda: job(plant)["state"] == "queued")
        assert plant.process.logged("worker_lost")["job_is"] == "queued"
        with service(tmp_path, "worker", "--config", "trainer.yaml", module="trainer") as second:
            until(lambda: job(plant)["state"] not in {"queued", "running"})
            assert second.stop() == 0
        done = job(plant)
        assert (done["state"], done["tries"], done["error"]) == ("succeeded", 2, "")
        (model,) = plant.ask("models")
        blob = next((plant.data / "blobs").rglob(f"*{done['package_sha256']}*"))
        key = load_signing_key(plant.data / "keys" / "signing.pem")
        package = read_package_file(blob, Trust.of(key.public))
        assert (model["name"], model["version"]) == ("pcb", "1")
        assert (package.manifest.name, package.manifest.version) == ("pcb", "1")
        assert plant.process.stop() == 0


def test_a_job_whose_last_worker_was_killed_fails_with_its_log(tmp_path: Path):
    """With no try left the job fails, says why, and keeps what the training had written."""
    with queued(tmp_path, tries=1) as plant:
        kill_in_the_middle(plant)
        until(lambda: job(plant)["state"] == "failed")
        assert "worker" in job(plant)["error"]
        assert log(plant) != ""
        assert plant.process.stop() == 0
