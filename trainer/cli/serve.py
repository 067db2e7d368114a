"""``okng-trainer serve``: the training server."""

import sys
from typing import Annotated

import typer

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, ConfigFile, DataDir

Host = Annotated[
    str,
    typer.Option("--host", show_default=False, help=say("not server.http.host", "代替 server.http.host")),
]
Port = Annotated[
    int | None,
    typer.Option(
        "--port",
        min=0,
        max=65_535,
        show_default=False,
        help=say(
            "instead of server.http.port; 0 lets the system choose", "代替 server.http.port；0 由系统选择"
        ),
    ),
]

HELP = say(
    "Run the training server: takes samples, results and pictures from boxes, hands out models. "
    "Prints `ready http=HOST:PORT`.\n\nExample: `okng-trainer serve --config trainer.yaml`",
    "运行训练服务器：接收边缘机的样本、结果和图像，下发模型。启动后打印 `ready http=主机:端口`。\n\n"
    "示例：`okng-trainer serve --config trainer.yaml`",
)


def serve(
    config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None, host: Host = "", port: Port = None
) -> None:
    """Serve until SIGTERM."""
    from trainer.app import run_server
    from trainer.cli.place import configuration

    whole = configuration(config, data_dir)
    http = whole.server.http
    if host:
        http = http.model_copy(update={"host": host})
    if port is not None:
        http = http.model_copy(update={"port": port})
    server = whole.server.model_copy(update={"http": http})
    sys.exit(run_server(whole.model_copy(update={"server": server})))
