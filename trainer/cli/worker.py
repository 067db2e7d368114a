"""``okng-trainer worker``: the process that trains."""

import sys

from edge_service.language import say
from trainer.cli.place import DEFAULT_CONFIG, ConfigFile, DataDir

HELP = say(
    "Run a worker: takes training jobs from the server's queue, one at a time. Any number may run; each "
    "needs the server's configuration file and data folder.\n\n"
    "Example: `okng-trainer worker --config trainer.yaml`",
    "运行工作进程：从服务器队列中逐个执行训练任务。可运行任意多个，均需服务器的配置文件和数据目录。\n\n"
    "示例：`okng-trainer worker --config trainer.yaml`",
)


def worker(config: ConfigFile = DEFAULT_CONFIG, data_dir: DataDir = None) -> None:
    """Work until SIGTERM."""
    from trainer.cli.place import configuration
    from trainer.worker import run_worker

    sys.exit(run_worker(configuration(config, data_dir)))
