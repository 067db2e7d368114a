"""HTTP inside a process with a life cycle of its own: the gateway's page, the training server."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from edge_service.errors import ConfigurationError
from edge_service.language import say

GOODBYE_S = 2  # a request in hand may finish for so long at the end


class HttpServer(uvicorn.Server):
    """uvicorn for an ASGI application, without its signal handlers and its log.

    ``most_at_once``: connections beyond it are answered 503; None = no limit.
    """

    def __init__(self, app: Any, most_at_once: int | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GOODBYE_S,
                limit_concurrency=most_at_once,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process's life cycle."""
        yield


def listen(host: str, port: int, *, waiting: int, who: tuple[str, str], setting: str) -> socket.socket:
    """Return a listening TCP socket. Raises ConfigurationError when the port is taken or cannot be had.

    ``waiting``: connections that may queue. ``who`` (English, Chinese) and ``setting``: for the message.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(waiting)
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            say(
                f"{who[0]} cannot listen on {host}:{port}: {error.strerror}",
                f"{who[1]}无法监听 {host}:{port}：{error.strerror}",
            ),
            remedy=say(
                f"end what uses this port, or set {setting} (0 lets the system choose)",
                f"请结束占用该端口的程序，或设置 {setting}（0 由系统选择）",
            ),
        ) from error
    return listener
