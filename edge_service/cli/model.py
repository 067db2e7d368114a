"""``okng-edge model``: install, list, activate, roll back, verify; whether the station runs or not."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.cli.options import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir, who
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.cli.model_place import ModelPlace
    from edge_service.contract.model_package import ModelPackage
    from edge_service.model_store.self_test import GoldenResult

app = typer.Typer(help=say("The models of this box.", "本机的模型。"), no_args_is_help=True)

PackageFile = Annotated[
    Path, typer.Argument(metavar="FILE", help=say("a model package, NAME-VERSION.okng", "模型包文件"))
]
PackageOrFolder = Annotated[
    Path,
    typer.Argument(
        metavar="FILE|FOLDER",
        help=say(
            "a model package, or a folder of them (a memory stick)", "模型包，或存放模型包的文件夹（U 盘）"
        ),
    ),
]
Name = Annotated[str, typer.Argument(metavar="NAME", help=say("name of the model", "模型名称"))]
Version = Annotated[str, typer.Argument(metavar="VERSION", help=say("installed version", "已安装的版本"))]
Activate = Annotated[
    bool | None,
    typer.Option(
        "--activate/--no-activate",
        help=say(
            "activate it as well (default: only when no version of this model is active yet)",
            "同时激活（默认：仅当该模型尚无激活版本时）",
        ),
    ),
]


@app.command(
    "install",
    help=say(
        "Verify a package and put it into the store. The first version of a model is activated at once, "
        "a later one with --activate. From a folder, every package in it is installed that verifies; what "
        "does not is told, and the exit code is 2.\n\n"
        "Examples: `okng-edge model install pcb-1.okng`, `okng-edge model install /media/usb`",
        "校验模型包并放入模型库。某模型的首个版本会立即激活，之后的版本需 --activate。"
        "给出文件夹时安装其中所有通过校验的模型包；未通过的会提示，退出码为 2。\n\n"
        "示例：`okng-edge model install pcb-1.okng`",
    ),
)
def install(
    file: PackageOrFolder,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    *,
    activate: Activate = None,
) -> None:
    """Install, and activate when that is asked for or nothing is active yet."""
    from edge_service.cli.model_place import find_place
    from edge_service.contract.model_package import SUFFIX
    from edge_service.errors import OkngError, PackageError

    place = find_place(config, data_dir)
    if not file.is_dir():
        _install(place, file, activate=activate)
        return
    files = sorted(file.glob(f"*{SUFFIX}"))
    if not files:
        raise PackageError(say(f"{file} holds no {SUFFIX} file", f"{file} 中没有 {SUFFIX} 文件"))
    failed = 0
    for each in files:
        try:
            _install(place, each, activate=activate)
        except OkngError as error:
            failed += 1
            print(f"okng-edge: {each.name}: {error}", file=sys.stderr)
    if failed:
        raise typer.Exit(2)


def _install(place: "ModelPlace", file: Path, *, activate: bool | None) -> None:
    from edge_service.contract.model_package import load_bytes

    store = place.store()
    package = store.install(load_bytes(file))
    name, version = package.manifest.name, package.manifest.version
    print(say(f"installed: {package.label}", f"已安装：{package.label}"))
    if activate or (activate is None and store.active_version(name) is None):
        store.activate(name, version, place.examine, by=who())
        print(_activated(package))
    elif store.active_version(name) != version:
        print(
            say(
                f"{name} {store.active_version(name)} stays active; to change: "
                f"okng-edge model activate {name} {version}",
                f"{name} {store.active_version(name)} 仍为激活版本；切换请执行："
                f"okng-edge model activate {name} {version}",
            )
        )


@app.command("list", help=say("List installed models; each is verified.", "列出已安装的模型，并逐一校验。"))
def list_models(
    config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Print name, version, state and digest of every installed model."""
    from rich.console import Console
    from rich.table import Table

    from edge_service.cli.model_place import find_place

    models = find_place(config, data_dir).store().installed()
    if as_json:
        print(json.dumps([asdict(model) for model in models], ensure_ascii=False))
        return
    if not models:
        print(
            say(
                "no model is installed: okng-edge model install FILE",
                "尚未安装模型：okng-edge model install FILE",
            )
        )
        return
    table = Table(box=None)
    for heading in (
        say("model", "模型"),
        say("version", "版本"),
        say("state", "状态"),
        "MB",
        say("digest", "摘要"),
    ):
        table.add_column(heading)
    for model in models:
        state = (
            say("active", "已激活") if model.active else say("previous", "上一版本") if model.previous else ""
        )
        state += say(", pinned", "，已固定") if model.pinned else ""
        state += say("failed on parts", "曾在工件上失败") if model.rejected else ""
        state = (
            f"{state} {say('cannot be used', '无法使用')}: {model.problem}".strip()
            if model.problem
            else state
        )
        table.add_row(model.name, model.version, state, f"{model.size_bytes / 1e6:.1f}", model.digest[:8])
    Console().print(table)


