"""Whether the server works: for load balancers and people with a browser, without a token."""

from typing import Any

from fastapi import APIRouter

import edge_service
from trainer.api.rooms import Here

router = APIRouter(prefix="/api/v1", tags=["about"])


@router.get("/health")
def health(rooms: Here) -> dict[str, Any]:
    """Say version, name and key; answers only while the database does."""
    rooms.images.count()
    return {
        "server": rooms.server,
        "okng": edge_service.__version__,
        "key_id": rooms.key.key_id,
        "server_time": rooms.clock(),
    }
