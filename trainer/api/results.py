"""Inspections as people see them: filtered, newest first, with what became of their pictures."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from edge_service.contract.messages import VerdictName
from trainer.api.identity import Viewer
from trainer.api.rooms import Here
from trainer.results import Filter, StoredInspection
from trainer.results.inspections import MOST_LISTED

router = APIRouter(prefix="/api/v1", tags=["results"])


class ResultQuery(BaseModel):
    """Which inspections; what is left out does not matter. ``before``: older than this ``number``."""

    model_config = ConfigDict(extra="forbid")

    station: str = ""
    verdict: VerdictName | None = None
    product: str = ""
    recipe: Annotated[int, Field(ge=0, le=999)] | None = None
    simulated: bool | None = None
    before: int | None = None
    most: Annotated[int, Field(ge=1, le=MOST_LISTED)] = 100

    def filter(self) -> Filter:
        """Return it as the results room knows it."""
        return Filter(self.station, self.verdict, self.product, self.recipe, self.simulated, self.before)


@router.get("/results")
def list_results(_: Viewer, rooms: Here, query: Annotated[ResultQuery, Query()]) -> list[dict[str, Any]]:
    """List inspections, newest first."""
    return [_shown(found) for found in rooms.inspections.find(query.filter(), query.most)]


@router.get("/results/counts")
def count_results(_: Viewer, rooms: Here, query: Annotated[ResultQuery, Query()]) -> dict[str, Any]:
    """Count inspections by verdict, and the pictures that have arrived."""
    verdicts = rooms.inspections.counts(query.filter())
    return {"inspections": sum(verdicts.values()), "verdicts": verdicts, "images": rooms.images.count()}


@router.get("/results/{global_id}")
def show_result(_: Viewer, rooms: Here, global_id: str) -> dict[str, Any]:
    """Show one inspection with all that the box said of it."""
    return _shown(rooms.inspections.get(global_id))


def _shown(found: StoredInspection) -> dict[str, Any]:
    return {
        "number": found.id,
        "id": found.record.global_id,
        "received_at": found.received_at,
        "record": found.record.model_dump(mode="json"),
        "pictures": dict(found.pictures),
    }
