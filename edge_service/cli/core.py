"""``okng-edge core``: the process that answers the PLC."""

import sys

from edge_service.cli.options import DEFAULT_CONFIG, ConfigFile
from edge_service.language import say

HELP = say(
    "Run the core alone: camera, model, Modbus, verdict. `run` starts it together with the gateway; under "
    "systemd each is a service of its own.\n\n"
    "SIGTERM finishes the part in hand. Exit code 2: the station cannot start, stderr says why.\n\n"
    "Example: `okng-edge core --config edge.yaml`",
    "仅运行核心进程：相机、模型、Modbus 和判定。`run` 会同时启动网关；在 systemd 下两者各为一个服务。\n\n"
    "收到 SIGTERM 会先完成手中的工件。退出码 2：无法启动，原因见 stderr。\n\n"
    "示例：`okng-edge core --config edge.yaml`",
)


def core(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Serve until SIGTERM."""
    from edge_service.core import run_core

    sys.exit(run_core(config))
