"""Boxes as people see them: let one in, look at them, throw one out."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from edge_service.contract.messages import Name
from trainer.access import Box
from trainer.access.boxes import USUAL_VALIDITY_S
from trainer.api.identity import Admin, Viewer
from trainer.api.rooms import Here

router = APIRouter(prefix="/api/v1", tags=["edges"])


class CodeWish(BaseModel):
    """What the code is for. Without a station, the first box that shows it may use it."""

    model_config = ConfigDict(extra="forbid")

    station: Name | None = None
    valid_s: Annotated[float, Field(ge=60, le=30 * 24 * 3600)] = USUAL_VALIDITY_S


@router.post("/edges/codes", status_code=201)
def make_code(admin: Admin, rooms: Here, wish: CodeWish) -> dict[str, Any]:
    """Make a one-time code that lets one box in."""
    code = rooms.boxes.new_code(admin.name, wish.station or "", wish.valid_s)
    return {
        "code": code.code,
        "station": code.station,
        "expires_at": code.expires_at,
        "key_id": rooms.key.key_id,
        "server": rooms.server,
    }


@router.get("/edges")
def list_edges(_: Viewer, rooms: Here) -> list[dict[str, Any]]:
    """List the boxes with what they last said of themselves."""
    return [_shown(box) for box in rooms.boxes.all()]


@router.get("/edges/{station}")
def show_edge(_: Viewer, rooms: Here, station: str) -> dict[str, Any]:
    """Show one box."""
    return _shown(rooms.boxes.get(station))


@router.delete("/edges/{station}/token", status_code=204)
def revoke_edge(_: Admin, rooms: Here, station: str) -> None:
    """Let the box in no more; what it sent stays."""
    rooms.boxes.revoke(station)


def _shown(box: Box) -> dict[str, Any]:
    health = None if box.health is None else box.health.model_dump(mode="json")
    return {
        "station": box.station,
        "enrolled_at": box.enrolled_at,
        "revoked": box.revoked,
        "software": box.software,
        "health": health,
        "health_at": box.health_at,
        "silent_s": box.silent_s,
    }
