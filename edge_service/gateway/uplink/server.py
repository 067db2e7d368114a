"""The training server as the gateway talks to it: ``contract/routes.py`` over HTTP.

Rules: every request has a deadline that grows with what it carries; an answer is never read past its bound;
redirects are not followed and no proxy of the environment is used; whatever is not an answer of okng's is a
NonsenseError, never taken for a receipt. ``httpx`` does not leave this file.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self, TypeVar

import httpx

from edge_service.contract import routes
from edge_service.contract.messages import (
    EnrolmentAnswer,
    EnrolmentRequest,
    ErrorAnswer,
    HealthAnswer,
    HealthReport,
    ImageLoss,
    ImageLosses,
    ImageReceipt,
    ModelAssignments,
    Part,
    Receipt,
    Receipts,
    read,
    write,
)
from edge_service.errors import ConfigurationError, MessageError
from edge_service.gateway.uplink.trouble import AwayError, NonsenseError, RefusalError, TokenError, nonsense
from edge_service.language import say

SLOWEST: Final = 20_000  # bytes a second: below that a transfer counts as stuck
MAX_ERROR_BYTES: Final = 64 * 1024
_ABOUT_THE_THING: Final = frozenset(
    {
        HTTPStatus.CONFLICT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
    }
)
"""Statuses that speak of what was sent; any other 4xx speaks of how this box asks, and sets nothing aside."""

Answer = TypeVar("Answer", bound=Part)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer, read within its bound."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Server:
    """One training server. Opens on enter, closes on exit. ``token`` empty: before the enrolment."""

    url: str
    token: str = ""
    timeout_s: float = 10.0
    ca_file: Path | None = None
    _client: httpx.AsyncClient | None = field(default=None, init=False)

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        try:
            self._client = httpx.AsyncClient(
                base_url=self.url,
                headers=headers,
                timeout=httpx.Timeout(self.timeout_s, pool=None),
                verify=await asyncio.to_thread(self._tls),
                trust_env=False,
                limits=httpx.Limits(max_connections=4),
            )
        except (httpx.InvalidURL, ValueError) as error:
            raise ConfigurationError(
                say(f"{self.url} is no address of a server: {error}", f"{self.url} 不是服务器地址：{error}"),
                remedy=say("such as https://server:8443", "例如 https://server:8443"),
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def enrol(self, request: EnrolmentRequest) -> EnrolmentAnswer:
        """Show the one-time code; return token and key."""
        return await self._say("POST", routes.ENROL, request, EnrolmentAnswer)

    async def inspections(self, records: Sequence[str]) -> tuple[Receipt, ...]:
        """Send records (each the JSON of one) and return a receipt for each, in their order."""
        body = b'{"format_version":1,"records":[' + ",".join(records).encode() + b"]}"
        receipts = _parsed(Receipts, await self._ask("POST", routes.INSPECTIONS, body)).receipts
        if len(receipts) != len(records):
            raise nonsense(f"{len(records)} records, {len(receipts)} receipts")
        return receipts

    async def sample(self, sample_id: str, body: str) -> Receipt:
        """Send one sample's description."""
        return _parsed(Receipt, await self._ask("PUT", routes.sample(sample_id), body.encode()))

    async def image(self, sha256: str, data: bytes, media_type: str) -> None:
        """Send an image's bytes."""
        reply = await self._ask("PUT", routes.image(sha256), data, media_type)
        if _parsed(ImageReceipt, reply).sha256 != sha256:
            raise nonsense("a receipt for another image")

    async def losses(self, losses: Sequence[ImageLoss]) -> None:
        """Tell of images that will not come."""
        await self._ask("POST", routes.IMAGE_LOSSES, write(ImageLosses(losses=tuple(losses))))

    async def health(self, report: HealthReport) -> HealthAnswer:
        """Report; return the server's clock and the tag of the models it wants here."""
        return await self._say("POST", routes.HEALTH, report, HealthAnswer)

    async def models(self, etag: str) -> ModelAssignments | None:
        """Return what the server wants on this box; None when that is still what ``etag`` stands for."""
        headers = {"If-None-Match": etag} if etag else {}
        reply = await self._ask("GET", routes.MODELS, headers=headers)
        return None if reply.status == HTTPStatus.NOT_MODIFIED else _parsed(ModelAssignments, reply)

    @asynccontextmanager
    async def package(
        self, sha256: str, size: int, offset: int
    ) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """Open a package for reading from ``offset`` on; give (where the bytes begin, the bytes).

        A server that knows no ranges begins at 0. What comes beyond ``size`` bytes is a NonsenseError.
        """
        headers = {"Range": f"bytes={offset}-", "If-Range": f'"{sha256}"'} if offset else {}
        allowed_s = self.timeout_s + (size - offset) / SLOWEST
        async with self._answer("GET", routes.package(sha256), None, headers, allowed_s) as response:
            if response.status_code not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
                raise _refusal(await _whole(response, MAX_ERROR_BYTES), known=True)
            begin = _begin(response.headers.get("Content-Range", ""), offset, response.status_code)
            yield begin, _bounded(response, size - begin)

    async def _say(self, method: str, path: str, message: Part, kind: type[Answer]) -> Answer:
        return _parsed(kind, await self._ask(method, path, write(message)))

    async def _ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """Ask and return a good answer (2xx, 304); raise what anything else means."""
        sent = {**(headers or {}), **({"Content-Type": media_type} if body is not None else {})}
        allowed_s = 2 * self.timeout_s + len(body or b"") / SLOWEST
        async with self._answer(method, path, body, sent, allowed_s) as response:
            reply = await _whole(response, routes.MAX_JSON_BYTES)
        if reply.status == HTTPStatus.NOT_MODIFIED or reply.status // 100 == HTTPStatus.OK // 100:
            return reply
        raise _refusal(reply, known=path.startswith(routes.image("")))

    @asynccontextmanager
    async def _answer(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], allowed_s: float
    ) -> AsyncIterator[httpx.Response]:
        assert self._client is not None, "the server is used inside its async with"
        try:
            async with (
                asyncio.timeout(allowed_s),
                self._client.stream(method, path, content=body, headers=dict(headers)) as response,
            ):
                yield response
        except TimeoutError as error:
            raise AwayError(_silent(self.url), remedy=_look()) from error
        except httpx.TimeoutException as error:
            raise AwayError(_silent(self.url), remedy=_look()) from error
        except (httpx.ProtocolError, httpx.DecodingError) as error:
            if isinstance(error, httpx.RemoteProtocolError) and "disconnected" in str(error).lower():
                raise AwayError(_gone(self.url, error), remedy=_look()) from error
            raise nonsense(str(error)) from error
        except httpx.TransportError as error:
            raise AwayError(_gone(self.url, error), remedy=_certify(error) or _look()) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise nonsense(str(error)) from error

    def _tls(self) -> ssl.SSLContext | bool:
        if not self.url.startswith("https:"):
            return False
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigurationError(
                say(f"{self.ca_file} is no certificate: {error}", f"{self.ca_file} 不是证书：{error}"),
                remedy=say("set uplink.ca_file to the PEM file", "请将 uplink.ca_file 设为 PEM 文件"),
            ) from error


