"""The inspections of every box, each stored once under its global id.

The first that comes under an id stays. The same again is a duplicate, something else under the same id a
conflict; a record that cannot be read is refused by itself. Each gets its receipt, in the order sent.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select

from edge_service.contract.messages import InspectionRecord, Receipt, ReceiptState, VerdictName, read, write
from edge_service.errors import MessageError
from edge_service.language import say
from trainer.db import Database, insert_new
from trainer.db.document import digest_of
from trainer.db.tables import image_losses, images, inspection_images, inspections
from trainer.errors import Refusal, RequestError
from trainer.images import still_missing

MOST_LISTED = 1000
_LONGEST_ID = 200


@dataclass(frozen=True, slots=True)
class Filter:
    """Which inspections; what is None or empty does not matter. ``before``: older than this ``id``."""

    station: str = ""
    verdict: VerdictName | None = None
    product: str = ""
    recipe: int | None = None
    simulated: bool | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class StoredInspection:
    """A record with its number on this server and the fate of its pictures ("here", "awaited", "lost")."""

    id: int
    received_at: float
    record: InspectionRecord
    pictures: Mapping[str, str]


class Inspections:
    """Stores and finds inspections."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def store(self, station: str, records: Sequence[Mapping[str, object]]) -> list[Receipt]:
        """Store what ``station`` sent, in one transaction; return a receipt for each, in order."""
        with self._database.change() as connection:
            return [self._store(connection, station, raw) for raw in records]

    def _store(self, connection: Connection, station: str, raw: Mapping[str, object]) -> Receipt:
        try:
            record = read(InspectionRecord, json.dumps(raw))
        except MessageError as error:
            return _refused(_claimed_id(raw), error.what)
        if record.station != station:
            return _refused(
                record.global_id,
                say(
                    f"this token belongs to {station}, the record to {record.station}",
                    f"该令牌属于 {station}，而记录属于 {record.station}",
                ),
            )
        digest = digest_of(write(record))
        missing = still_missing(connection, station, record.images)
        if insert_new(connection, inspections, self._row(record, digest)):
            _note_images(connection, record)
            state = ReceiptState.STORED
        else:
            state = _compare(connection, record.global_id, digest)
        return Receipt(id=record.global_id, state=state, reason=_reason(state), missing_images=missing)

    def _row(self, record: InspectionRecord, digest: str) -> dict[str, Any]:
        return {
            "global_id": record.global_id,
            "station": record.station,
            "boot_id": record.boot_id,
            "counter": record.counter,
            "verdict": record.verdict.value,
            "recipe": record.recipe,
            "product": record.model.name if record.model else None,
            "score": record.score,
            "simulated": record.simulated,
            "captured_at": record.captured_at,
            "received_at": self._clock(),
            "digest": digest,
            "document": write(record).decode(),
        }

    def find(self, wanted: Filter, most: int = 100) -> list[StoredInspection]:
        """Return the newest ``most`` that fit, newest first."""
        query = _narrowed(select(inspections), wanted).order_by(inspections.c.id.desc())
        with self._database.read() as connection:
            rows = connection.execute(query.limit(min(most, MOST_LISTED))).all()
            fates = _fates(connection, [row.id for row in rows])
        return [_stored(row, fates.get(row.id, {})) for row in rows]

    def get(self, global_id: str) -> StoredInspection:
        """Return one inspection. Raises RequestError NOT_FOUND."""
        with self._database.read() as connection:
            row = connection.execute(select(inspections).where(inspections.c.global_id == global_id)).first()
            if row is None:
                raise RequestError(
                    Refusal.NOT_FOUND, say(f"there is no inspection {global_id}", f"没有检测记录 {global_id}")
                )
            return _stored(row, _fates(connection, [row.id]).get(row.id, {}))

    def counts(self, wanted: Filter) -> dict[str, int]:
        """Return how many fit, by verdict."""
        query = _narrowed(select(inspections.c.verdict, func.count()), wanted).group_by(inspections.c.verdict)
        with self._database.read() as connection:
            return {str(verdict): int(count) for verdict, count in connection.execute(query)}


def _note_images(connection: Connection, record: InspectionRecord) -> None:
    if not record.images:
        return
    number = connection.execute(
        select(inspections.c.id).where(inspections.c.global_id == record.global_id)
    ).scalar_one()
    rows = [
        {"inspection": number, "place": place, "role": image.role, "sha256": image.sha256}
        for place, image in enumerate(record.images)
    ]
    connection.execute(insert(inspection_images), rows)


def _compare(connection: Connection, global_id: str, digest: str) -> ReceiptState:
    query = select(inspections.c.digest).where(inspections.c.global_id == global_id)
    same = connection.execute(query).scalar_one() == digest
    return ReceiptState.DUPLICATE if same else ReceiptState.CONFLICT


def _reason(state: ReceiptState) -> str:
    if state is ReceiptState.CONFLICT:
        return say("another record stands under this id; it stays", "该编号下已有另一条记录，予以保留")
    return ""


def _refused(claimed_id: str, reason: str) -> Receipt:
    return Receipt(id=claimed_id[:_LONGEST_ID], state=ReceiptState.REFUSED, reason=reason[:500])


def _claimed_id(raw: Mapping[str, object]) -> str:
    return "-".join(str(raw.get(key, ""))[:60] for key in ("station", "boot_id", "counter"))


def _narrowed(query: Select[Any], wanted: Filter) -> Select[Any]:
    columns = inspections.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.station:
        conditions.append(columns.station == wanted.station)
    if wanted.verdict is not None:
        conditions.append(columns.verdict == wanted.verdict.value)
    if wanted.product:
        conditions.append(columns.product == wanted.product)
    if wanted.recipe is not None:
        conditions.append(columns.recipe == wanted.recipe)
    if wanted.simulated is not None:
        conditions.append(columns.simulated == wanted.simulated)
    if wanted.before is not None:
        conditions.append(columns.id < wanted.before)
    return query.where(*conditions)


def _fates(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return for each inspection what became of its pictures, by SHA-256."""
    pictures = inspection_images
    query = (
        select(pictures.c.inspection, pictures.c.sha256, images.c.sha256, image_losses.c.sha256)
        .join(inspections, inspections.c.id == pictures.c.inspection)
        .outerjoin(images, images.c.sha256 == pictures.c.sha256)
        .outerjoin(
            image_losses,
            (image_losses.c.sha256 == pictures.c.sha256) & (image_losses.c.station == inspections.c.station),
        )
        .where(pictures.c.inspection.in_(numbers))
    )
    found: dict[int, dict[str, str]] = {}
    for number, sha256, here, lost in connection.execute(query):
        found.setdefault(number, {})[sha256] = "here" if here else "lost" if lost else "awaited"
    return found


def _stored(row: Row[Any], pictures: Mapping[str, str]) -> StoredInspection:
    return StoredInspection(row.id, row.received_at, read(InspectionRecord, row.document), pictures)
