"""The options that several verbs share, so that they read the same everywhere."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from edge_service.language import say

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="OKNG_CONFIG",
        help=say("the station's YAML file", "工位的 YAML 配置文件"),
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="OKNG_DATA_DIR",
        help=say(
            "the station's data folder; then no configuration file is read",
            "工位数据目录；指定后不读取配置文件",
        ),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=say("answer in JSON", "以 JSON 输出"))]

DEFAULT_CONFIG = Path("/etc/okng/edge.yaml")


def who() -> str:
    """Return who asks, for the history."""
    try:
        return f"cli {getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name
        return "cli"
