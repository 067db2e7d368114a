"""A worker that is killed in the middle of a real training loses its job to the next one, which ends it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from edge_service.contract.keys import load_signing_key
from edge_service.contract.model_package import read_package_file
from edge_service.contract.trust import Trust
from edge_service.simulation import render
from tests.support.process import ROOT, Service, service

pytestmark = pytest.mark.training
YAML = """
server: {{data_dir: data, http: {{port: 0}}}}
storage: {{keep_free_mb: 0}}
jobs: {{lost_after_s: 2.0, most_tries: {tries}}}
"""
SMALLEST = ("--set", "size=64", "--set", "epochs=1", "--set", "int8=false")
PATIENCE_S = 240.0


def command(folder: Path, *arguments: str) -> str:
    """Run a verb on the server's machine and return its stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "trainer", *arguments, "--config", "trainer.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OKNG_LANG": "en"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def answer(folder: Path, *arguments: str) -> Any:
    """Run a verb and return what it says as JSON."""
    return json.loads(command(folder, *arguments, "--json"))


def job(folder: Path) -> dict[str, Any]:
    """Return the only job."""
    (only,) = answer(folder, "jobs", "list")
    return dict(only)


def until(holds: Callable[[], bool]) -> None:
    """Ask other processes until something holds."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.3)


def start(folder: Path, tries: int) -> Service:
    """Return a server that has three good boards and a queued job."""
    (folder / "trainer.yaml").write_text(YAML.format(tries=tries))
    (folder / "good").mkdir()
    for number in range(3):
        half = cv2.resize(render("pcb", seed=number).pixels, None, fx=0.5, fy=0.5)
        assert cv2.imwrite(str(folder / "good" / f"{number}.png"), half)
    server = Service(folder, "serve", "--config", "trainer.yaml", module="trainer")
    try:
        server.line("ready http=")
        assert len(answer(folder, "datasets", "add", "pcb", "good")) == 3
        answer(folder, "jobs", "start", "pcb", "--version", "1", *SMALLEST)
    except BaseException:
        server.close()
        raise
    return server


def kill_in_the_middle(folder: Path) -> None:
    """Let a worker take the job, and kill it once the training has begun; its child goes with it."""
    with service(folder, "worker", "--config", "trainer.yaml", module="trainer") as worker:
        child = int(worker.logged("job_started")["child"])
        until(lambda: command(folder, "jobs", "log", "1") != "")
        assert job(folder)["state"] == "running"
        worker.process.send_signal(signal.SIGKILL)
        worker.ended()
    until(lambda: not Path(f"/proc/{child}").exists())


def test_the_next_worker_ends_what_a_killed_one_began(tmp_path: Path):
    """SIGKILL in the middle of a training: the job waits again, a second worker makes its signed package."""
    server = start(tmp_path, tries=3)
    try:
        kill_in_the_middle(tmp_path)
        until(lambda: job(tmp_path)["state"] == "queued")
        assert server.logged("worker_lost")["job_is"] == "queued"
        with service(tmp_path, "worker", "--config", "trainer.yaml", module="trainer") as second:
            until(lambda: job(tmp_path)["state"] not in {"queued", "running"})
            assert second.stop() == 0
        done = job(tmp_path)
        assert (done["state"], done["tries"], done["error"]) == ("succeeded", 2, "")
        (model,) = answer(tmp_path, "models", "list")
        blob = next((tmp_path / "data" / "blobs").rglob(f"*{done['package_sha256']}*"))
        key = load_signing_key(tmp_path / "data" / "keys" / "signing.pem")
        package = read_package_file(blob, Trust.of(key.public))
        assert (model["name"], model["version"]) == ("pcb", "1")
        assert (package.manifest.name, package.manifest.version) == ("pcb", "1")
        assert server.stop() == 0
    finally:
        server.close()


def test_a_job_whose_last_worker_was_killed_fails_with_its_log(tmp_path: Path):
    """With no try left the job fails, says why, and keeps what the training had written."""
    server = start(tmp_path, tries=1)
    try:
        kill_in_the_middle(tmp_path)
        until(lambda: job(tmp_path)["state"] == "failed")
        assert "worker" in job(tmp_path)["error"]
        assert command(tmp_path, "jobs", "log", "1") != ""
        assert server.stop() == 0
    finally:
        server.close()
