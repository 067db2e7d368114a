"""A whole station as processes and a training server on loopback: what flows, and what cuts do to it."""

import asyncio
import json
import os
import signal
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from edge_service.cli.enrol import enrol
from edge_service.cli.server_check import server_faults
from edge_service.config import load
from edge_service.contract.keys import new_signing_key
from edge_service.contract.messages import ModelReference
from edge_service.contract.model_package import build_package
from edge_service.domain.inspection import Verdict
from edge_service.errors import LinkError, OkngError
from edge_service.outbox import Queue
from edge_service.simulation.plc import SimulatedPlc
from tests.integration.station.test_two_processes import get
from tests.support.enrolled import EnrolledFolder, okng_edge, until
from tests.support.fake_server import FakeServer, Mood
from tests.support.process import Service, service
from tests.support.tiny_model import tiny_package

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def server() -> AsyncIterator[FakeServer]:
    """A training server on loopback."""
    async with FakeServer() as running:
        yield running


async def ready(station: Service) -> tuple[str, tuple[str, int]]:
    """Wait until a PLC can trigger; return the status page's address and the Modbus one."""
    address = await asyncio.to_thread(station.line, "gateway http=")
    return address, await asyncio.to_thread(station.ready)


async def uplink(address: str) -> dict[str, Any]:
    """Return what the status page knows of the server."""
    _, body = await asyncio.to_thread(get, address, "/api/uplink")
    return dict(body)


async def until_standing(address: str, standing: str) -> dict[str, Any]:
    """Wait until the box stands so with its server."""
    while (seen := await uplink(address))["standing"] != standing:  # noqa: ASYNC110 - in another process
        await asyncio.sleep(0.05)
    return seen


async def until_warned(plc: SimulatedPlc, code: int) -> None:
    """Wait until the PLC sees this warning (0: none)."""
    while (await plc.outputs())["Station.WarningCode"] != code:  # noqa: ASYNC110 - in another process
        await asyncio.sleep(0.02)


async def test_results_pictures_and_samples_reach_the_server(tmp_path: Path, server: FakeServer) -> None:
    """Each part's record once, NG with frame and heat map, one OK in two, the PLC's sample, and health."""
    folder = EnrolledFolder(tmp_path, server)
    with service(folder.path, "run", "--config", "edge.yaml") as station:
        _, where = await ready(station)
        async with SimulatedPlc(*where) as plc:
            verdicts = [(await plc.inspect()).verdict for _ in range(4)]
            await plc.command(3, 1)
            assert (await plc.inspect()).verdict is Verdict.SAMPLE
        await until(lambda: len(server.records) == 5 and len(server.samples) == 1)
        images = [image for record in server.records.values() for image in record["images"]]
        wanted = {image["sha256"] for image in images} | {s.image.sha256 for s in server.samples.values()}
        await until(lambda: wanted == set(server.images))
        assert [record["verdict"] for record in server.records.values()] == [
            *(verdict.name for verdict in verdicts),
            "SAMPLE",
        ]
        assert [image["role"] for image in images] == ["frame", "frame", "heat_map", "frame", "heat_map"]
        await until(lambda: any(report.inspected == 5 for report in server.health))
        report = server.health[-1]
        assert [(each.model.version, each.state) for each in report.models] == [("1", "active")]
        assert report.disk.outbox_quota_bytes == 2_000_000_000
        assert await asyncio.to_thread(station.stop) == 0
    assert not (folder.path / "data" / "samples").exists()
    assert not server.twice


async def test_the_cable_is_pulled_and_put_back(tmp_path: Path, server: FakeServer) -> None:
    """Away: the PLC sees warning 651 and its verdicts; the gateway dies too; back: all of it arrives once."""
    folder = EnrolledFolder(tmp_path, server)
    with service(folder.path, "run", "--config", "edge.yaml") as station:
        address, where = await ready(station)
        async with SimulatedPlc(*where) as plc:
            server.mood = Mood.SILENT
            await until_warned(plc, 651)
            assert "does not answer" in (await until_standing(address, "away"))["what"]
            verdicts = [(await plc.inspect()).verdict for _ in range(4)]
            assert Verdict.ERROR not in verdicts
            gateway = station.logged("child_started", 2)
            os.kill(gateway["pid"], signal.SIGKILL)
            await plc.inspect()
            server.mood = Mood.FINE
            await until(lambda: len(server.records) == 5)
            await until_warned(plc, 0)
        assert await asyncio.to_thread(station.stop) == 0
    assert list(server.order) == [f"line-1-1-{counter}" for counter in range(1, 6)]