async def _whole(response: httpx.Response, most: int) -> Reply:
    body = b"".join([piece async for piece in _bounded(response, most)])
    return Reply(response.status_code, response.headers, body)


async def _bounded(response: httpx.Response, most: int) -> AsyncIterator[bytes]:
    """Yield the body as it is on the wire (never unpacked: no bomb), at most ``most`` bytes of it."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise nonsense("a compressed answer that nobody asked for")
    read_so_far = 0
    async for piece in response.aiter_raw():
        read_so_far += len(piece)
        if read_so_far > most:
            raise nonsense(f"an answer of more than {most} bytes")
        yield piece


def _parsed(kind: type[Answer], reply: Reply) -> Answer:
    try:
        return read(kind, reply.body)
    except MessageError as error:
        raise nonsense(error.what) from error


def _refusal(reply: Reply, *, known: bool) -> AwayError | NonsenseError | TokenError | RefusalError:
    """Return what an answer that is no success means.

    ``known``: "not found" is the server's word on the thing that was named; elsewhere the address itself
    is unknown there, so it is no server of ours, or an older one, and nothing must be set aside for it.
    """
    try:
        answer = read(ErrorAnswer, reply.body)
    except MessageError:
        if reply.status in (
            HTTPStatus.BAD_GATEWAY,
            HTTPStatus.SERVICE_UNAVAILABLE,
            HTTPStatus.GATEWAY_TIMEOUT,
        ):
            return AwayError(f"HTTP {reply.status}", remedy=_look())  # a proxy whose server is away
        return nonsense(f"HTTP {reply.status}")
    what, remedy = f"{answer.error}: {answer.what}", answer.remedy
    if reply.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return TokenError(what, remedy=_enrol_again())
    if answer.retry or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return AwayError(what, remedy=remedy or _look(), retry_after_s=answer.retry_after_s)
    if reply.status in _ABOUT_THE_THING or (reply.status == HTTPStatus.NOT_FOUND and known):
        return RefusalError(what, error=answer.error, status=reply.status, remedy=remedy)
    return NonsenseError(f"HTTP {reply.status}, {what}", remedy=remedy or _look())


def _begin(content_range: str, offset: int, status: int) -> int:
    if status == HTTPStatus.OK:
        return 0
    if not content_range.startswith(f"bytes {offset}-"):
        raise nonsense(f"asked for bytes from {offset}, got {content_range[:80]!r}")
    return offset


def _silent(url: str) -> str:
    return say(f"{url} does not answer in time", f"{url} 未在时限内应答")


def _gone(url: str, error: Exception) -> str:
    reason = str(error) or type(error).__name__
    return say(f"{url} cannot be reached: {reason}", f"无法连接 {url}：{reason}")


def _look() -> str:
    return say(
        "look at network and server; what is to be sent waits on this box",
        "请检查网络和服务器；待发送内容保存在本机",
    )


def _certify(error: BaseException | None) -> str:
    """Return what to do about a certificate that this box does not believe; empty for any other error."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    if error is None:
        return ""
    return say(
        "set uplink.ca_file to the certificate (PEM) of the authority that issued the server's, and ask for "
        "the server by the name in it",
        "请将 uplink.ca_file 设为签发服务器证书的 CA 证书（PEM），并使用证书中的名称访问服务器",
    )


def _enrol_again() -> str:
    return say(
        "get a new code on the server (okng-trainer edges code), then: okng-edge enrol URL CODE",
        "请在服务器上生成新注册码，然后执行：okng-edge enrol URL CODE",
    )
