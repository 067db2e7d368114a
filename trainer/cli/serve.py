"""``okng-trainer serve``: the training server."""

import sys

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, ConfigFile, DataDir

HELP = say(
    "Run the training server: takes samples, results and pictures from boxes, hands out models. "
    "Prints `ready http=HOST:PORT`.\n\nExample: `okng-trainer serve --config trainer.yaml`",
    "运行训练服务器：接收边缘机的样本、结果和图像，下发模型。启动后打印 `ready http=主机:端口`。\n\n"
    "示例：`okng-trainer serve --config trainer.yaml`",
)


def serve(config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Serve until SIGTERM."""
    from trainer.app import run_server
    from trainer.cli.place import configuration

    sys.exit(run_server(configuration(config, data_dir)))
