"""A training server for tests of the edge: the whole border of ``contract/routes.py`` over HTTP, in memory.

It keeps what it gets, by id, and counts what came twice. ``mood`` makes it misbehave::

    async with FakeServer() as server:
        server.code = "K7QF-2MXD"
        ...
        server.mood = Mood.FULL
"""

import asyncio
import hashlib
import json
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from edge_service.contract import routes
from edge_service.contract.keys import SigningKey, new_signing_key
from edge_service.contract.messages import (
    EnrolmentRequest,
    HealthReport,
    ImageLosses,
    InspectionBatch,
    InspectionRecord,
    ModelAssignment,
    ModelReference,
    SampleUpload,
    read,
)
from edge_service.contract.model_package import read_package
from edge_service.contract.trust import Trust
from edge_service.errors import MessageError

TOKEN = "token-of-line-1-0123456789"
Endpoint = Callable[[Request], Awaitable[Response]]


class Mood(Enum):
    """How it behaves."""

    FINE = auto()
    SILENT = auto()  # takes the request and never answers
    DRIPPING = auto()  # answers a byte now and then, for ever: never silent, never done
    FULL = auto()  # its disk is full
    NONSENSE = auto()  # a page that is no answer of okng's
    HUGE = auto()  # an answer without end
    BOMB = auto()  # a compressed answer that nobody asked for
    OTHER_RECEIPTS = auto()  # receipts for something else
    REVOKED = auto()  # the token counts no more


