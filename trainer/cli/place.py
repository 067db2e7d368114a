"""Which server a verb speaks to, as options that all of them share.

On the server's own machine the configuration file (or the data folder) says where it listens and holds the
local admin's token. From elsewhere: ``OKNG_SERVER`` and ``OKNG_TOKEN``, or ``--server`` and the latter.
"""

from pathlib import Path
from typing import Annotated

import typer

from edge_service.errors import ConfigurationError
from edge_service.language import say
from trainer.config import TrainerConfig, load, parse

DEFAULT_CONFIG = Path("/etc/okng/trainer.yaml")

ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        "-c",
        envvar="OKNG_TRAINER_CONFIG",
        help=say("the server's YAML file", "服务器的 YAML 配置文件"),
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="OKNG_TRAINER_DATA_DIR",
        show_default=False,
        help=say(
            "the server's data folder; then no configuration file is read",
            "服务器数据目录；指定后不读取配置文件",
        ),
    ),
]
Server = Annotated[
    str,
    typer.Option(
        "--server",
        "-s",
        envvar="OKNG_SERVER",
        show_default=False,
        help=say(
            "another machine's server, http://HOST:PORT; the token comes from OKNG_TOKEN",
            "其他机器上的服务器 http://主机:端口；令牌取自 OKNG_TOKEN",
        ),
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help=say("answer in JSON", "以 JSON 输出"))]


def configuration(file: Path, data_dir: Path | None) -> TrainerConfig:
    """Return the configuration that the options name. Raises ConfigurationError."""
    if data_dir is None:
        return load(file)
    whole = parse(b"{}", "", Path.cwd())
    return whole.model_copy(
        update={"server": whole.server.model_copy(update={"data_dir": str(data_dir.absolute())})}
    )


def no_server(config: TrainerConfig, error: OSError) -> ConfigurationError:
    """Return what to say when the server's own files cannot be read."""
    return ConfigurationError(
        say(
            f"no server has run on {config.data_dir} that this user may command: {error.strerror}",
            f"{config.data_dir} 上没有当前用户可操作的服务器：{error.strerror}",
        ),
        remedy=say(
            "start one (okng-trainer serve), run this as its user, or set OKNG_SERVER and OKNG_TOKEN",
            "请先启动（okng-trainer serve），以其运行用户执行本命令，或设置 OKNG_SERVER 和 OKNG_TOKEN",
        ),
    )
