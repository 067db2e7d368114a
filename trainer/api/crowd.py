"""A bound on what the server does at once: beyond it a request hears "later" before anything of it is read.

``at_once`` requests in hand, ``large_at_once`` of them with a body that is large or of no announced length.
Boxes and the command line take the answer (``busy``, with a time to come back) as any other "later", so
nothing is lost: it waits where it is. Streams that watch a job count as well.
"""

from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from edge_service.language import say
from trainer.api.answers import error_answer
from trainer.errors import Refusal

LARGE_BYTES = 1 << 20


@dataclass(slots=True)
class _Room:
    """Places, and how many of them are taken."""

    places: int
    taken: int = 0


class Crowd:
    """Lets requests in while there is room for them."""

    def __init__(self, app: ASGIApp, at_once: int, large_at_once: int) -> None:
        self._app = app
        self._all, self._large = _Room(at_once), _Room(large_at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        rooms = (self._all, self._large) if _is_large(Headers(scope=scope)) else (self._all,)
        if any(room.taken >= room.places for room in rooms):
            await _busy()(scope, receive, send)
            return
        for room in rooms:
            room.taken += 1
        try:
            await self._app(scope, receive, send)
        finally:
            for room in rooms:
                room.taken -= 1


def _is_large(headers: Headers) -> bool:
    """Tell whether a large body comes, or may come: nobody said how long it is."""
    length = headers.get("content-length", "")
    if length.isdecimal():
        return int(length) > LARGE_BYTES
    return "transfer-encoding" in headers


def _busy() -> ASGIApp:
    return error_answer(
        Refusal.BUSY,
        say("the server has its hands full", "服务器繁忙"),
        say(
            "try again in a moment; if it is often so, see server.http.at_once and uploads.at_once",
            "请稍后重试；若经常出现，请调整 server.http.at_once 和 uploads.at_once",
        ),
    )
