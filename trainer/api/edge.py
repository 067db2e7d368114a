"""The routes of boxes, as ``edge_service.contract.routes`` lists them."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from edge_service.contract import routes
from edge_service.contract.messages import (
    EnrolmentAnswer,
    EnrolmentRequest,
    HealthAnswer,
    HealthReport,
    ImageLosses,
    ImageReceipt,
    InspectionBatch,
    Message,
    ModelAssignments,
    Receipt,
    Receipts,
    SampleUpload,
    Sha256,
    read,
    write,
)
from edge_service.language import say
from trainer.api.bodies import JsonBody, bounded
from trainer.api.identity import Station
from trainer.api.packages import send_package
from trainer.api.rooms import Here
from trainer.errors import Refusal, RequestError

log = structlog.get_logger()
router = APIRouter(tags=["edge"])

_SHA256 = TypeAdapter(Sha256)


@router.post(routes.ENROL, response_model=EnrolmentAnswer)
def enrol(rooms: Here, body: JsonBody) -> Response:
    """Let a box in that shows a one-time code. Takes an EnrolmentRequest; needs no token."""
    request = read(EnrolmentRequest, body)
    token = rooms.boxes.enrol(request)
    log.info("box_enrolled", station=request.station)
    return _said(
        EnrolmentAnswer(
            station=request.station,
            token=token,
            key_id=rooms.key.key_id,
            public_key=rooms.key.raw.hex(),
            server=rooms.server,
        )
    )


@router.post(routes.INSPECTIONS, response_model=Receipts)
def store_inspections(station: Station, rooms: Here, body: JsonBody) -> Response:
    """Store records. Takes an InspectionBatch; each record gets its own receipt."""
    batch = read(InspectionBatch, body)
    return _said(Receipts(receipts=tuple(rooms.inspections.store(station, batch.records))))


@router.put(routes.sample("{sample_id}"), response_model=Receipt)
def store_sample(station: Station, sample_id: str, rooms: Here, body: JsonBody) -> Response:
    """Store a good photograph's record. Takes a SampleUpload; the picture comes by itself."""
    upload = read(SampleUpload, body)
    if upload.sample_id != sample_id:
        raise RequestError(
            Refusal.UNREADABLE,
            say("the sample's id is not the address's", "样本编号与地址不符"),
            remedy=say("run the same version of okng on both sides", "请在两端运行相同版本的 okng"),
        )
    return Response(write(rooms.samples.store(station, upload)), media_type="application/json")


@router.put(routes.image("{sha256}"), response_model=ImageReceipt)
async def store_image(station: Station, sha256: str, rooms: Here, request: Request) -> Response:
    """Store a picture's bytes (JPEG or PNG) under their SHA-256."""
    name = _name(sha256)
    shelf = rooms.images
    incoming = await run_in_threadpool(shelf.incoming)
    try:
        async for chunk in bounded(request, shelf.bounds.most_bytes, rooms.silence_s):
            incoming.write(chunk)
        duplicate = await run_in_threadpool(shelf.accept, name, incoming)
    except RequestError as error:
        log.warning("picture_refused", station=station, error=error.refusal.value, what=error.what)
        raise
    finally:
        incoming.close()
    return _said(ImageReceipt(sha256=name, duplicate=duplicate))


@router.post(routes.IMAGE_LOSSES, status_code=204, response_class=Response)
def note_losses(station: Station, rooms: Here, body: JsonBody) -> Response:
    """Note pictures that will never come. Takes ImageLosses."""
    rooms.images.give_up(station, read(ImageLosses, body).losses)
    return Response(status_code=204)


@router.post(routes.HEALTH, response_model=HealthAnswer)
def hear_health(station: Station, rooms: Here, body: JsonBody) -> Response:
    """Hear how a box is. Takes a HealthReport; answers with the tag of the models it shall have."""
    report = read(HealthReport, body)
    if report.station != station:
        raise RequestError(
            Refusal.WRONG_STATION,
            say(
                f"this token belongs to {station}, the report to {report.station}",
                f"该令牌属于 {station}，而报告属于 {report.station}",
            ),
            remedy=say("enrol the box anew under its name", "请以该名称重新注册"),
        )
    rooms.boxes.report(report)
    return _said(HealthAnswer(server_time=rooms.clock(), models_etag=rooms.assignments.wanted(station).etag))


@router.get(routes.MODELS, response_model=ModelAssignments)
def wanted_models(
    station: Station, rooms: Here, if_none_match: Annotated[str | None, Header()] = None
) -> Response:
    """Say which model belongs on which recipe of this box; 304 when it knows already."""
    wanted = rooms.assignments.wanted(station)
    head = {"ETag": wanted.etag, "Cache-Control": "no-cache"}
    if if_none_match is not None and wanted.etag in [tag.strip() for tag in if_none_match.split(",")]:
        return Response(status_code=304, headers=head)
    return Response(write(wanted), headers=head, media_type="application/json")


@router.get(routes.package("{sha256}"), response_class=Response)
def fetch_package(
    _: Station,
    sha256: str,
    rooms: Here,
    range_: Annotated[str | None, Header(alias="range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Give a model package, or the rest of one (Range, If-Range)."""
    return send_package(rooms.packages.get(_name(sha256)), rooms.blobs, range_, if_range)


def _name(sha256: str) -> str:
    try:
        return _SHA256.validate_python(sha256)
    except ValidationError as error:
        raise RequestError(
            Refusal.UNREADABLE,
            say("the address ends in something that is no SHA-256", "地址末尾不是 SHA-256"),
        ) from error


def _said(message: Message) -> Response:
    return Response(write(message), media_type="application/json")
