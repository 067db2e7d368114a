"""Server, workers and commands as real processes: from a folder of photographs to a model on a box."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import httpx
import pytest

from edge_service.contract import routes
from edge_service.contract.keys import PublicKey
from edge_service.contract.messages import EnrolmentRequest, Software, write
from edge_service.simulation import render
from tests.support.process import ROOT, Service, service

YAML = """
server: {data_dir: data, http: {port: 0}}
storage: {keep_free_mb: 0}
jobs: {lost_after_s: 2.0}
"""
NEVER = ("torch", "torchvision", "anomalib", "nncf", "lightning", "timm")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give a folder with a configuration."""
    (tmp_path / "trainer.yaml").write_text(YAML)
    return tmp_path


@pytest.fixture
def server(folder: Path) -> Iterator[Service]:
    """Run a server that has said where it listens."""
    with service(folder, "serve", "--config", "trainer.yaml", module="trainer") as running:
        running.line("ready http=")
        yield running


def command(folder: Path, *arguments: str, code: int = 0) -> str:
    """Run a verb on the server's machine and return its stdout."""
    done = subprocess.run(
        [sys.executable, "-m", "trainer", *arguments, "--config", "trainer.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stderr


def answer(folder: Path, *arguments: str) -> Any:
    """Run a verb with --json and return what it says."""
    return json.loads(command(folder, *arguments, "--json"))


def boards(folder: Path, count: int) -> None:
    """Put good boards into ``folder``, small enough to learn from quickly."""
    folder.mkdir()
    for number in range(count):
        pixels = cv2.resize(render("pcb", seed=number).pixels, None, fx=0.25, fy=0.25)
        assert cv2.imwrite(str(folder / f"{number}.png"), pixels)


def enrol(folder: Path) -> httpx.Client:
    """Let a box in with a code from the command line."""
    code = answer(folder, "edges", "code", "--station", "line-1")["code"]
    url = (folder / "data" / "address").read_text().strip()
    request = EnrolmentRequest(code=code, station="line-1", software=Software(okng="0.1.0"))
    told = httpx.post(url + routes.ENROL, content=write(request), trust_env=False).json()
    head = {"Authorization": f"Bearer {told['token']}", "X-Key": told["public_key"]}
    return httpx.Client(base_url=url, headers=head, trust_env=False)


def key_of(box: httpx.Client) -> PublicKey:
    """Return the key that the box learned at enrolment."""
    return PublicKey(bytes.fromhex(box.headers["X-Key"]))


def test_the_server_never_loads_torch(server: Service):
    """Neither importing nor serving brings any of the training's packages into the server's memory."""
    maps = Path(f"/proc/{server.process.pid}/maps").read_text()
    assert not [name for name in NEVER if f"site-packages/{name}" in maps]
    program = f"import trainer.app, trainer.worker, sys; print(*[n for n in {NEVER} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_server_killed_comes_back_with_everything(folder: Path):
    """SIGKILL and a new start: the same key, token, boxes and samples."""
    with service(folder, "serve", "--config", "trainer.yaml", module="trainer") as first:
        first.line("ready http=")
        box = enrol(folder)
        boards(folder / "good", 1)
        command(folder, "datasets", "add", "pcb", "good")
        first.process.send_signal(signal.SIGKILL)
        first.ended()
    before = key_of(box)
    box.close()
    with service(folder, "serve", "--config", "trainer.yaml", module="trainer") as second:
        second.line("ready http=")
        assert answer(folder, "datasets", "list")[0]["usable"] == 1
        url = (folder / "data" / "address").read_text().strip()
        known = httpx.get(url + "/api/v1/health", trust_env=False).json()
        assert known["key_id"] == before.key_id
        head = {"Authorization": box.headers["Authorization"]}
        assert httpx.get(url + routes.MODELS, headers=head, trust_env=False).status_code == 200
        assert second.stop() == 0


def test_secrets_are_readable_by_their_owner_alone(folder: Path, server: Service):
    """Token, key and data folder are closed to other users of the machine."""
    assert server.process.poll() is None
    for path in ("data", "data/admin.token", "data/keys/signing.pem", "data/keys"):
        assert stat.S_IMODE((folder / path).stat().st_mode) & 0o077 == 0, path


def test_commands_without_a_server_say_what_to_do(folder: Path):
    """No server yet, and one that has gone: two lines on stderr, no traceback."""
    told = command(folder, "edges", "list", code=2)
    assert "okng-trainer serve" in told
    assert "Traceback" not in told
    (folder / "data").mkdir()
    (folder / "data" / "address").write_text("http://127.0.0.1:1\n")
    (folder / "data" / "admin.token").write_text("okngp_x\n")
    told = command(folder, "edges", "list", code=2)
    assert "does not answer" in told
    assert "Traceback" not in told


def test_a_port_in_use_is_told(folder: Path, server: Service):
    """A second server on the same port ends with what to do, and leaves the first alone."""
    port = (folder / "data" / "address").read_text().strip().rsplit(":", 1)[1]
    told = command(folder, "serve", "--port", port, code=2)
    assert "server.http.port" in told
    assert server.process.poll() is None