async def test_a_revoked_token_is_told_and_a_new_enrolment_heals_it(
    tmp_path: Path, server: FakeServer
) -> None:
    """The page and the PLC say that the box is not let in; ``enrol`` alone mends it, without a restart."""
    folder = EnrolledFolder(tmp_path, server)
    with service(folder.path, "run", "--config", "edge.yaml") as station:
        address, where = await ready(station)
        async with SimulatedPlc(*where) as plc:
            server.token = "another-token-0123456789"
            told = await until_standing(address, "unauthorised")
            assert "okng-edge enrol" in told["remedy"]
            assert "token-of-line-1" not in json.dumps(told)
            await until_warned(plc, 651)
            await plc.inspect()
            server.code = "K7QF-2MXD"
            done = await asyncio.to_thread(
                okng_edge, folder.path, "enrol", server.url, "K7QF-2MXD", "-c", "edge.yaml"
            )
            assert done.returncode == 0, done.stderr
            assert server.key.public.key_id[:4] in done.stdout
            await until(lambda: len(server.records) == 1)
            await until_standing(address, "up")
            await until_warned(plc, 0)
        assert await asyncio.to_thread(station.stop) == 0
    mode = stat.S_IMODE((folder.path / "data" / "server.json").stat().st_mode)
    assert mode == 0o600


async def test_enrolment_refused_keeps_nothing(tmp_path: Path, server: FakeServer) -> None:
    """A wrong code, a wrong fingerprint, no server: an error that says what to do, no token on the disk."""
    folder = EnrolledFolder(tmp_path, server)
    (folder.path / "data" / "server.json").unlink()

    async def refused(url: str, code: str, fingerprint: str = "") -> str:
        with pytest.raises(OkngError) as raised:
            await asyncio.to_thread(enrol, url, code, folder.config, fingerprint)
        assert raised.value.remedy
        return raised.value.what

    assert "code is not known" in await refused(server.url, "WRONG-CODE")
    server.code = "K7QF-2MXD"
    assert "another one" in await refused(server.url, "K7QF-2MXD", "00ff")
    assert "cannot be reached" in await refused("http://127.0.0.1:9", "K7QF-2MXD")
    assert "no address" in await refused("server:8443", "K7QF-2MXD")
    assert not (folder.path / "data" / "server.json").exists()


async def test_doctor_tries_the_server(tmp_path: Path, server: FakeServer) -> None:
    """Reached and let in: good. Not let in, or away: a warning with what to do; not enrolled: no word."""
    folder = EnrolledFolder(tmp_path, server)
    config = load(folder.config)

    async def faults() -> list[LinkError | None]:
        return [fault for _, fault in await asyncio.to_thread(lambda: list(server_faults(config)))]

    assert await faults() == [None]
    server.mood = Mood.REVOKED
    (revoked,) = await faults()
    assert revoked is not None
    assert "okng-edge enrol" in revoked.remedy
    folder.enrol("http://127.0.0.1:9", server.token)
    (away,) = await faults()
    assert away is not None
    assert "cannot be reached" in away.what
    config.enrolment_file.unlink()
    assert await faults() == []


async def test_a_model_comes_down_and_judges_without_a_restart(tmp_path: Path, server: FakeServer) -> None:
    """A station without model gets its first one, a broken download goes on, a second one takes over."""
    folder = EnrolledFolder(tmp_path, server, model=False)
    manifest, contents = tiny_package("pcb", "7")
    first = build_package(manifest, contents, server.key)
    server.cut_after = len(first) // 2
    server.assign(first)
    with service(folder.path, "run", "--config", "edge.yaml") as station:
        _, where = await ready(station)
        async with SimulatedPlc(*where) as plc:
            assert (await plc.outputs())["Station.ModelVersion"] == "7"
            assert server.ranges[-1] == f"bytes={len(first) // 2}-"
            await plc.inspect()
            later = manifest.model_copy(update={"version": "8"})
            server.assign(build_package(later, contents, server.key))
            while (await plc.outputs())["Station.ModelVersion"] != "8":
                assert (await plc.inspect()).verdict in (Verdict.OK, Verdict.NG)
            await until(lambda: _states(server) == {"7": "previous", "8": "active"})
            await plc.command(6)
            assert (await plc.outputs())["Station.ModelVersion"] == "7"
            await until(lambda: _states(server) == {"7": "active", "8": "rolled_back"})
            assert (await plc.outputs())["Station.ModelVersion"] == "7"
            assert (await plc.outputs())["Statistics.Missed"] == 0
        assert await asyncio.to_thread(station.stop) == 0
    assert not list((folder.path / "data" / "models" / ".incoming").iterdir())


