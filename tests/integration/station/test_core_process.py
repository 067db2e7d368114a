"""The core as a real process: a real PLC's client on its Modbus port, signals, and bad surroundings."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pymodbus.client import AsyncModbusTcpClient

from edge_service.domain.inspection import Verdict
from edge_service.errors import RefusedError
from edge_service.lifecycle.owned_thread import BACKGROUND_NICE
from edge_service.simulation.plc import SimulatedPlc
from tests.support.process import Service, service
from tests.support.station_folder import StationFolder

pytestmark = pytest.mark.timeout(120)

TRIGGER_ENABLE, SEQUENCE_MODE = 1 << 0, 1 << 5


@pytest.fixture
def folder(tmp_path: Path) -> StationFolder:
    """A complete station folder."""
    return StationFolder(tmp_path)


@pytest.fixture
def core(folder: StationFolder) -> Iterator[Service]:
    """A running core; it must end with 0 when asked."""
    with service(folder.path, "core", "--config", "edge.yaml") as running:
        yield running
        assert running.stop() == 0, running.stderr


async def test_a_plc_gets_the_right_verdict_for_each_part(core: Service) -> None:
    """Good and defective parts in turn, over real Modbus, in sequence mode and in bit mode."""
    where = core.ready()
    for mode in ("sequence", "bit"):
        async with SimulatedPlc(*where, mode=mode) as plc:
            results = [await plc.inspect(serial=b"SN-%d" % n, recipe=1) for n in range(4)]
        assert [result.verdict for result in results] == [Verdict.OK, Verdict.NG] * 2
        assert [result.part_serial.rstrip(b"\0") for result in results] == [b"SN-%d" % n for n in range(4)]


async def test_commands_over_modbus(folder: StationFolder, core: Service) -> None:
    """Collect, threshold, reload (good and bad), activate and roll back, as a PLC orders them."""
    async with SimulatedPlc(*core.ready(), mode="sequence") as plc:
        await plc.command(3, 1)
        assert (await plc.inspect()).verdict is Verdict.SAMPLE
        assert (await plc.inspect()).verdict is Verdict.NG
        await plc.command(7, 60000)  # six times the threshold: everything passes
        assert (await plc.inspect()).verdict is Verdict.OK
        assert (await plc.inspect()).verdict is Verdict.OK

        before = await plc.outputs()
        folder.tree["recipes"][0]["threshold"] = 0.25
        folder.write()
        await plc.command(4)
        after = await plc.outputs()
        assert after["Station.ConfigurationChecksum"] != before["Station.ConfigurationChecksum"]
        assert (await plc.inspect()).threshold_x10000 == 5000

        folder.config.write_text("station: {id: line-1}\ncamera: {kind: folder, path: parts, lop: true}\n")
        with pytest.raises(RefusedError) as refused:
            await plc.command(4)
        assert refused.value.reason == 104
        assert (await plc.outputs())["Station.ConfigurationChecksum"] == after[
            "Station.ConfigurationChecksum"
        ]

        folder.write()
        folder.install("2")
        await plc.command(5)
        assert (await plc.outputs())["Station.ModelVersion"] == "2"
        await plc.command(6)
        assert (await plc.outputs())["Station.ModelVersion"] == "1"
        assert (await plc.inspect()).verdict is not Verdict.ERROR
    samples = list((folder.path / "data" / "samples" / "1").glob("*.png"))
    assert len(samples) == 1


async def test_a_trigger_before_ready_is_missed_never_late(tmp_path: Path) -> None:
    """Without a model the trigger is refused, counted, and does not fire once the model is there."""
    folder = StationFolder(tmp_path, model=False)
    with service(tmp_path, "core", "--config", "edge.yaml") as core:
        where = await asyncio.to_thread(_listening, core)
        async with AsyncModbusTcpClient(where[0], port=where[1]) as early:
            await early.write_registers(0, [SEQUENCE_MODE, 0, 0, 0, 0])
            await early.write_registers(0, [SEQUENCE_MODE | TRIGGER_ENABLE, 0, 0, 0, 0])
            await early.write_registers(0, [SEQUENCE_MODE | TRIGGER_ENABLE, 0, 7, 0, 0])
            await early.write_registers(0, [SEQUENCE_MODE, 0, 7, 0, 0])
        async with SimulatedPlc(*where, mode="sequence") as plc:
            seen = await plc.outputs()
            assert (seen["Statistics.Missed"], seen["Status.OfflineReason"]) == (1, 5)
            assert (seen["Station.RejectReason"], seen["Status.ErrorCode"]) == (110, 110)
            folder.install("1", activate=True)
            await plc.command(1, 1)
            assert (await plc.outputs())["Statistics.Total"] == 0
            assert (await plc.inspect()).verdict is Verdict.OK
        assert core.stop() == 0


async def test_each_recipe_has_its_own_exposure(folder: StationFolder) -> None:
    """Samples of the second recipe, at half the exposure, are half as bright, from the first one on."""
    folder.tree["camera"] = {"kind": "simulated", "pre_rendered": 1}
    folder.tree["recipes"] = [
        {"number": number, "name": f"R{number}", "model": "pcb", "exposure_us": exposure_us}
        for number, exposure_us in ((1, 10000), (2, 5000))
    ]
    folder.write()
    with service(folder.path, "core", "--config", "edge.yaml") as core:
        async with SimulatedPlc(*core.ready(), mode="sequence") as plc:
            for recipe in (1, 2, 1):
                await plc.command(1, recipe)
                await plc.command(3, 1)
                assert (await plc.inspect(recipe=recipe)).verdict is Verdict.SAMPLE
        assert core.stop() == 0
    kept = {n: sorted((folder.path / "data" / "samples" / str(n)).glob("*.png")) for n in (1, 2)}
    (bright, again), (dark,) = ([cv2.imread(str(path)) for path in kept[number]] for number in (1, 2))
    assert np.array_equal(bright, again)
    assert np.abs(dark - bright / 2.0).max() <= 0.5


def _listening(core: Service) -> tuple[str, int]:
    """Return where a core listens that has started but is not ready, from its log."""
    core.logged("started")
    host, port = core.logged("modbus_listening")["address"].rsplit(":", 1)
    return host, int(port)


async def test_sigterm_finishes_the_part_in_hand(folder: StationFolder) -> None:
    """SIGTERM during the exposure: the PLC still gets this part's verdict, then the core ends with 0."""
    folder.tree["camera"] = {"kind": "simulated", "pre_rendered": 1, "exposure_ms": 700.0}
    folder.write()
    with service(folder.path, "core", "--config", "edge.yaml") as core:
        async with SimulatedPlc(*core.ready(), mode="sequence") as plc:
            part = asyncio.create_task(plc.inspect(serial=b"LAST"))
            await _until_acquiring(plc)
            core.process.send_signal(signal.SIGTERM)
            result = await part
            assert result.verdict in (Verdict.OK, Verdict.NG)
            assert result.part_serial.rstrip(b"\0") == b"LAST"
        assert await asyncio.to_thread(core.ended) == 0
        assert '"event": "inspection"' in core.stderr


