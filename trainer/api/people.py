"""People: who is asking, and (for an admin) who else may."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from edge_service.contract.messages import Name
from trainer.access import Role
from trainer.api.identity import Admin, Viewer
from trainer.api.rooms import Here

router = APIRouter(prefix="/api/v1", tags=["people"])


class NewPerson(BaseModel):
    """Somebody to let in."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    role: Role = Role.VIEWER


@router.get("/me")
def who_am_i(person: Viewer, rooms: Here) -> dict[str, Any]:
    """Say whose token this is."""
    return {"name": person.name, "role": person.role.value, "server": rooms.server}


@router.get("/people")
def list_people(_: Admin, rooms: Here) -> list[dict[str, Any]]:
    """List everybody who may come in."""
    return [{"name": person.name, "role": person.role.value} for person in rooms.people.all()]


@router.post("/people", status_code=201)
def add_person(_: Admin, rooms: Here, new: NewPerson) -> dict[str, Any]:
    """Let somebody in; the token is shown this once."""
    return {"name": new.name, "role": new.role.value, "token": rooms.people.add(new.name, new.role)}


@router.delete("/people/{name}", status_code=204)
def remove_person(_: Admin, rooms: Here, name: str) -> None:
    """Let somebody in no more."""
    rooms.people.remove(name)
