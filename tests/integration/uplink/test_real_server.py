"""A station and the real training server: the whole loop as processes, TLS, and a disk that runs full."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_service.cli.enrol import enrol
from edge_service.contract.keys import load_signing_key
from edge_service.contract.model_package import build_package
from edge_service.domain.inspection import Verdict
from edge_service.enrolment import EnrolmentFile
from edge_service.errors import OkngError
from edge_service.gateway.uplink.server import Server
from edge_service.gateway.uplink.trouble import AwayError
from edge_service.simulation.plc import SimulatedPlc
from tests.integration.uplink.test_sender import Post
from tests.support.certificates import Authority
from tests.support.enrolled import okng_edge, until
from tests.support.plant import Plant
from tests.support.process import service
from tests.support.station_folder import StationFolder
from tests.support.tiny_model import tiny_package
from tests.support.training_server import TrainingServer, training_server
from trainer.results import Filter

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """A server that has said where it listens."""
    made = Plant(tmp_path / "plant")
    yield made
    made.close()


async def test_the_loop_is_closed(tmp_path: Path, plant: Plant) -> None:
    """A code lets the box in; a sample goes up, a model comes down and judges, results and pictures go up."""
    (tmp_path / "box").mkdir()
    folder = StationFolder(tmp_path / "box", model=False)
    folder.tree["uplink"] = {"health_s": 0.2, "models_s": 0.2, "retry_most_s": 0.5}
    folder.write()
    command = ("enrol", plant.url, plant.code(), "-c", "edge.yaml")
    done = await asyncio.to_thread(okng_edge, folder.path, *command)
    assert done.returncode == 0, done.stderr
    key = load_signing_key(plant.data / "keys" / "signing.pem")
    with service(folder.path, "run", "--config", "edge.yaml") as station:
        await asyncio.to_thread(station.logged, "modbus_listening")
        collected = await asyncio.to_thread(okng_edge, folder.path, "collect", "1", "-c", "edge.yaml")
        assert collected.returncode == 0, collected.stderr
        await until(lambda: [each["usable"] for each in plant.ask("datasets")] == [1])
        package = build_package(*tiny_package("pcb", "7"), key)
        assert plant.admin.post("/api/v1/models", content=package).status_code == 201
        wish = {"name": "pcb", "version": "7"}
        assert plant.admin.put("/api/v1/assignments/line-1/1", json=wish).status_code == 200
        where = await asyncio.to_thread(station.ready)
        async with SimulatedPlc(*where) as plc:
            verdicts = [(await plc.inspect()).verdict.name for _ in range(3)]
        assert Verdict.NG.name in verdicts
        await until(lambda: _seen(plant, len(verdicts)))
        assert [each["record"]["verdict"] for each in plant.ask("results")] == verdicts[::-1]
        assert {each["record"]["model"]["version"] for each in plant.ask("results")} == {"7"}
        await until(lambda: _active(plant) == ["7"])
        assert await asyncio.to_thread(station.stop) == 0
    assert plant.process.stop() == 0


def _seen(plant: Plant, count: int) -> bool:
    """Whether so many inspections are there with all their pictures."""
    found = plant.ask("results")
    pictures = [state for each in found for state in each["pictures"].values()]
    return len(found) == count and bool(pictures) and set(pictures) == {"here"}


def _active(plant: Plant) -> list[str]:
    models = (plant.ask("edges")[0]["health"] or {}).get("models", ())
    return [each["model"]["version"] for each in models if each["state"] == "active"]


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[TrainingServer]:
    """A server behind TLS with a certificate of the plant's own authority; a stranger's lies beside it."""
    (tmp_path / "tls").mkdir()
    Authority(tmp_path / "tls", "stranger")
    with training_server(tmp_path / "plant", tls=Authority(tmp_path / "tls", "plant").station()) as running:
        yield running


async def test_https_with_the_plants_own_authority(tmp_path: Path, secure: TrainingServer) -> None:
    """With its certificate in uplink.ca_file the box enrols, and what it sends arrives."""
    (tmp_path / "box").mkdir()
    folder = StationFolder(tmp_path / "box", model=False)
    folder.tree["uplink"] = {"ca_file": str(tmp_path / "tls" / "plant-ca.pem")}
    folder.write()
    code = secure.rooms.boxes.new_code("test").code
    await asyncio.to_thread(enrol, secure.url, code, folder.config)
    known = EnrolmentFile(folder.path / "data" / "server.json").read()
    assert known is not None
    assert known.url.startswith("https://")
    post = Post(tmp_path / "outbox", lambda: known.url)
    post.put(1, verdict=Verdict.NG)
    async with Server(known.url, known.token, 5.0, tmp_path / "tls" / "plant-ca.pem") as server:
        while await post.sender.turn(server):
            pass
    assert (await post.counts()).inspections_waiting == 0
    post.mailbox.close()
    assert stored(secure) == 1


@pytest.mark.parametrize(
    ("ca_file", "told"),
    [
        (None, "CERTIFICATE_VERIFY_FAILED"),
        ("stranger-ca.pem", "CERTIFICATE_VERIFY_FAILED"),
        ("none.pem", "none.pem"),
    ],
)
async def test_a_certificate_that_is_not_believed_is_told(
    tmp_path: Path, secure: TrainingServer, ca_file: str | None, told: str
) -> None:
    """No ca_file, another authority's, a missing file: nothing is enrolled, and the remedy names the key."""
    (tmp_path / "box").mkdir()
    folder = StationFolder(tmp_path / "box", model=False)
    if ca_file is not None:
        folder.tree["uplink"] = {"ca_file": str(tmp_path / "tls" / ca_file)}
    folder.write()
    with pytest.raises(OkngError, match=told) as raised:
        await asyncio.to_thread(enrol, secure.url, "ABCD-2345", folder.config)
    assert "uplink.ca_file" in raised.value.remedy
    assert not (folder.path / "data" / "server.json").exists()


async def test_http_spoken_to_https_is_told(tmp_path: Path, secure: TrainingServer) -> None:
    """http:// where TLS is spoken, and https:// where it is not: a link error, no receipt, nothing marked."""
    post = Post(tmp_path / "outbox", lambda: secure.url.replace("https", "http"))
    post.put(1)
    with pytest.raises(OkngError):
        await post.send()
    assert (await post.counts()).inspections_waiting == 1
    post.mailbox.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def enlarge(disk: Path) -> None:
    """Make room."""
    subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)


def stored(server: TrainingServer) -> int:
    """Return how many inspections are there."""
    return sum(server.rooms.inspections.counts(Filter()).values())


async def test_a_server_whose_database_has_no_room(tmp_path: Path, small_disk: Path) -> None:
    """It says "later" and what to do, the rest stays on the box; with room again each one arrives once."""
    most = 1_500
    with training_server(small_disk) as running:
        token = running.box("line-1").headers["Authorization"].removeprefix("Bearer ")
        post = Post(tmp_path / "outbox", lambda: running.url)
        post.token = token
        post.put(*range(1, most + 1))
        with pytest.raises(AwayError, match="disk_full") as raised:
            await post.send()
        assert "df -h" in raised.value.remedy
        assert raised.value.retry_after_s == 60.0
        before = await post.counts()
        assert before.set_aside == 0
        assert most - before.inspections_waiting <= stored(running) < most, "marked without being there"
        enlarge(small_disk)
        await post.send()
        assert (await post.counts()).inspections_waiting == 0
        assert stored(running) == most
        post.mailbox.close()
