"""What worker and child say to each other: an errand in a file, reports as lines of JSON on a pipe.

::

    {"progress": {"phase": "train", "done": 12, "total": 320, "loss": 1.7}}
    {"made": {"package": "/.../pcb-1.okng", "picture": "/.../pcb-1.png", "warnings": []}}
    {"failed": "The loss left the numbers at step 3 ..."}

The last line is ``made`` or ``failed``; a child that ends without either has crashed.
"""

from typing import Any

from pydantic import BaseModel, ConfigDict


class Errand(BaseModel):
    """A training run for the child: folders and names, nothing of the database."""

    model_config = ConfigDict(frozen=True)

    product: str
    version: str
    settings: dict[str, Any]
    photographs: str
    out: str
    key: str


class Advance(BaseModel):
    """How far it is."""

    model_config = ConfigDict(frozen=True)

    phase: str
    done: int
    total: int
    loss: float | None = None


class Made(BaseModel):
    """What a good run left behind."""

    model_config = ConfigDict(frozen=True)

    package: str
    picture: str
    warnings: tuple[str, ...] = ()


class Report(BaseModel):
    """One line from the child: exactly one of the three."""

    model_config = ConfigDict(frozen=True)

    progress: Advance | None = None
    made: Made | None = None
    failed: str | None = None