def _states(server: FakeServer) -> dict[str, str]:
    return {each.model.version: each.state for each in server.health[-1].models} if server.health else {}


async def test_models_that_are_no_good_are_refused_and_the_old_one_judges_on(
    tmp_path: Path, server: FakeServer
) -> None:
    """A stranger's, a broken one, one of another product, one that fails its self-test, each by its code."""
    folder = EnrolledFolder(tmp_path, server)
    manifest, contents = tiny_package("pcb", "9")
    model = ModelReference(name="pcb", version="9", digest="0" * 64)
    bad = {
        111: build_package(manifest, contents, new_signing_key()),
        110: build_package(manifest, contents, server.key)[:-100],
        112: build_package(*tiny_package("pcb", "10", golden_score=0.5), server.key),
    }
    with service(folder.path, "run", "--config", "edge.yaml") as station:
        _, where = await ready(station)
        for code, data in bad.items():
            server.assign(data, model=model)
            await until(lambda code=code: _refused(server) == code)
        server.assign(build_package(*tiny_package("crate", "1"), server.key))
        await until(lambda: "crate" in _reason(server))
        server.assign(build_package(manifest, contents, server.key), recipe=5)
        await until(lambda: _refused(server, 5) == 103)
        fetched = server.requests["packages"]
        async with SimulatedPlc(*where) as plc:
            assert (await plc.inspect()).verdict is Verdict.OK
            assert (await plc.outputs())["Station.ModelVersion"] == "1"
        before = len(server.health)
        await until(lambda: len(server.health) > before + 3)
        assert server.requests["packages"] == fetched, "a refused package is not tried again and again"
        assert await asyncio.to_thread(station.stop) == 0


def _refused(server: FakeServer, recipe: int = 1) -> int:
    models = server.health[-1].models if server.health else ()
    return next((each.code for each in models if each.state == "refused" and each.recipe == recipe), 0)


def _reason(server: FakeServer) -> str:
    return next((each.reason for each in server.health[-1].models if each.state == "refused"), "")


async def test_samples_from_the_command_line_travel_to_the_server(tmp_path: Path, server: FakeServer) -> None:
    """With the station down, with a station that has no model yet, and from a running one."""
    folder = EnrolledFolder(tmp_path, server, model=False)
    down = await asyncio.to_thread(okng_edge, folder.path, "collect", "2", "-c", "edge.yaml")
    assert down.returncode == 0, down.stderr
    assert "2 samples of pcb" in down.stdout
    shown = await asyncio.to_thread(okng_edge, folder.path, "outbox", "show", "--json", "-c", "edge.yaml")
    assert json.loads(shown.stdout)["samples_waiting"] == 2
    with service(folder.path, "run", "--config", "edge.yaml") as station:
        await until(lambda: len(server.samples) == 2)
        await asyncio.to_thread(station.logged, "modbus_listening")
        bare = await asyncio.to_thread(okng_edge, folder.path, "collect", "1", "-c", "edge.yaml")
        assert bare.returncode == 0, bare.stderr
        assert len(bare.stdout.splitlines()) <= 2, "the answer alone, no log between its lines"
        assert bare.stderr == ""
        await until(lambda: len(server.samples) == 3)
        server.assign(build_package(*tiny_package("pcb", "1"), server.key))
        _, where = await ready(station)
        done = await asyncio.to_thread(okng_edge, folder.path, "collect", "1", "-c", "edge.yaml")
        assert "become good samples" in done.stdout, done.stderr
        async with SimulatedPlc(*where) as plc:
            assert (await plc.inspect()).verdict is Verdict.SAMPLE
        await until(lambda: len(server.samples) == 4 and len(server.images) == 2)
        assert {sample.product for sample in server.samples.values()} == {"pcb"}
        await until(lambda: not _samples_waiting(folder))  # an answer must come back to be marked
        assert await asyncio.to_thread(station.stop) == 0


def _samples_waiting(folder: EnrolledFolder) -> int:
    with Queue(folder.path / "data" / "outbox") as queue:
        return queue.ledger.counts().samples_waiting
