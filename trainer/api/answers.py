"""Errors as the other side reads them: an ``ErrorAnswer`` under the status that fits.

``retry`` is true where the same request may succeed later: a full disk, a database that is away.
"""

from typing import Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from edge_service.contract.messages import ErrorAnswer, write
from edge_service.errors import DiskFullError, MessageError, OkngError
from edge_service.language import say
from trainer.errors import DatabaseError, Refusal, RequestError

log = structlog.get_logger()

_STATUS: Final[dict[Refusal, int]] = {
    Refusal.UNAUTHORISED: 401,
    Refusal.FORBIDDEN: 403,
    Refusal.WRONG_CODE: 403,
    Refusal.WRONG_STATION: 403,
    Refusal.WRONG_HOST: 400,
    Refusal.NOT_FOUND: 404,
    Refusal.NOT_ALLOWED: 405,
    Refusal.CONFLICT: 409,
    Refusal.TOO_LARGE: 413,
    Refusal.TOO_SLOW: 408,
    Refusal.WRONG_TYPE: 415,
    Refusal.WRONG_DIGEST: 422,
    Refusal.UNREADABLE: 422,
    Refusal.RANGE: 416,
    Refusal.DISK_FULL: 507,
    Refusal.AWAY: 503,
    Refusal.BUSY: 503,
    Refusal.BUG: 500,
}
_RETRY_AFTER_S: Final[dict[Refusal, float]] = {
    Refusal.TOO_SLOW: 5.0,
    Refusal.DISK_FULL: 60.0,
    Refusal.AWAY: 5.0,
    Refusal.BUSY: 1.0,
    Refusal.BUG: 30.0,
}


def install_error_answers(app: FastAPI) -> None:
    """Make every way a request can fail end in an ``ErrorAnswer``."""
    app.add_exception_handler(OkngError, _on_okng_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, _on_bug)


def error_answer(
    refusal: Refusal, what: str, remedy: str = "", headers: dict[str, str] | None = None
) -> Response:
    """Return the answer for a refusal."""
    after_s = _RETRY_AFTER_S.get(refusal)
    body = ErrorAnswer(
        error=refusal.value,
        what=what[:4000],
        remedy=remedy[:4000],
        retry=after_s is not None,
        retry_after_s=after_s,
    )
    head = dict(headers or {})
    if after_s is not None:
        head["Retry-After"] = str(round(after_s))
    if refusal is Refusal.UNAUTHORISED:
        head["WWW-Authenticate"] = "Bearer"
    return Response(write(body), _STATUS[refusal], head, "application/json")


async def _on_okng_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, OkngError)
    refusal = _refusal(error)
    if refusal in {Refusal.BUG, Refusal.DISK_FULL, Refusal.AWAY}:
        log.error("request_failed", path=request.url.path, error=refusal.value, what=error.what)
    return error_answer(refusal, error.what, error.remedy)


def _refusal(error: OkngError) -> Refusal:
    match error:
        case RequestError():
            return error.refusal
        case DiskFullError():
            return Refusal.DISK_FULL
        case DatabaseError():
            return Refusal.AWAY
        case MessageError():
            return Refusal.UNREADABLE
        case _:
            return Refusal.UNREADABLE if error.remedy else Refusal.BUG


async def _on_http_exception(_: Request, error: Exception) -> Response:
    """Answer what the router itself refuses: an unknown address, another method."""
    assert isinstance(error, HTTPException)
    refusal = {404: Refusal.NOT_FOUND, 405: Refusal.NOT_ALLOWED}.get(error.status_code, Refusal.UNREADABLE)
    return error_answer(refusal, str(error.detail), headers=dict(error.headers or {}))


async def _on_validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg'][:200]}" for fault in error.errors()[:3]]
    return error_answer(Refusal.UNREADABLE, "; ".join(faults))


async def _on_bug(request: Request, error: Exception) -> Response:
    log.error("bug", path=request.url.path, exc_info=error)
    return error_answer(
        Refusal.BUG,
        say(f"the server failed: {type(error).__name__}", f"服务器出错：{type(error).__name__}"),
        say("its log says more; please report it", "详情见其日志；请反馈此问题"),
    )
