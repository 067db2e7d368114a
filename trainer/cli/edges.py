"""``okng-trainer edges``: let boxes in, look at them, throw one out."""

import json
from typing import Annotated

import typer

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir, Server

app = typer.Typer(
    help=say("Boxes: let one in, look at them, throw one out.", "边缘机：注册、查看、吊销。"),
    no_args_is_help=True,
)

Station = Annotated[str, typer.Argument(help=say("the box's station.id", "边缘机的 station.id"))]
OnlyFor = Annotated[
    str, typer.Option("--station", help=say("the only station that may use it", "仅供此工位使用"))
]
Hours = Annotated[
    float, typer.Option("--hours", help=say("valid for so long", "有效小时数"), min=0.02, max=720)
]


@app.command(
    "code",
    help=say(
        "Make a one-time code that lets one box in. On the box: `okng-edge enrol URL CODE`.\n\n"
        "Example: `okng-trainer edges code --station line-1`",
        "生成一次性注册码。在边缘机上执行：`okng-edge enrol URL CODE`。\n\n"
        "示例：`okng-trainer edges code --station line-1`",
    ),
)
def code(
    station: OnlyFor = "",
    hours: Hours = 24.0,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print a code, and the fingerprint that the box will show."""
    from edge_service.contract.keys import fingerprint
    from trainer.cli.client import connect
    from trainer.cli.table import moment

    wish = {"station": station or None, "valid_s": hours * 3600}
    made = connect(config, data_dir, server).send("POST", "/api/v1/edges/codes", wish)
    if as_json:
        print(json.dumps(made, ensure_ascii=False, indent=2))
        return
    print(made["code"])
    until = moment(made["expires_at"])
    print(say(f"  once, until {until}", f"  一次有效，至 {until}"))
    key = fingerprint(made["key_id"])
    print(say(f"  the box will show this key: {key}", f"  边缘机将显示此密钥：{key}"))


@app.command(
    "list",
    help=say(
        "List the boxes with versions and health.\n\nExample: `okng-trainer edges list`",
        "列出边缘机及其版本和状态。\n\n示例：`okng-trainer edges list`",
    ),
)
def list_edges(
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print every box."""
    from trainer.cli.client import connect
    from trainer.cli.table import ago, tell

    boxes = connect(config, data_dir, server).get("/api/v1/edges")
    for box in boxes if not as_json else ():
        health = box["health"] or {}
        active = [model["model"] for model in health.get("models", ()) if model["state"] == "active"]
        box["seen"] = ago(box["silent_s"])
        box["active"] = ", ".join(f"{model['name']} {model['version']}" for model in active) or "-"
        waiting = health.get("backlog", {})
        box["waiting"] = sum(waiting.get(kind, 0) for kind in ("records", "samples", "images"))
    columns = {
        "station": say("station", "工位"),
        "health.state": say("state", "状态"),
        "seen": say("seen ago", "上次上报"),
        "software.okng": "okng",
        "health.device.kind": say("device", "设备"),
        "active": say("models", "模型"),
        "health.inspected": say("inspected", "检测数"),
        "waiting": say("waiting", "待上传"),
        "revoked": say("revoked", "已吊销"),
    }
    none = say("no box yet: okng-trainer edges code", "尚无边缘机：okng-trainer edges code")
    tell(boxes, as_json=as_json, columns=columns, none=none)


@app.command(
    "revoke",
    help=say(
        "Let a box in no more; what it sent stays. A new code lets it in again.",
        "吊销边缘机的令牌；已上传的数据保留。新注册码可使其重新加入。",
    ),
)
def revoke(
    station: Station,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Make the box's token void."""
    from trainer.cli.client import connect
    from trainer.cli.table import tell_done

    connect(config, data_dir, server).send("DELETE", f"/api/v1/edges/{station}/token")
    told = say(f"{station} is out", f"已吊销 {station}")
    tell_done({"station": station, "revoked": True}, told, as_json=as_json)