class FakeServer:
    """Serves on loopback from enter to exit; ``port`` 0: a free one, the same again after a restart."""

    def __init__(self, port: int = 0) -> None:
        self.key: SigningKey = new_signing_key()
        self._mood = Mood.FINE
        self._changed = asyncio.Event()
        self.code, self.token = "", TOKEN
        self.records: dict[str, dict[str, Any]] = {}
        self.samples: dict[str, SampleUpload] = {}
        self.images: dict[str, bytes] = {}
        self.losses: dict[str, str] = {}
        self.health: list[HealthReport] = []
        self.order: list[str] = []  # ids in the order in which they came first
        self.twice: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.refuse: Callable[[dict[str, Any]], str] = lambda _record: ""  # a reason: this record is refused
        self.refuse_image = False
        self.packages: dict[str, bytes] = {}
        self.assignments: tuple[ModelAssignment, ...] = ()
        self.cut_after: int | None = None  # bytes of a package after which the connection breaks, once
        self.ranges: list[str] = []
        self._port = port
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def mood(self) -> Mood:
        """How it behaves; a change lets go whoever was kept waiting."""
        return self._mood

    @mood.setter
    def mood(self, mood: Mood) -> None:
        self._mood = mood
        self._changed.set()
        self._changed = asyncio.Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._port}"

    def assign(self, data: bytes, *, recipe: int = 1, model: ModelReference | None = None) -> ModelAssignment:
        """Want this package on the box. ``model``: what it claims to be, for packages that are none."""
        sha256 = hashlib.sha256(data).hexdigest()
        if model is None:
            package = read_package(data, Trust.of(self.key.public))
            model = ModelReference(
                name=package.manifest.name, version=package.manifest.version, digest=package.digest
            )
        self.packages[sha256] = data
        assignment = ModelAssignment(
            recipe=recipe,
            model=model,
            package_sha256=sha256,
            size_bytes=len(data),
            url=routes.package(sha256),
            key_id=self.key.public.key_id,
        )
        others = tuple(each for each in self.assignments if each.recipe != recipe)
        self.assignments = (*others, assignment)
        return assignment

    async def __aenter__(self) -> Self:
        listener = socket.create_server(("127.0.0.1", self._port))
        self._port = listener.getsockname()[1]
        app = Starlette(
            routes=[
                Route(routes.ENROL, self._enrol, methods=["POST"]),
                Route(routes.INSPECTIONS, self._guarded(self._inspections), methods=["POST"]),
                Route(routes.IMAGE_LOSSES, self._guarded(self._losses), methods=["POST"]),
                Route(routes.HEALTH, self._guarded(self._health), methods=["POST"]),
                Route(routes.MODELS, self._guarded(self._models), methods=["GET"]),
                Route(routes.sample("{id}"), self._guarded(self._sample), methods=["PUT"]),
                Route(routes.image("{sha256}"), self._guarded(self._image), methods=["PUT"]),
                Route(routes.package("{sha256}"), self._guarded(self._package), methods=["GET"]),
            ]
        )
        config = uvicorn.Config(
            app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        self._server = _QuietServer(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[listener]), name="fake-server")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._task is not None
        self._changed.set()
        self._server.should_exit = True
        await self._task

    def _guarded(self, endpoint: Endpoint) -> Endpoint:
        async def answer(request: Request) -> Response:
            self.requests[request.url.path.split("/")[4]] += 1
            if (moody := await self._moody()) is not None:
                return moody
            if request.headers.get("Authorization") != f"Bearer {self.token}" or self.mood is Mood.REVOKED:
                return refusal(401, "unauthorised", "this token is not known")
            try:
                return await endpoint(request)
            except MessageError as error:
                return refusal(422, "unreadable", error.what)

        return answer

    async def _moody(self) -> Response | None:  # noqa: PLR0911 - one a mood
        match self.mood:
            case Mood.SILENT:
                await self._changed.wait()
                return Response(status_code=503)
            case Mood.DRIPPING:
                return StreamingResponse(self._drops(), media_type="application/json")
            case Mood.FULL:
                return refusal(507, "disk_full", "no room", retry=True, retry_after_s=0.2)
            case Mood.NONSENSE:
                return Response("<html>Welcome to nginx!</html>", media_type="text/html")
            case Mood.HUGE:
                return Response(b" " * (routes.MAX_JSON_BYTES + 1), media_type="application/json")
            case Mood.BOMB:
                return Response(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
        return None

    async def _drops(self) -> AsyncIterator[bytes]:
        while self.mood is Mood.DRIPPING:
            yield b" "
            await asyncio.sleep(0.02)  # slower than that is silence, which is another mood

    async def _enrol(self, request: Request) -> Response:
        asked = read(EnrolmentRequest, await request.body())
        if not self.code or asked.code != self.code:
            return refusal(403, "unauthorised", "this code is not known or was used before")
        self.code = ""
        return JSONResponse(
            {
                "format_version": 1,
                "station": asked.station,
                "token": self.token,
                "key_id": self.key.public.key_id,
                "public_key": self.key.public.raw.hex(),
                "server": "fake",
            }
        )

    async def _inspections(self, request: Request) -> Response:
        receipts = []
        for record in read(InspectionBatch, await request.body()).records:
            whole = read(InspectionRecord, json.dumps(record))
            receipts.append(self._keep_record(whole, dict(record)))
        if self.mood is Mood.OTHER_RECEIPTS:
            receipts = [{**receipt, "id": "other-1-1"} for receipt in receipts]
        return JSONResponse({"format_version": 1, "receipts": receipts})

    def _keep_record(self, whole: InspectionRecord, record: dict[str, Any]) -> dict[str, Any]:
        number = whole.global_id
        if reason := self.refuse(record):
            return {"id": number, "state": "refused", "reason": reason}
        missing = [image.sha256 for image in whole.images if image.sha256 not in self.images]
        if number in self.records:
            self.twice[number] += 1
            state = "duplicate" if self.records[number] == record else "conflict"
            return {"id": number, "state": state, "missing_images": missing}
        self.records[number] = record
        self.order.append(number)
        return {"id": number, "state": "stored", "missing_images": missing}

    async def _sample(self, request: Request) -> Response:
        sample = read(SampleUpload, await request.body())
        state = "duplicate" if sample.sample_id in self.samples else "stored"
        self.samples[sample.sample_id] = sample
        missing = [] if sample.image.sha256 in self.images else [sample.image.sha256]
        return JSONResponse({"id": sample.sample_id, "state": state, "missing_images": missing})

    async def _image(self, request: Request) -> Response:
        if self.refuse_image:
            return refusal(415, "wrong_type", "this is no picture")
        data, sha256 = await request.body(), request.path_params["sha256"]
        if hashlib.sha256(data).hexdigest() != sha256:
            return refusal(422, "wrong_digest", "the bytes are not those of this address")
        duplicate = sha256 in self.images
        self.images[sha256] = data
        return JSONResponse({"format_version": 1, "sha256": sha256, "duplicate": duplicate})

    async def _losses(self, request: Request) -> Response:
        for loss in read(ImageLosses, await request.body()).losses:
            self.losses[loss.sha256] = loss.reason
        return Response(status_code=204)

    async def _health(self, request: Request) -> Response:
        self.health.append(read(HealthReport, await request.body()))
        return JSONResponse({"format_version": 1, "server_time": 1.7e9, "models_etag": self._etag()})

    async def _models(self, request: Request) -> Response:
        etag = self._etag()
        if request.headers.get("If-None-Match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        body = {
            "format_version": 1,
            "station": "line-1",
            "etag": self._etag(),
            "assignments": [json.loads(each.model_dump_json()) for each in self.assignments],
        }
        return JSONResponse(body, headers={"ETag": etag})

    def _etag(self) -> str:
        return f'"{hashlib.sha256(repr(self.assignments).encode()).hexdigest()[:16]}"'

    async def _package(self, request: Request) -> Response:
        data = self.packages.get(request.path_params["sha256"])
        if data is None:
            return refusal(404, "unknown", "no such package")
        wanted = request.headers.get("Range", "")
        self.ranges.append(wanted)
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        body, headers = data[begin:], {"Content-Length": str(len(data) - begin)}
        if self.cut_after is not None:
            body, self.cut_after = body[: self.cut_after], None  # uvicorn breaks the connection off
            headers["Connection"] = "close"
        status = 206 if wanted else 200
        if wanted:
            headers["Content-Range"] = f"bytes {begin}-{len(data) - 1}/{len(data)}"
        return Response(body, status_code=status, headers=headers)


class _QuietServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def refusal(status: int, error: str, what: str, **more: Any) -> JSONResponse:
    """Return an ErrorAnswer."""
    return JSONResponse({"format_version": 1, "error": error, "what": what, **more}, status_code=status)
