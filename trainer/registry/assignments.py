"""Which model belongs on which recipe of which box. A box asks, and compares one tag.

The tag (ETag) is made from the assignments themselves, so it changes when and only when they do, on every
replica of the server alike.
"""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from edge_service.contract import routes
from edge_service.contract.messages import ModelAssignment, ModelAssignments, ModelReference, write
from edge_service.language import say
from trainer.db import Database
from trainer.db.tables import assignments, edges, packages
from trainer.errors import Refusal, RequestError
from trainer.registry.packages import StoredPackage


@dataclass(frozen=True, slots=True)
class Assignment:
    """One decision, and whose it was."""

    station: str
    recipe: int
    model: ModelReference
    package_sha256: str
    made_by: str
    made_at: float


class Assignments:
    """Keeps what every box shall use."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def assign(self, station: str, recipe: int, package: StoredPackage, made_by: str) -> None:
        """Put a model on a recipe in place of the one before. Raises RequestError NOT_FOUND (no such box)."""
        facts = {"package_sha256": package.sha256, "made_by": made_by, "made_at": self._clock()}
        here = (assignments.c.station == station) & (assignments.c.recipe == recipe)
        with self._database.change() as connection:
            if connection.execute(select(edges.c.station).where(edges.c.station == station)).first() is None:
                raise RequestError(
                    Refusal.NOT_FOUND,
                    say(f"no box {station} was enrolled here", f"工位 {station} 未在此注册"),
                    remedy=say(
                        "enrol it first: okng-trainer edges code", "请先注册：okng-trainer edges code"
                    ),
                )
            connection.execute(delete(assignments).where(here))
            connection.execute(insert(assignments).values(station=station, recipe=recipe, **facts))

    def withdraw(self, station: str, recipe: int) -> None:
        """Say nothing about a recipe any more; the box keeps what it has. Raises RequestError NOT_FOUND."""
        here = (assignments.c.station == station) & (assignments.c.recipe == recipe)
        with self._database.change() as connection:
            if connection.execute(delete(assignments).where(here)).rowcount == 0:
                raise RequestError(
                    Refusal.NOT_FOUND,
                    say(
                        f"nothing is assigned to recipe {recipe} of {station}",
                        f"{station} 的配方 {recipe} 没有分配模型",
                    ),
                )

    def all(self, station: str = "") -> list[Assignment]:
        """Return every assignment, or those of one box, by box and recipe."""
        columns = (assignments.c.station, assignments.c.recipe, packages.c.name, packages.c.version)
        rest = (packages.c.digest, packages.c.sha256, assignments.c.made_by, assignments.c.made_at)
        query = (
            select(*columns, *rest)
            .join(packages, packages.c.sha256 == assignments.c.package_sha256)
            .order_by(assignments.c.station, assignments.c.recipe)
        )
        if station:
            query = query.where(assignments.c.station == station)
        with self._database.read() as connection:
            return [
                Assignment(
                    box, recipe, ModelReference(name=name, version=version, digest=digest), sha256, by, at
                )
                for box, recipe, name, version, digest, sha256, by, at in connection.execute(query)
            ]

    def wanted(self, station: str) -> ModelAssignments:
        """Return what a box shall have, with its tag."""
        query = (
            select(assignments.c.recipe, packages)
            .join(packages, packages.c.sha256 == assignments.c.package_sha256)
            .where(assignments.c.station == station)
            .order_by(assignments.c.recipe)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        listed = tuple(
            ModelAssignment(
                recipe=row.recipe,
                model=ModelReference(name=row.name, version=row.version, digest=row.digest),
                package_sha256=row.sha256,
                size_bytes=row.size_bytes,
                url=routes.package(row.sha256),
                key_id=row.key_id,
            )
            for row in rows
        )
        tag = hashlib.sha256(b"\n".join([station.encode(), *map(write, listed)])).hexdigest()
        return ModelAssignments(station=station, etag=f'"{tag[:32]}"', assignments=listed)
