"""Reading what is sent, with a bound on its size and on the sender's silence."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from starlette.requests import ClientDisconnect

from edge_service.contract.routes import MAX_JSON_BYTES
from edge_service.language import say
from trainer.api.rooms import Here
from trainer.errors import Refusal, RequestError


async def bounded(request: Request, most_bytes: int, silence_s: float) -> AsyncIterator[bytes]:
    """Yield the body piece by piece. Raises RequestError: TOO_LARGE, TOO_SLOW (silent, or gone)."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > most_bytes:
        raise _too_large(int(announced), most_bytes)
    came = 0
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(silence_s):
                chunk = await anext(stream)
        except StopAsyncIteration:
            return
        except (TimeoutError, ClientDisconnect) as error:
            raise RequestError(
                Refusal.TOO_SLOW,
                say(f"the sender stopped after {came} bytes", f"发送方在 {came} 字节后中断"),
                remedy=say("send it again", "请重新发送"),
            ) from error
        came += len(chunk)
        if came > most_bytes:
            raise _too_large(came, most_bytes)
        yield chunk


async def _json_body(request: Request, rooms: Here) -> bytes:
    return b"".join([chunk async for chunk in bounded(request, MAX_JSON_BYTES, rooms.silence_s)])


JsonBody = Annotated[bytes, Depends(_json_body)]
"""The whole of a small body, as a handler's parameter."""


def _too_large(size: int, most_bytes: int) -> RequestError:
    return RequestError(
        Refusal.TOO_LARGE,
        say(f"{size} bytes are sent, {most_bytes} are allowed", f"发送了 {size} 字节，最多允许 {most_bytes}"),
        remedy=say(
            "send less at once, or raise the bound in the server's uploads section",
            "请减少单次发送量，或在服务器 uploads 配置段中调高限制",
        ),
    )