async def _until_acquiring(plc: SimulatedPlc) -> None:
    while not (await plc.outputs())["Status.Acquiring"]:
        pass


@contextlib.contextmanager
def favoured() -> Iterator[None]:
    """Start processes with a nice level as the unit's is, where this user may."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, before - 5)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


async def test_only_the_event_loop_s_thread_is_real_time(folder: StationFolder) -> None:
    """What judges, draws and stores parts is ordinary; the loop is, once it has not rested, and works on."""
    with favoured(), service(folder.path, "core", "--config", "edge.yaml") as core:
        where = core.ready()
        if not (told := core.logged("real_time"))["taken"]:
            assert core.stop() == 0
            pytest.skip(told["reason"])
        async with SimulatedPlc(*where, mode="sequence") as plc:
            await plc.inspect()
        main = core.process.pid
        threads = [int(name) for name in os.listdir(f"/proc/{main}/task")]  # noqa: PTH208 - in memory
        policies = {thread: os.sched_getscheduler(thread) for thread in threads}
        assert policies.pop(main) == os.SCHED_RR | os.SCHED_RESET_ON_FORK
        assert len(policies) > 3
        assert set(policies.values()) == {os.SCHED_OTHER}
        its_own = os.getpriority(os.PRIO_PROCESS, main)
        nice = {os.getpriority(os.PRIO_PROCESS, thread) for thread in policies}
        assert nice == {its_own, max(its_own, BACKGROUND_NICE)}
        core.process.send_signal(signal.SIGXCPU)  # what the kernel sends to a loop that does not rest
        core.logged("real_time_lost")
        assert os.sched_getscheduler(main) == os.SCHED_OTHER | os.SCHED_RESET_ON_FORK
        async with SimulatedPlc(*where, mode="sequence") as plc:
            assert (await plc.inspect()).verdict is not Verdict.ERROR
        assert core.stop() == 0


def test_numbers_go_on_after_a_kill(folder: StationFolder) -> None:
    """Two starts, the first one killed: another boot id, and no inspection number twice."""

    async def one_part(core: Service) -> tuple[int, int]:
        async with SimulatedPlc(*core.ready(), mode="sequence") as plc:
            result = await plc.inspect()
            return int((await plc.outputs())["Status.BootId"]), result.inspection_id

    with service(folder.path, "core", "--config", "edge.yaml") as core:
        first = asyncio.run(one_part(core))
        core.process.kill()
    with service(folder.path, "core", "--config", "edge.yaml") as core:
        second = asyncio.run(one_part(core))
        assert core.stop() == 0
    assert second == (first[0] + 1, first[1] + 1000)


def refused(folder: StationFolder, verb: str = "core") -> str:
    """Start, expect exit code 2 and no traceback; return stderr."""
    with service(folder.path, verb, "--config", "edge.yaml") as running:
        assert running.ended() == 2, running.stderr
        assert "Traceback" not in running.stderr
        assert "  -> " in running.stderr
        return running.stderr


def test_a_taken_port_is_a_clear_refusal(folder: StationFolder) -> None:
    """The message names address and key, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        folder.tree["modbus"]["tcp"]["port"] = taken.getsockname()[1]
        folder.write()
        message = refused(folder)
    assert "127.0.0.1" in message
    assert "port" in message


