"""Asking a running station something over its local socket, as the person at its command line."""

import asyncio
import socket
from collections.abc import Mapping
from typing import Any

from edge_service.config import EdgeConfig
from edge_service.errors import LinkError, RefusedError
from edge_service.language import say
from edge_service.link import LinkClient, Role, Snapshot

CONNECT_S = 5.0


def station_runs(tree: EdgeConfig) -> bool:
    """Tell whether somebody answers at the station's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(tree.link_socket))
        except OSError:
            return False
    return True


def ask(
    tree: EdgeConfig,
    command: str,
    arguments: Mapping[str, Any],
    *,
    role: Role = Role.ENGINEER,
    timeout_s: float = 130.0,
) -> dict[str, Any]:
    """Have the station carry out ``command``. Raises LinkError (it does not answer), RefusedError."""
    return asyncio.run(_ask(tree, command, arguments, role, timeout_s))


async def _ask(
    tree: EdgeConfig, command: str, arguments: Mapping[str, Any], role: Role, timeout_s: float
) -> dict[str, Any]:
    there = asyncio.Event()

    def hear(message: object) -> None:
        if isinstance(message, Snapshot):
            there.set()

    async with LinkClient(tree.link_socket, hear) as link:
        try:
            await asyncio.wait_for(there.wait(), CONNECT_S)
        except TimeoutError as error:
            raise LinkError(
                say("the station does not answer", "工位没有应答"),
                remedy=say("start it: okng-edge run, or systemctl start okng-edge", "请先启动工位"),
            ) from error
        answer = await link.command(command, arguments, role, timeout_s)
    if answer.code:
        raise RefusedError(answer.code, answer.what or command, remedy=answer.remedy)
    return dict(answer.data)
