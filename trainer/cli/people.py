"""``okng-trainer people``: who may look, train and let others in."""

import json
from typing import Annotated

import typer

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, AsJson, ConfigFile, DataDir, Server

app = typer.Typer(help=say("Who may come in, and what they may do.", "人员及其权限。"), no_args_is_help=True)

Name = Annotated[str, typer.Argument(help=say("the person's name", "人员名称"))]
RoleName = Annotated[
    str,
    typer.Option(
        "--role",
        help=say(
            "viewer looks; engineer also trains and assigns; admin also lets boxes and people in",
            "viewer 查看；engineer 可训练和分配；admin 还可管理边缘机和人员",
        ),
    ),
]


@app.command(
    "add",
    help=say(
        "Let somebody in and print their token, this once.\n\n"
        "Example: `okng-trainer people add anna --role engineer`",
        "添加人员并打印其令牌（仅此一次）。\n\n示例：`okng-trainer people add anna --role engineer`",
    ),
)
def add(
    name: Name,
    role: RoleName = "viewer",
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Add a person."""
    from trainer.cli.client import connect

    made = connect(config, data_dir, server).send("POST", "/api/v1/people", {"name": name, "role": role})
    print(json.dumps(made) if as_json else made["token"])


@app.command("list", help=say("List everybody.", "列出所有人员。"))
def list_people(
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Print everybody."""
    from trainer.cli.client import connect
    from trainer.cli.table import tell

    columns = {"name": say("name", "名称"), "role": say("role", "角色")}
    tell(connect(config, data_dir, server).get("/api/v1/people"), as_json=as_json, columns=columns, none="")


@app.command("remove", help=say("Let somebody in no more.", "删除人员。"))
def remove(
    name: Name,
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    server: Server = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Remove a person."""
    from trainer.cli.client import connect
    from trainer.cli.table import tell_done

    connect(config, data_dir, server).send("DELETE", f"/api/v1/people/{name}")
    told = say(f"{name} is out", f"已删除 {name}")
    tell_done({"name": name, "removed": True}, told, as_json=as_json)