def test_a_taken_http_port_is_a_clear_refusal(folder: StationFolder) -> None:
    """The gateway says which key to change."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        folder.tree["gateway"]["http"]["port"] = taken.getsockname()[1]
        folder.write()
        assert "gateway.http.port" in refused(folder, "gateway")


def test_an_empty_camera_folder_is_a_clear_refusal(folder: StationFolder) -> None:
    """The message names the folder and what kinds of image it may hold."""
    for picture in (folder.path / "parts").iterdir():
        picture.unlink()
    message = refused(folder)
    assert "holds no image" in message
    assert "camera.path" in message


def test_a_broken_configuration_is_a_clear_refusal(folder: StationFolder) -> None:
    """File, line, key, what was found and what is allowed."""
    folder.config.write_text(folder.config.read_text() + "camra: {}\n")
    message = refused(folder, "run")
    assert "edge.yaml" in message
    assert "camra" in message
    assert "camera" in message


def test_two_cores_on_one_folder_are_refused(folder: StationFolder, core: Service) -> None:
    """The second one says that a station runs there already; the first one does not notice."""
    core.ready()
    assert "already running" in refused(folder)


def test_numbers_that_cannot_be_kept_refuse_the_start(folder: StationFolder) -> None:
    """A data folder that cannot be written to: exit code 2, for numbers might be used twice."""
    (folder.path / "data" / "numbers.json").mkdir()
    refused(folder)


def test_systemd_is_told_of_each_stage(folder: StationFolder) -> None:
    """More time for the start, READY once it can serve, signs of life from the watchdog, STOPPING."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(folder.path / "notify"))
        systemd.settimeout(60)
        notify = {"NOTIFY_SOCKET": str(folder.path / "notify"), "WATCHDOG_USEC": "10000000"}
        with service(folder.path, "core", "--config", "edge.yaml", **notify) as core:
            heard = [systemd.recv(200).split(b"=")[0]]
            while b"READY" not in heard or heard[-1] != b"WATCHDOG":
                heard.append(systemd.recv(200).split(b"=")[0])
            assert core.stop() == 0
        systemd.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                heard.append(systemd.recv(200).split(b"=")[0])
    assert heard[0] == b"EXTEND_TIMEOUT_USEC"
    assert b"STOPPING" in heard


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB; needs the right to mount."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs is not allowed here; test_numbers covers it with a fake disk")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


async def test_a_full_disk_never_stops_the_line(tmp_path: Path, tiny_disk: Path) -> None:
    """Full while running: parts are judged, error 501 shows. Full at the start: a clear refusal."""
    (tmp_path / "station").mkdir()
    folder = StationFolder(tmp_path / "station")
    shutil.copytree(folder.path / "data", tiny_disk, dirs_exist_ok=True)
    folder.tree["station"]["data_dir"] = str(tiny_disk)
    folder.write()
    with service(folder.path, "core", "--config", "edge.yaml") as core:
        async with SimulatedPlc(*core.ready(), mode="sequence") as plc:
            _fill(tiny_disk)
            await plc.command(3, 1)
            assert (await plc.inspect()).verdict is Verdict.SAMPLE
            while (await plc.outputs())["Status.ErrorCode"] != 501:
                pass
            assert (await plc.inspect()).verdict is Verdict.NG
            assert (await plc.inspect()).verdict is Verdict.OK
        assert core.stop() == 0
    (tiny_disk / "numbers.json").unlink()
    _fill(tiny_disk)
    assert "no room on the disk" in refused(folder)


def _fill(disk: Path) -> None:
    with contextlib.suppress(OSError), (disk / "ballast").open("ab", buffering=0) as ballast:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while ballast.write(bytes(size)) == size:
                    pass
