"""The status page: what the station does now, the last frame and its heat map.

``/`` is the page (English, or Chinese with ``?lang=zh``), ``/api/status`` its facts as JSON,
``/api/last-frame.jpg`` and ``/api/last-heatmap.jpg`` the pictures. They answer 503 while the core is away:
an old OK is no OK. ``/api/uplink`` says how the box stands with its training server, ``/api/codes`` what
every code means and what to do, in both languages.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge_service.domain.codes import EXPLANATIONS, Code, explain
from edge_service.gateway.view import CoreView

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
}
_PAGES = {"/": "status.html", "/status.css": "status.css", "/status.js": "status.js"}
_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
_CODES = {
    int(code): {
        "severity": text.severity.name.lower(),
        "en": {"cause": text.cause_en, "remedy": text.remedy_en},
        "zh": {"cause": text.cause_zh, "remedy": text.remedy_zh},
    }
    for code, text in EXPLANATIONS.items()
}
_LOOPBACK = ["127.0.0.1", "localhost", "[::1]"]

Answer = Callable[[Request], Awaitable[Response]]


def status_app(view: CoreView, host: str) -> Starlette:
    """Return the application that shows ``view``; on a loopback ``host`` it answers to no other name."""

    async def status(_: Request) -> Response:
        return _away() if view.away else JSONResponse(view.status())

    async def uplink(_: Request) -> Response:
        return JSONResponse(view.uplink())

    async def codes(_: Request) -> Response:
        return JSONResponse(_CODES)

    async def frame(_: Request) -> Response:
        return _picture(view, view.frame)

    async def heat_map(_: Request) -> Response:
        return _picture(view, view.heat_map)

    allowed = _LOOPBACK if host in {"127.0.0.1", "localhost", "::1"} else ["*"]
    return Starlette(
        routes=[
            *(Route(path, _file(name)) for path, name in _PAGES.items()),
            Route("/api/status", status),
            Route("/api/uplink", uplink),
            Route("/api/codes", codes),
            Route("/api/last-frame.jpg", frame),
            Route("/api/last-heatmap.jpg", heat_map),
        ],
        middleware=[
            Middleware(_Headers),
            Middleware(TrustedHostMiddleware, allowed_hosts=allowed, www_redirect=False),
        ],
    )


class _Headers:
    """Gives every answer the headers that keep it fresh and to itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, with_headers)


def _file(name: str) -> Answer:
    content = (files("edge_service.gateway") / name).read_bytes()
    media_type = _TYPES[name.rsplit(".", 1)[1]]

    async def answer(_: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer


def _picture(view: CoreView, jpeg: bytes) -> Response:
    if view.away:
        return _away()
    if not jpeg:
        return JSONResponse({"error": "none_yet"}, status_code=404)
    return Response(jpeg, media_type="image/jpeg", headers={"X-Counter": str(view.picture_counter)})


def _away() -> Response:
    why = explain(Code.CORE_AWAY)
    body: dict[str, Any] = {"error": "core_away", "code": int(Code.CORE_AWAY)}
    if why is not None:
        body |= {"what": why.cause, "remedy": why.remedy}
    return JSONResponse(body, status_code=503, headers={"Retry-After": "1"})
