"""``okng-edge gateway``: the process that everybody but the PLC looks at."""

import sys

from edge_service.cli.options import DEFAULT_CONFIG, ConfigFile
from edge_service.language import say

HELP = say(
    "Run the gateway alone: status page and pictures over HTTP. It waits for the core and comes back to it "
    "by itself.\n\nExample: `okng-edge gateway --config edge.yaml`",
    "仅运行网关：通过 HTTP 提供状态页面和图像。它会等待核心进程并自动重连。\n\n"
    "示例：`okng-edge gateway --config edge.yaml`",
)


def gateway(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Serve until SIGTERM."""
    from edge_service.gateway import run_gateway

    sys.exit(run_gateway(config))
