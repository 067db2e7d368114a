"""``okng-trainer models``: the packages on the server, and which box shall use which."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir, Server

app = typer.Typer(
    help=say(
        "Models on the server, and which box shall use which.", "服务器上的模型，以及分配到哪台边缘机。"
    ),
    no_args_is_help=True,
)

Name = Annotated[str, typer.Argument(help=say("the model's name", "模型名称"))]
Station = Annotated[str, typer.Argument(help=say("the box's station.id", "边缘机的 station.id"))]
Recipe = Annotated[
    int, typer.Argument(help=say("recipe number on the box", "边缘机上的配方编号"), min=0, max=999)
]
Version = Annotated[str, typer.Option("--version", help=say("default: the newest", "默认：最新"))]
PackageFile = Annotated[Path, typer.Argument(metavar="FILE", help=say("a .okng package", ".okng 模型包"))]
Out = Annotated[Path, typer.Option("--out", "-o", help=say("folder to write to", "输出文件夹"))]


@app.command("list", help=say("List the packages, newest first.", "列出模型包，最新在前。"))
def list_models(
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print every package."""
    from trainer.cli.client import connect
    from trainer.cli.table import moment, tell

    models = connect(config, data_dir, server).get("/api/v1/models")
    for model in models if not as_json else ():
        model["made"] = moment(model["made_at"])
        model["size"] = f"{model['size_bytes'] / 1e6:.1f} MB"
        model["told"] = f"! {len(model['warnings'])}" if model["warnings"] else ""
    columns = {
        "name": say("name", "名称"),
        "version": say("version", "版本"),
        "made": say("made", "时间"),
        "photographs": say("photographs", "照片数"),
        "threshold": say("threshold", "阈值"),
        "told": say("warnings", "警告"),
        "size": say("size", "大小"),
        "job": say("job", "任务"),
    }
    none = say("no model yet: okng-trainer jobs start PRODUCT", "尚无模型：okng-trainer jobs start 产品")
    tell(models, as_json=as_json, columns=columns, none=none)


@app.command(
    "show",
    help=say(
        "Show one package, with what its training run warned of, in words; --json gives the manifest too.\n\n"
        "Example: `okng-trainer models show pcb`",
        "显示一个模型包及其训练时的警告；--json 还给出清单全文。\n\n示例：`okng-trainer models show pcb`",
    ),
)
def show(
    name: Name,
    version: Version = "",
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print one package's facts and warnings."""
    from trainer.cli.client import connect
    from trainer.cli.table import moment

    client = connect(config, data_dir, server)
    model = client.get(f"/api/v1/models/{name}/{version or _newest(client.get('/api/v1/models'), name)}")
    if as_json:
        print(json.dumps(model, ensure_ascii=False, indent=2))
        return
    rate = model["false_reject_rate"]
    facts = {
        say("model", "模型"): f"{model['name']} {model['version']}",
        say("made", "时间"): moment(model["made_at"]),
        say("algorithm", "算法"): model["algorithm"],
        say("photographs", "照片数"): model["photographs"],
        say("threshold", "阈值"): f"{model['threshold']:.4g}",
        say("expected false rejects", "预计误判"): "-" if rate is None else f"{rate:.1%}",
        say("warnings", "警告"): len(model["warnings"]),
    }
    for what, value in facts.items():
        print(f"{what:<24} {value}")
    tell_warnings(model)


def tell_warnings(model: Mapping[str, Any]) -> None:
    """Print what a package's training run warned of, a line each."""
    for warning in model["warnings"]:
        print(f"! {warning}")


@app.command(
    "add",
    help=say(
        "Put a package on the server that was signed with its key.\n\n"
        "Example: `okng-trainer models add pcb-1.okng`",
        "将用服务器密钥签名的模型包放到服务器上。\n\n示例：`okng-trainer models add pcb-1.okng`",
    ),
)
def add(
    file: PackageFile,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Upload a package."""
    from edge_service.contract.model_package import load_bytes
    from trainer.cli.client import connect

    made = connect(config, data_dir, server).upload("POST", "/api/v1/models", load_bytes(file))
    print(json.dumps(made, indent=2) if as_json else f"{made['name']} {made['version']}")


@app.command(
    "fetch", help=say("Write a package into a folder, for a USB stick.", "将模型包写入文件夹（U 盘）。")
)
def fetch(
    name: Name,
    version: Version = "",
    out: Out = Path(),
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Download a package."""
    from edge_service.durable import LocalDisk
    from trainer.cli.client import connect
    from trainer.cli.table import tell_done

    client = connect(config, data_dir, server)
    chosen = version or _newest(client.get("/api/v1/models"), name)
    path = out / f"{name}-{chosen}.okng"
    LocalDisk().write(path, client.download(f"/api/v1/models/{name}/{chosen}/package"))
    done = {"name": name, "version": chosen, "file": str(path)}
    tell_done(done, str(path), as_json=as_json)


def _newest(models: list[dict[str, str]], name: str) -> str:
    return next((model["version"] for model in models if model["name"] == name), "-")


@app.command(
    "assign",
    help=say(
        "Put a model on a recipe of a box; the box fetches, checks and activates it by itself.\n\n"
        "Example: `okng-trainer models assign pcb line-1 1`",
        "将模型分配到某边缘机的配方；边缘机会自动获取、校验并激活。\n\n"
        "示例：`okng-trainer models assign pcb line-1 1`",
    ),
)
def assign(
    name: Name,
    station: Station,
    recipe: Recipe,
    version: Version = "",
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Assign a model."""
    from trainer.cli.client import connect

    wish = {"name": name, "version": version or None}
    done = connect(config, data_dir, server).send("PUT", f"/api/v1/assignments/{station}/{recipe}", wish)
    model = done["model"]
    told = say(
        f"{station} recipe {recipe}: {model['name']} {model['version']}",
        f"{station} 配方 {recipe}：{model['name']} {model['version']}",
    )
    print(json.dumps(done, indent=2) if as_json else told)


@app.command(
    "withdraw",
    help=say(
        "Say nothing about a recipe any more; the box keeps its model.", "取消分配；边缘机保留现有模型。"
    ),
)
def withdraw(
    station: Station,
    recipe: Recipe,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Take an assignment back."""
    from trainer.cli.client import connect
    from trainer.cli.table import tell_done

    connect(config, data_dir, server).send("DELETE", f"/api/v1/assignments/{station}/{recipe}")
    told = say(f"{station} recipe {recipe}: nothing assigned", f"{station} 配方 {recipe}：未分配")
    tell_done({"station": station, "recipe": recipe, "model": None}, told, as_json=as_json)


@app.command("assignments", help=say("List which box shall use which model.", "列出模型分配情况。"))
def assignments(
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print every assignment."""
    from trainer.cli.client import connect
    from trainer.cli.table import tell

    columns = {
        "station": say("station", "工位"),
        "recipe": say("recipe", "配方"),
        "model.name": say("model", "模型"),
        "model.version": say("version", "版本"),
        "made_by": say("by", "操作人"),
    }
    answer = connect(config, data_dir, server).get("/api/v1/assignments")
    none = say("nothing is assigned", "尚无分配")
    tell(answer, as_json=as_json, columns=columns, none=none)
