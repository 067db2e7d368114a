"""What ``okng-edge doctor`` looks at: one small function each, none of which changes anything."""

import asyncio
import grp
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from edge_service.config import EdgeConfig, checksum, load
from edge_service.errors import OkngError
from edge_service.language import say

FREE_FAIL, FREE_WARN = 200 << 20, 2 << 30  # bytes
MEASURED = 30  # pictures
GRAB_S = 10.0
RENDER_NODES = Path("/dev/dri")

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report."""

    level: Level
    subject: str
    what: str
    remedy: str = ""


def examine(path: Path) -> list[Finding]:
    """Return what every check found; a check that meets an OkngError becomes its failure."""
    try:
        config = load(path)
    except OkngError as error:
        return [Finding("fail", "configuration", error.what, error.remedy)]
    findings = [Finding("ok", "configuration", f"{path}, {checksum(config):08x}")]
    for check in (_disk, _clock, _gpu, _modbus_port, _http_port, _opcua, _camera, _models, _server):
        findings += _guarded(check, config)
    return findings


def _guarded(check: Callable[[EdgeConfig], Iterator[Finding]], config: EdgeConfig) -> list[Finding]:
    try:
        return list(check(config))
    except OkngError as error:
        return [Finding("fail", check.__name__.strip("_").replace("_", " "), error.what, error.remedy)]


def _disk(config: EdgeConfig) -> Iterator[Finding]:
    folder = config.data_dir
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(existing, os.W_OK):
        yield Finding(
            "fail",
            "disk",
            say(f"{existing} cannot be written to", f"{existing} 不可写"),
            say(
                "give it to the user that the station runs as, or change station.data_dir",
                "请将其归属运行工位的用户，或修改 station.data_dir",
            ),
        )
        return
    free = shutil.disk_usage(existing).free
    level: Level = "fail" if free < FREE_FAIL else "warn" if free < FREE_WARN else "ok"
    remedy = (
        ""
        if level == "ok"
        else say("free some space: df -h shows where it went", "请释放空间：df -h 查看占用")
    )
    yield Finding(
        level,
        "disk",
        say(f"{free / 1e9:.1f} GB free at {folder}", f"{folder} 剩余 {free / 1e9:.1f} GB"),
        remedy,
    )


def _clock(_: EdgeConfig) -> Iterator[Finding]:
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    answer = _output("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if answer == "yes":
        yield Finding("ok", "clock", now)
        return
    why = (
        say("not synchronised", "未同步")
        if answer == "no"
        else say("nobody says whether it is right", "无法确认是否准确")
    )
    yield Finding(
        "warn",
        "clock",
        f"{now}, {why}",
        say(
            "set up NTP (timedatectl set-ntp true), or write the time with command 8",
            "请启用 NTP（timedatectl set-ntp true），或用命令 8 写入时间",
        ),
    )


def _gpu(config: EdgeConfig) -> Iterator[Finding]:
    from edge_service.inference.graph import available_devices

    devices = available_devices()
    wanted = config.inference.devices
    present = [device for device in wanted if any(each.startswith(device.split(".")[0]) for each in devices)]
    found = ", ".join(devices)
    if not present:
        yield Finding(
            "fail",
            "devices",
            say(
                f"none of {', '.join(wanted)}; this box has {found}",
                f"没有 {', '.join(wanted)}；本机有 {found}",
            ),
            say("put CPU at the end of inference.devices", "请在 inference.devices 末尾加上 CPU"),
        )
    elif present[0] != wanted[0]:
        yield Finding(
            "warn",
            "devices",
            say(
                f"{wanted[0]} is asked for, {present[0]} will be used; this box has {found}",
                f"要求 {wanted[0]}，将使用 {present[0]}；本机有 {found}",
            ),
            _gpu_remedy()
            if wanted[0].startswith("GPU")
            else say("change inference.devices", "请修改 inference.devices"),
        )
    else:
        yield Finding("ok", "devices", f"{present[0]} ({found})")


def _gpu_remedy() -> str:
    nodes = sorted(RENDER_NODES.glob("renderD*")) if RENDER_NODES.is_dir() else []
    if not nodes:
        return say(
            "there is no /dev/dri/renderD*: load the GPU's kernel driver (i915), or leave GPU out",
            "没有 /dev/dri/renderD*：请加载 GPU 内核驱动（i915），或去掉 GPU",
        )
    closed = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
    if closed:
        group = grp.getgrgid(closed[0].stat().st_gid).gr_name
        return say(
            f"{closed[0]} is closed to this user: sudo usermod -aG {group} $USER, then log in again",
            f"本用户无权访问 {closed[0]}：执行 sudo usermod -aG {group} $USER 后重新登录",
        )
    return say(
        "install Intel's compute runtime (intel-opencl-icd; for Gen11, as in the N5105, the 24.35 series)",
        "请安装 Intel 计算运行时（intel-opencl-icd；N5105 等 Gen11 需 24.35 legacy 系列）",
    )


def _modbus_port(config: EdgeConfig) -> Iterator[Finding]:
    section = config.modbus.tcp
    if section.enabled:
        yield _port("modbus port", section.host, section.port, "modbus.tcp.port")


def _http_port(config: EdgeConfig) -> Iterator[Finding]:
    section = config.gateway.http
    if section.enabled:
        yield _port("http port", section.host, section.port, "gateway.http.port")


def _opcua(config: EdgeConfig) -> Iterator[Finding]:
    from edge_service.cli.opcua_check import certificate_findings

    section = config.gateway.opcua
    if section.enabled:
        yield _port("opcua port", section.host, section.port, "gateway.opcua.port")
        yield from certificate_findings(config)


def _port(subject: str, host: str, port: int, key: str) -> Finding:
    where = f"{host}:{port}"
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            remedy = say(
                "ports below 1024 need CAP_NET_BIND_SERVICE, which the systemd unit gives",
                "1024 以下端口需要 CAP_NET_BIND_SERVICE，systemd 单元已授予",
            )
            return Finding("warn", subject, say(f"{where}: not allowed", f"{where}：无权限"), remedy)
        except OSError as error:
            remedy = say(
                f"if it is this station running, good; else: ss -ltnp shows who, or change {key}",
                f"若是本工位正在运行则正常；否则用 ss -ltnp 查看占用者，或修改 {key}",
            )
            return Finding("warn", subject, f"{where}: {error.strerror}", remedy)
    return Finding("ok", subject, say(f"{where} is free", f"{where} 空闲"))


def _camera(config: EdgeConfig) -> Iterator[Finding]:
    from edge_service.camera import make_camera, set_up_for

    async def look() -> str:
        async with make_camera(config, lambda: config.first_recipe) as camera:
            await set_up_for(camera, config, config.first_recipe)
            began = time.monotonic()
            frame = await camera.grab(began, GRAB_S)
            height, width = frame.pixels.shape[:2]
            return f"{config.camera.kind}, {width} x {height}, {(time.monotonic() - began) * 1000:.0f} ms"

    yield Finding("ok", "camera", asyncio.run(look()))


def _server(config: EdgeConfig) -> Iterator[Finding]:
    from edge_service.cli.server_check import server_faults

    for url, fault in server_faults(config):
        if fault is None:
            yield Finding("ok", "training server", url)
        else:
            yield Finding("warn", "training server", fault.what, fault.remedy)


def _models(config: EdgeConfig) -> Iterator[Finding]:
    if not config.recipes:
        yield Finding(
            "fail",
            "models",
            say("there is no recipe", "没有配方"),
            say("add one under recipes", "请在 recipes 中添加"),
        )
    for name in sorted({recipe.model for recipe in config.recipes}):
        try:
            yield _measured(config, name)
        except OkngError as error:
            yield Finding("fail", f"model {name}", error.what, error.remedy)


def _measured(config: EdgeConfig, name: str) -> Finding:
    from edge_service.contract.trust import TrustStore
    from edge_service.core.package_engine import load_package
    from edge_service.model_store.store import ModelStore
    from edge_service.simulation.ready import ready_digests

    trusted = ready_digests() if config.camera.kind == "simulated" else ()
    store = ModelStore(config.store_dir, TrustStore(config.trust_dir, digests=trusted).load)
    package = store.active(name)
    golden = len(package.manifest.golden)
    with load_package(package, config.inference, store, cache_folder=config.cache_dir) as engine:
        measured = engine.measure(MEASURED)
    return Finding(
        "ok",
        f"model {name}",
        say(
            f"{package.manifest.version}, {golden} golden images right, "
            f"median {measured.median_ms:.1f} ms, p99 {measured.p99_ms:.1f} ms "
            f"on {measured.device} ({measured.precision})",
            f"{package.manifest.version}，{golden} 张标准图像正确，{measured.device}（{measured.precision}）"
            f"中位数 {measured.median_ms:.1f} 毫秒，p99 {measured.p99_ms:.1f} 毫秒",
        ),
    )


def _output(*command: str) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603 - fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
