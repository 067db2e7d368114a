"""Models as people see them: packages on this server, and which box shall use which on which recipe."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from edge_service.contract.messages import Name, RecipeNumber
from trainer.api.bodies import bounded
from trainer.api.identity import Engineer, Viewer
from trainer.api.packages import send_package
from trainer.api.rooms import Here
from trainer.registry import Assignment, StoredPackage

router = APIRouter(prefix="/api/v1", tags=["models"])


class ModelWish(BaseModel):
    """Which model; the newest version without one."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    version: Name | None = None


@router.get("/models")
def list_models(_: Viewer, rooms: Here) -> list[dict[str, Any]]:
    """List the packages, newest first."""
    return [_shown(package) for package in rooms.packages.all()]


@router.post("/models", status_code=201)
async def add_model(_: Engineer, rooms: Here, request: Request) -> dict[str, Any]:
    """Take a package that this server's key signed. Takes the file's bytes."""
    chunks = [chunk async for chunk in bounded(request, rooms.most_package_bytes, rooms.silence_s)]
    return _shown(await run_in_threadpool(rooms.packages.register, b"".join(chunks)))


@router.get("/models/{name}/{version}")
def show_model(_: Viewer, rooms: Here, name: str, version: str) -> dict[str, Any]:
    """Show one package with its manifest."""
    package = rooms.packages.find(name, version)
    return _shown(package) | {"manifest": package.manifest.model_dump(mode="json")}


@router.get("/models/{name}/{version}/package", response_class=Response)
def fetch_model(
    _: Viewer,
    rooms: Here,
    name: str,
    version: str,
    range_: Annotated[str | None, Header(alias="range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Give the package's file."""
    return send_package(rooms.packages.find(name, version), rooms.blobs, range_, if_range)


@router.get("/assignments")
def list_assignments(_: Viewer, rooms: Here, station: str = "") -> list[dict[str, Any]]:
    """List which box shall use which model on which recipe."""
    return [_decision(assignment) for assignment in rooms.assignments.all(station)]


@router.put("/assignments/{station}/{recipe}")
def assign_model(
    engineer: Engineer, rooms: Here, station: str, recipe: RecipeNumber, wish: ModelWish
) -> dict[str, Any]:
    """Put a model on a recipe of a box; the box fetches, checks and activates it by itself."""
    package = rooms.packages.find(wish.name, wish.version or "")
    rooms.assignments.assign(station, recipe, package, engineer.name)
    return {"station": station, "recipe": recipe, "model": package.model.model_dump()}


@router.delete("/assignments/{station}/{recipe}", status_code=204)
def withdraw_model(_: Engineer, rooms: Here, station: str, recipe: RecipeNumber) -> None:
    """Say nothing about a recipe any more; the box keeps what it has."""
    rooms.assignments.withdraw(station, recipe)


def _shown(package: StoredPackage) -> dict[str, Any]:
    threshold = package.manifest.threshold
    return {
        "name": package.model.name,
        "version": package.model.version,
        "digest": package.model.digest,
        "sha256": package.sha256,
        "size_bytes": package.size_bytes,
        "key_id": package.key_id,
        "algorithm": package.manifest.algorithm,
        "threshold": threshold.value,
        "false_reject_rate": threshold.false_reject_rate,
        "photographs": package.manifest.training_set.size,
        "warnings": package.manifest.figures.get("warnings", []),
        "sensitivity": package.manifest.figures.get("sensitivity", []),
        "job": package.job,
        "made_at": package.made_at,
    }


def _decision(assignment: Assignment) -> dict[str, Any]:
    return {
        "station": assignment.station,
        "recipe": assignment.recipe,
        "model": assignment.model.model_dump(),
        "package_sha256": assignment.package_sha256,
        "made_by": assignment.made_by,
        "made_at": assignment.made_at,
    }
