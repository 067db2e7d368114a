"""The composition root of the gateway, from the configuration file to the exit code."""

import asyncio
import socket
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from edge_service.config import EdgeConfig, load
from edge_service.errors import OkngError
from edge_service.gateway.hearing import Hearing
from edge_service.gateway.status import status_app
from edge_service.gateway.uplink import Uplink
from edge_service.gateway.view import CoreView
from edge_service.http_server import HttpServer, listen
from edge_service.lifecycle import Notifier, end_with_parent, only_error, stay_alive, stop_on_signals
from edge_service.link import LinkClient, Snapshot
from edge_service.log import configure_for

if TYPE_CHECKING:
    from edge_service.gateway.opcua.thread import OpcUaThread

log = structlog.get_logger()

MOST_BROWSERS = 64


def run_gateway(path: Path) -> int:
    """Serve until SIGTERM and return 0. Raises ConfigurationError when the port is taken."""
    end_with_parent()
    config = load(path)
    with configure_for(config.log.level, config.log.format):
        try:
            asyncio.run(_serve(config))
        except ExceptionGroup as group:
            expected, bugs = group.split(OkngError)
            if bugs is not None or expected is None:
                raise
            raise only_error(expected) from group
    return 0


async def _serve(config: EdgeConfig) -> None:
    notifier = Notifier()
    view = CoreView()
    hearing = Hearing(view.hear)
    with stop_on_signals() as stop:
        async with AsyncExitStack() as stack:
            client = LinkClient(config.link_socket, hearing, config.link.timeout_ms / 1000)
            view.link = link = await stack.enter_async_context(client)
            async with asyncio.TaskGroup() as group:
                uplink = Uplink(config, view, link)
                view.uplink = uplink.state.plain
                server = _server(config, view)
                if server is not None:
                    http, listener = server
                    task = group.create_task(http.serve(sockets=[listener]), name="http")
                    address, port = listener.getsockname()[:2]
                    print(f"gateway http={address}:{port}", flush=True)
                    log.info("http_listening", address=f"{address}:{port}")
                alive = [group.create_task(stay_alive(notifier), name="watchdog")]
                alive.append(group.create_task(uplink.run(), name="uplink"))
                opcua = await _opcua(config, link, view, hearing, stack)
                if opcua is not None:
                    alive.append(group.create_task(opcua.failed(), name="opcua-failed"))
                notifier.ready()
                await stop.wait()
                notifier.stopping()
                for each in alive:
                    each.cancel()
                if server is not None:
                    http.should_exit = True
                    await task
    notifier.close()


async def _opcua(
    config: EdgeConfig, link: LinkClient, view: CoreView, hearing: Hearing, stack: AsyncExitStack
) -> "OpcUaThread | None":
    if not config.gateway.opcua.enabled:
        return None
    from edge_service.gateway.opcua.thread import OpcUaThread, opcua_settings  # noqa: PLC0415 - if wanted

    server = await stack.enter_async_context(OpcUaThread(opcua_settings(config), link, view))
    hearing.add(server.hear)
    if view.state:
        server.hear(Snapshot(dict(view.state)))
    print(f"gateway opcua={server.address}", flush=True)
    log.info("opcua_listening", address=server.address)
    return server


def _server(config: EdgeConfig, view: CoreView) -> tuple[HttpServer, socket.socket] | None:
    section = config.gateway.http
    if not section.enabled:
        return None
    listener = listen(
        section.host,
        section.port,
        waiting=MOST_BROWSERS,
        who=("the status page", "状态页面"),
        setting="gateway.http.port",
    )
    return HttpServer(status_app(view, section.host), MOST_BROWSERS), listener