@app.command(
    "activate",
    help=say(
        "Let an installed version judge, if it passes its self-test on this box.",
        "激活已安装的版本（须先通过本机自检）。",
    ),
)
def activate(
    name: Name, version: Version, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None
) -> None:
    """Run the self-test and change over."""
    from edge_service.cli.model_place import find_place

    place = find_place(config, data_dir)
    print(_activated(place.store().activate(name, version, place.examine, by=who())))


@app.command(
    "rollback",
    help=say(
        "Go back to the version that judged before; once more undoes it.",
        "回退到上一版本；再执行一次则撤销回退。",
    ),
)
def rollback(name: Name, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Run the self-test of the previous version and change over."""
    from edge_service.cli.model_place import find_place

    place = find_place(config, data_dir)
    print(_activated(place.store().rollback(name, place.examine, by=who())))


@app.command(
    "pin",
    help=say(
        "Keep the active version of a model whatever the server sends or a command asks.",
        "固定当前激活版本，不受服务器或命令影响。",
    ),
)
def pin(name: Name, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Pin what is active."""
    from edge_service.cli.model_place import find_place

    version = find_place(config, data_dir).store().pin(name, by=who())
    print(say(f"pinned: {name} {version}", f"已固定：{name} {version}"))


@app.command("unpin", help=say("Let the active version change again.", "允许再次更换激活版本。"))
def unpin(name: Name, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Take the pin away."""
    from edge_service.cli.model_place import find_place

    version = find_place(config, data_dir).store().pin(name, pinned=False, by=who())
    print(say(f"unpinned: {name} {version}", f"已取消固定：{name} {version}"))


@app.command("history", help=say("Tell what happened to a model on this box.", "显示模型在本机上的历史。"))
def history(
    name: Name, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Print every change, oldest first."""
    from edge_service.cli.model_place import find_place

    for each in find_place(config, data_dir).store().history(name):
        facts = [str(each[key]) for key in ("version", "by", "failure") if each.get(key)]
        line = f"{each['at']}  {each['event']}  {'  '.join(facts)}"
        print(json.dumps(each, ensure_ascii=False) if as_json else line)


@app.command(
    "measure",
    help=say(
        "Measure every variant of the active version on this box and record the fastest that passes its "
        "self-test; the station uses it from its next start.",
        "测量激活版本的各个变体，并记录通过自检的最快者；工位下次启动时使用。",
    ),
)
def measure(
    name: Name, config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None, *, as_json: AsJson = False
) -> None:
    """Print what each variant came to."""
    from edge_service.cli.model_place import find_place

    place = find_place(config, data_dir)
    device, trials, chosen = place.measure(place.store().active(name))
    if as_json:
        print(json.dumps({"device": device, "chosen": chosen, "tried": [asdict(trial) for trial in trials]}))
        return
    for trial in trials:
        time = f"{trial.median_ms:.2f} ms" if trial.median_ms is not None else trial.problem or "-"
        print(f"{'*' if trial.variant == chosen else ' '} {device}  {trial.variant:5} {time}")


@app.command(
    "verify",
    help=say(
        "Check a package without installing it: signature, checksums, self-test on this box.",
        "只校验模型包而不安装：签名、校验和、本机自检。",
    ),
)
def verify(
    file: PackageFile,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print what the package is and how this box scores its golden images."""
    from edge_service.cli.model_place import find_place
    from edge_service.contract.model_package import read_package_file

    place = find_place(config, data_dir)
    package = read_package_file(file, place.trust().load())
    results = place.examine(package)
    if as_json:
        fields = {
            "name": package.manifest.name,
            "version": package.manifest.version,
            "digest": package.digest,
        }
        print(json.dumps(fields | {"golden": [asdict(result) for result in results]}, ensure_ascii=False))
        return
    print(
        say(
            f"good: {package.label}, digest {package.digest}",
            f"校验通过：{package.label}，摘要 {package.digest}",
        )
    )
    for result in results:
        print(_golden_line(result))


def _golden_line(result: "GoldenResult") -> str:
    return say(
        f"  {result.file}: expected {result.expected:.5g}, got {result.got:.5g} "
        f"({result.device}, {result.inference_ms:.1f} ms)",
        f"  {result.file}：应为 {result.expected:.5g}，得到 {result.got:.5g}"
        f"（{result.device}，{result.inference_ms:.1f} ms）",
    )


def _activated(package: "ModelPackage") -> str:
    return say(
        f"active: {package.label} (a running station takes it at its next start or reload)",
        f"已激活：{package.label}（运行中的工位在下次启动或重新加载时使用）",
    )
