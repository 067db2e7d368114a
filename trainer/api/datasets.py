"""Training sets as people see them: products, their photographs, a contact sheet."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from edge_service.contract.messages import ImageReference, Name, SampleUpload
from edge_service.language import say
from trainer.access import Person
from trainer.api.bodies import bounded
from trainer.api.identity import Engineer, Viewer
from trainer.api.rooms import Here, Rooms
from trainer.blobs import Incoming
from trainer.datasets.contact_sheet import Print, draw
from trainer.datasets.samples import StoredSample
from trainer.errors import Refusal, RequestError

router = APIRouter(prefix="/api/v1", tags=["datasets"])

MOST_PRINTS = 60
PEOPLE = "people"
"""What stands for the station of photographs that a person uploaded."""


class SampleChange(BaseModel):
    """What a person may change of a sample."""

    model_config = ConfigDict(extra="forbid")

    left_out: bool


@router.get("/datasets")
def list_datasets(_: Viewer, rooms: Here) -> list[dict[str, Any]]:
    """List the products that have photographs."""
    return [asdict(dataset) for dataset in rooms.samples.datasets()]


@router.get("/datasets/{product}")
def show_dataset(_: Viewer, rooms: Here, product: str) -> list[dict[str, Any]]:
    """List a product's photographs in the order they came."""
    return [_shown(sample) for sample in rooms.samples.of(product)]


@router.get("/datasets/{product}/contact-sheet.png", response_class=Response)
def contact_sheet(
    _: Viewer, rooms: Here, product: str, most: Annotated[int, Query(ge=1, le=MOST_PRINTS)] = MOST_PRINTS
) -> Response:
    """Draw a product's newest photographs side by side (PNG)."""
    here = [sample for sample in rooms.samples.of(product) if sample.here]
    return Response(draw([_print(rooms, sample) for sample in here[-most:]]), media_type="image/png")


@router.post("/datasets/{product}/samples", status_code=201)
async def add_sample(
    engineer: Engineer, rooms: Here, product: Annotated[Name, Path()], request: Request
) -> dict[str, Any]:
    """Add a good photograph. Takes the JPEG's or PNG's bytes; the same again changes nothing."""
    incoming = await run_in_threadpool(rooms.images.incoming)
    try:
        async for chunk in bounded(request, rooms.images.bounds.most_bytes, rooms.silence_s):
            incoming.write(chunk)
        return await run_in_threadpool(_add, rooms, engineer, product, incoming)
    finally:
        incoming.close()


@router.patch("/datasets/{product}/samples/{number}", status_code=204)
def change_sample(_: Engineer, rooms: Here, product: str, number: int, change: SampleChange) -> None:
    """Leave a photograph out of training, or take it in again."""
    rooms.samples.leave_out(product, number, out=change.left_out)


@router.get("/images/{sha256}", response_class=Response)
def show_image(_: Viewer, rooms: Here, sha256: str) -> Response:
    """Give a picture by its SHA-256."""
    found = rooms.images.find(sha256)
    if found is None:
        raise RequestError(Refusal.NOT_FOUND, say("there is no such picture", "没有该图像"))
    head = {"Cache-Control": "private, max-age=86400, immutable"}
    return Response(rooms.images.read(sha256), headers=head, media_type=found.media_type)


def _add(rooms: Rooms, engineer: Person, product: str, incoming: Incoming) -> dict[str, Any]:
    sha256 = incoming.sha256
    rooms.images.accept(sha256, incoming)
    found = rooms.images.find(sha256)
    assert found is not None, "it was accepted"
    upload = SampleUpload(
        sample_id=f"{product}-{sha256[:32]}",
        station=PEOPLE,
        product=product,
        image=ImageReference.model_validate(
            {
                "sha256": sha256,
                "size_bytes": found.size_bytes,
                "media_type": found.media_type,
                "width_px": found.width_px,
                "height_px": found.height_px,
            }
        ),
        origin="import",
    )
    receipt = rooms.samples.store(PEOPLE, upload)
    return {"sample_id": receipt.id, "state": receipt.state.value, "sha256": sha256, "by": engineer.name}


def _print(rooms: Rooms, sample: StoredSample) -> Print:
    try:
        data = rooms.images.read(sample.upload.image.sha256)
    except RequestError:
        data = b""
    return Print(sample.id, sample.upload.station, sample.left_out, data)


def _shown(sample: StoredSample) -> dict[str, Any]:
    upload = sample.upload
    return {
        "number": sample.id,
        "sample_id": upload.sample_id,
        "station": upload.station,
        "sha256": upload.image.sha256,
        "origin": upload.origin,
        "simulated": upload.simulated,
        "left_out": sample.left_out,
        "here": sample.here,
        "received_at": sample.received_at,
    }
