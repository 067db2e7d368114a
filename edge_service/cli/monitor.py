"""``okng-edge monitor``: a terminal view of the live register map."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge_service.cli.options import DEFAULT_CONFIG, ConfigFile
from edge_service.cli.place import hush, place
from edge_service.language import say

if TYPE_CHECKING:
    from edge_service.cli.monitor_view import View
    from edge_service.simulation.plc_line import PlcLine

HELP = say(
    "Watch what PLC and station tell each other, live: every bit by its name, sequence numbers, heartbeats, "
    "statistics, the last results, errors with their remedy. It reads only.\n\n"
    "With HOST[:PORT] it watches any station over Modbus TCP. Without, the station of `--config` on this "
    "box, and then its local link tells more: which master owns the registers, which clients are there, and "
    "every result (over Modbus alone only those that stand long enough to be seen).\n\n"
    "The station counts reads as a sign of life of their address: do not watch from the PLC's own.\n\n"
    "Examples: `okng-edge monitor 192.168.1.50`, `okng-edge monitor --config edge.yaml`, `okng-edge monitor "
    "127.0.0.1:1502 --once`",
    "实时查看 PLC 与工位的通信：每个位及其名称、序号、心跳、统计、最近结果、错误及处理方法。只读。\n\n"
    "给出 HOST[:PORT] 时通过 Modbus TCP 查看任意工位；省略时查看本机 `--config` 的工位，并通过本地链路"
    "显示更多：哪个主站占用寄存器、有哪些客户端、每一个结果（仅用 Modbus 时只能看到停留足够久的结果）。\n\n"
    "工位把读取视为该地址的存活信号：不要在 PLC 的地址上运行。\n\n"
    "示例：`okng-edge monitor 192.168.1.50`，`okng-edge monitor --config edge.yaml`，`okng-edge monitor "
    "127.0.0.1:1502 --once`",
)
_TWO_IMAGES_S = 0.4  # apart, so that a heartbeat is seen to move, and the link's greeting has come

Station = Annotated[
    str,
    typer.Argument(metavar="[HOST[:PORT]]", help=say("the station; left out: this box", "工位；省略为本机")),
]
Every = Annotated[float, typer.Option(min=0.02, help=say("seconds between images", "刷新间隔秒数"))]
Once = Annotated[bool, typer.Option("--once", help=say("print one image and end", "打印一帧后退出"))]
Unit = Annotated[int, typer.Option(min=0, max=255, help=say("unit id", "站号"))]


def monitor(
    station: Station = "",
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    every: Every = 0.1,
    unit: Unit = 1,
    once: Once = False,
) -> None:
    """Show frames until Ctrl-C, or one."""
    hush()
    link: Path | None = None
    if station:
        host, port = place(station)
    else:
        from edge_service.config import load

        tree = load(config)
        host, port, link = tree.modbus.tcp.host, tree.modbus.tcp.port, tree.link_socket
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not listened on
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_watch(host, port, unit, link, every, once=once))


async def _watch(host: str, port: int, unit: int, link: Path | None, every: float, *, once: bool) -> None:
    from rich.console import Console

    from edge_service.cli.monitor_frame import frame
    from edge_service.cli.monitor_view import View
    from edge_service.simulation.plc_line import PlcLine

    async with PlcLine(host, port, unit=unit) as line:
        view = View(line.place)
        async with _linked(link, view):
            if not once:
                await _live(line, view, every)
            await _look(line, view)
            await asyncio.sleep(_TWO_IMAGES_S)
            await _look(line, view)
            console = Console(highlight=False)
            console.print(frame(view, console.width, console.height))


@contextlib.asynccontextmanager
async def _linked(link: Path | None, view: "View") -> AsyncIterator[None]:
    if link is None:
        yield
        return
    from edge_service.link import LinkClient

    async with LinkClient(link, view.hear):
        yield


async def _live(line: "PlcLine", view: "View", every: float) -> None:
    """Show frame after frame; a station that does not answer is waited for."""
    from rich.live import Live

    from edge_service.cli.monitor_frame import frame
    from edge_service.errors import PlcError

    with Live(auto_refresh=False, screen=True) as live:
        while True:
            try:
                await _look(line, view)
                view.trouble = ""
            except PlcError as error:
                view.trouble = error.what
            live.update(frame(view, *live.console.size), refresh=True)
            await asyncio.sleep(every)


async def _look(line: "PlcLine", view: "View") -> None:
    view.take(await line.words(), await line.command_words(), asyncio.get_running_loop().time())
