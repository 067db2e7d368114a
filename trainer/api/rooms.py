"""What the handlers work with, put together by the composition root."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from edge_service.contract.keys import PublicKey
from trainer.access import Boxes, People
from trainer.blobs import BlobFolder
from trainer.datasets.samples import Samples
from trainer.db import Database
from trainer.images import ImageShelf
from trainer.jobs import Jobs
from trainer.registry import Assignments, Packages
from trainer.results import Inspections


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything behind the API."""

    server: str
    key: PublicKey
    people: People
    database: Database
    boxes: Boxes
    images: ImageShelf
    samples: Samples
    inspections: Inspections
    jobs: Jobs
    blobs: BlobFolder
    packages: Packages
    assignments: Assignments
    most_package_bytes: int
    silence_s: float
    at_once: int
    large_at_once: int
    clock: Callable[[], float] = time.time


def _rooms(request: Request) -> Rooms:
    rooms = request.app.state.rooms
    assert isinstance(rooms, Rooms)
    return rooms


Here = Annotated[Rooms, Depends(_rooms)]
"""The rooms, as a handler's parameter."""
