"""``okng-edge run``: a whole station, core and gateway, from one command."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.cli.options import DEFAULT_CONFIG, ConfigFile, DataDir
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.lifecycle import Child

HELP = say(
    "Run the whole station: the core, and the gateway beside it. A gateway that dies is started again; when "
    "the core dies the command ends non-zero. Ctrl-C or SIGTERM finishes the part in hand.\n\n"
    "`--sim` needs nothing else: rendered parts, a small ready model, Modbus TCP on 127.0.0.1. The line "
    "`ready modbus=127.0.0.1:PORT` on stdout says when a PLC can trigger.\n\n"
    "Examples: `okng-edge run --sim --modbus-port 1502`, `okng-edge run --config edge.yaml`",
    "运行整个工位：核心进程和网关。网关退出会自动重启；核心进程退出则本命令以非零码结束。"
    "Ctrl-C 或 SIGTERM 会先完成手中的工件。\n\n"
    "`--sim` 无需任何设备：渲染的工件、现成的小模型、127.0.0.1 上的 Modbus TCP。"
    "stdout 出现 `ready modbus=127.0.0.1:端口` 即可触发。\n\n"
    "示例：`okng-edge run --sim --modbus-port 1502`，`okng-edge run --config edge.yaml`",
)

Sim = Annotated[
    bool, typer.Option("--sim", help=say("simulated parts and a ready model", "模拟工件和现成模型"))
]
ModbusPort = Annotated[
    int,
    typer.Option(
        "--modbus-port",
        min=0,
        max=65535,
        help=say("with --sim: TCP port, 0 = a free one", "配合 --sim：TCP 端口，0 = 自动选择"),
    ),
]
HttpPort = Annotated[
    int,
    typer.Option(
        "--http-port",
        min=0,
        max=65535,
        help=say("with --sim: port of the status page", "配合 --sim：状态页面端口"),
    ),
]

OpcUaPort = Annotated[
    int,
    typer.Option(
        "--opcua-port",
        min=0,
        max=65535,
        help=say("with --sim: port of the OPC UA server", "配合 --sim：OPC UA 服务器端口"),
    ),
]


def run(
    config: ConfigFile = DEFAULT_CONFIG,
    data_dir: DataDir = None,
    modbus_port: ModbusPort = 1502,
    http_port: HttpPort = 0,
    opcua_port: OpcUaPort = 0,
    *,
    sim: Sim = False,
) -> None:
    """Start both processes and keep them."""
    from edge_service.config import load
    from edge_service.lifecycle import end_with_parent
    from edge_service.log import configure

    end_with_parent()
    if sim:
        from edge_service.cli.simulation import prepare

        folder = data_dir or Path.home() / ".local" / "share" / "okng" / "sim"
        config = prepare(folder, modbus_port=modbus_port, http_port=http_port, opcua_port=opcua_port)
    section = load(config).log  # what is wrong is said once, here, and not by each child
    configure(section.level, json=None if section.format == "auto" else section.format == "json")
    sys.exit(asyncio.run(_supervise(config)))


async def _supervise(config: Path) -> int:
    from edge_service.lifecycle import stop_on_signals, supervise

    with stop_on_signals() as stop:
        return await supervise(_child("core", config), _child("gateway", config), stop)


def _child(verb: str, config: Path) -> "Child":
    from edge_service.lifecycle import Child

    return Child(verb, [sys.executable, "-m", "edge_service", verb, "--config", str(config)])
