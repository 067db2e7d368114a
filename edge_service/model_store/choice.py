"""Which variant of a model is the fastest on this box: measured once, at activation, and recorded.

The record lies beside the package. It holds for one package on one box (software, processors, order of
devices); anything else is measured anew. It is only advice: whatever judges passes its self-test first.
"""

from pathlib import Path

import structlog
from pydantic import BaseModel, ValidationError

from edge_service.durable import Disk
from edge_service.errors import OkngError

log = structlog.get_logger()

FILE = ".choice.json"


class Measured(BaseModel):
    """What a variant came to. ``median_ms``: on an even picture, resize not included."""

    variant: str
    median_ms: float | None = None
    problem: str = ""


class Choice(BaseModel):
    """The variant chosen on ``device``, and every one that was tried there."""

    digest: str  # of the package
    box: str  # what it was measured on
    device: str
    variant: str
    tried: tuple[Measured, ...] = ()


def read_choice(folder: Path) -> Choice | None:
    """Return the record in a package's folder; None where there is none that can be read."""
    try:
        return Choice.model_validate_json((folder / FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def write_choice(folder: Path, choice: Choice, disk: Disk) -> None:
    """Keep the record; a disk that refuses costs a measurement at the next start, nothing else."""
    try:
        disk.write(folder / FILE, choice.model_dump_json(indent=1).encode())
    except OkngError as error:
        log.warning("choice_not_recorded", folder=str(folder), error=error.what)
