"""Training jobs as people see them: start, list, watch (server-sent events), cancel."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Header
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from edge_service.contract.messages import Name, first_faults
from edge_service.language import say
from trainer.access import Role
from trainer.api.identity import Engineer, Viewer
from trainer.api.rooms import Here, Rooms
from trainer.errors import Refusal, RequestError
from trainer.jobs import NewJob
from trainer.pipeline.settings import TrainingSettings

router = APIRouter(prefix="/api/v1", tags=["jobs"])

_POLL_S = 0.5
_STILL_HERE_S = 15.0
_SETTINGS = TypeAdapter(TrainingSettings)


class JobWish(BaseModel):
    """What to train. ``settings``: those of ``okng-trainer train``; what is left out has its default."""

    model_config = ConfigDict(extra="forbid")

    product: Name
    version: Name | None = None
    settings: dict[str, Any] = {}


@router.post("/jobs", status_code=201)
def start_job(engineer: Engineer, rooms: Here, wish: JobWish) -> dict[str, Any]:
    """Queue a training job; a worker takes it."""
    settings = _checked(wish.settings, may_name_files=engineer.role.includes(Role.ADMIN))
    if not rooms.samples.usable(wish.product):
        raise RequestError(
            Refusal.CONFLICT,
            say(
                f"no picture of {wish.product} has arrived to learn from",
                f"尚未收到可用于训练的 {wish.product} 图像",
            ),
            remedy=say("collect 3 to 10 good parts first", "请先采集 3 到 10 个良品"),
        )
    new = NewJob(wish.product, settings, engineer.name, wish.version or "")
    return asdict(rooms.jobs.add(new))


@router.get("/jobs")
def list_jobs(_: Viewer, rooms: Here) -> list[dict[str, Any]]:
    """List the jobs, newest first."""
    return [asdict(job) for job in rooms.jobs.all()]


@router.get("/jobs/{number}")
def show_job(_: Viewer, rooms: Here, number: int) -> dict[str, Any]:
    """Show one job."""
    return asdict(rooms.jobs.get(number))


@router.get("/jobs/{number}/log", response_class=PlainTextResponse)
def show_log(_: Viewer, rooms: Here, number: int) -> str:
    """Show what the job's process printed."""
    return rooms.jobs.log(number)


@router.get("/jobs/{number}/picture", response_class=Response)
def show_picture(_: Viewer, rooms: Here, number: int) -> Response:
    """Show the picture by which to judge the model (PNG)."""
    sha256 = rooms.jobs.get(number).picture_sha256
    if sha256 is None:
        raise RequestError(Refusal.NOT_FOUND, say("the job made no picture", "该任务没有生成图片"))
    return Response(rooms.blobs.read(sha256), media_type="image/png")


@router.post("/jobs/{number}/cancel")
def cancel_job(_: Engineer, rooms: Here, number: int) -> dict[str, Any]:
    """Ask for the end of a job; one that is over stays as it is."""
    return asdict(rooms.jobs.cancel(number))


@router.get("/jobs/{number}/events", response_class=Response)
def watch_job(
    _: Viewer, rooms: Here, number: int, last_event_id: Annotated[int, Header(ge=0)] = 0
) -> StreamingResponse:
    """Tell what happens to a job as it happens (text/event-stream), until it is over.

    Events ``state`` and ``progress`` with JSON data; ``Last-Event-ID`` goes on after that event.
    """
    rooms.jobs.get(number)
    return StreamingResponse(_events(rooms, number, last_event_id), media_type="text/event-stream")


async def _events(rooms: Rooms, number: int, last: int) -> AsyncIterator[str]:
    silent_s = 0.0
    while True:
        over = (await run_in_threadpool(rooms.jobs.get, number)).state.over
        news = await run_in_threadpool(rooms.jobs.events, number, last)
        for event in news:
            last = event.id
            data = json.dumps(event.document, ensure_ascii=False)
            yield f"id: {event.id}\nevent: {event.kind}\ndata: {data}\n\n"
        if over:
            return
        silent_s = 0.0 if news else silent_s + _POLL_S
        if silent_s >= _STILL_HERE_S:
            silent_s = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(_POLL_S)


def _checked(wish: dict[str, Any], *, may_name_files: bool) -> dict[str, Any]:
    """Return whole settings. Raises RequestError UNREADABLE or FORBIDDEN, SettingError."""
    unknown = sorted(set(wish) - set(TrainingSettings.__dataclass_fields__))
    if unknown:
        known = ", ".join(TrainingSettings.__dataclass_fields__)
        raise RequestError(
            Refusal.UNREADABLE,
            say(f"there is no setting {unknown[0][:60]}", f"没有设置项 {unknown[0][:60]}"),
            remedy=say(f"there are: {known}", f"可用设置：{known}"),
        )
    try:
        settings = _SETTINGS.validate_python(wish)
    except ValidationError as error:
        raise RequestError(Refusal.UNREADABLE, first_faults(error)) from error
    if settings.weights.startswith("file:") and not may_name_files:
        raise RequestError(
            Refusal.FORBIDDEN,
            say("only an admin may name a file of the server", "只有管理员可以指定服务器上的文件"),
            remedy=say("use the bundled weights, or ask an admin", "请使用自带权重，或联系管理员"),
        )
    return asdict(settings)
