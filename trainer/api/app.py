"""The application: every route, its error answers, and what guards them."""

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import edge_service
from edge_service.language import say
from trainer.api import about, datasets, edge, edges, jobs, models, people, results
from trainer.api.answers import error_answer, install_error_answers
from trainer.api.crowd import Crowd
from trainer.api.rooms import Rooms
from trainer.errors import Refusal

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob:",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})


def build_app(rooms: Rooms, host: str = "") -> FastAPI:
    """Return the application; on a loopback ``host`` it answers to no other name."""
    app = FastAPI(title="okng trainer", version=edge_service.__version__, docs_url=None, redoc_url=None)
    app.state.rooms = rooms
    for room in (about, edge, edges, datasets, results, jobs, models, people):
        app.include_router(room.router)
    install_error_answers(app)
    app.add_middleware(Crowd, at_once=rooms.at_once, large_at_once=rooms.large_at_once)
    app.add_middleware(_Guard, hosts=_LOOPBACK if host in {"127.0.0.1", "localhost", "::1"} else frozenset())
    return app


class _Guard:
    """Lets in who asks for this server by its own name, and gives every answer its safety headers."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str]) -> None:
        self._app, self._hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        host = Headers(scope=scope).get("host", "")
        if self._hosts and _without_port(host) not in self._hosts:
            answer = error_answer(
                Refusal.WRONG_HOST,
                say(f"{host[:100]} is not this server", f"{host[:100]} 不是本服务器"),
                say(
                    "ask for 127.0.0.1, or set server.http.host", "请访问 127.0.0.1，或设置 server.http.host"
                ),
            )
            await answer(scope, receive, with_headers)
            return
        await self._app(scope, receive, with_headers)


def _without_port(host: str) -> str:
    return host if host.endswith("]") else host.rpartition(":")[0] or host
