"""The composition root of the gateway, from the configuration file to the exit code."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
import uvicorn

from edge_service.config import EdgeConfig, load
from edge_service.errors import ConfigurationError, OkngError
from edge_service.gateway.hearing import Hearing
from edge_service.gateway.status import status_app
from edge_service.gateway.uplink import Uplink
from edge_service.gateway.view import CoreView
from edge_service.language import say
from edge_service.lifecycle import Notifier, end_with_parent, only_error, stop_on_signals
from edge_service.link import LinkClient, Snapshot
from edge_service.log import configure_for

if TYPE_CHECKING:
    from edge_service.gateway.opcua.thread import OpcUaThread

log = structlog.get_logger()

GOODBYE_S = 2  # a browser may finish its request for so long at the end


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
                alive = [group.create_task(_stay_alive(notifier), name="watchdog")]
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


def _server(config: EdgeConfig, view: CoreView) -> tuple[uvicorn.Server, socket.socket] | None:
    section = config.gateway.http
    if not section.enabled:
        return None
    listener = _listen(section.host, section.port)
    settings = uvicorn.Config(
        status_app(view, section.host),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_S,
        limit_concurrency=64,
    )
    return _Server(settings), listener


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: the process's own life cycle has them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            say(
                f"the status page cannot listen on {host}:{port}: {error.strerror}",
                f"状态页面无法监听 {host}:{port}：{error.strerror}",
            ),
            remedy=say(
                "end what uses this port, or set gateway.http.port (0 lets the system choose)",
                "请结束占用该端口的程序，或设置 gateway.http.port（0 由系统选择）",
            ),
        ) from error
    return listener


async def _stay_alive(notifier: Notifier) -> None:
    """Give systemd its sign of life: this loop turns."""
    while True:
        notifier.alive()
        await asyncio.sleep(1.0)
