"""Good photographs that boxes and people sent, by product: what a training job learns from.

Each is stored once under station and sample id. A person may leave one out; it stays, and is not learned
from. A sample counts once its picture is here.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row, case, func, select, update

from edge_service.contract.messages import Receipt, ReceiptState, SampleUpload, read, write
from edge_service.language import say
from trainer.db import Database, insert_new
from trainer.db.document import digest_of
from trainer.db.tables import images, samples
from trainer.errors import DatasetError, Refusal, RequestError
from trainer.images import still_missing


@dataclass(frozen=True, slots=True)
class Dataset:
    """A product's samples in numbers. ``usable``: picture here and not left out."""

    product: str
    samples: int
    usable: int
    left_out: int
    awaited: int
    simulated: int


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A sample with its number on this server. ``here``: its picture has arrived."""

    id: int
    received_at: float
    left_out: bool
    here: bool
    upload: SampleUpload


class Samples:
    """Stores samples and finds a product's."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def store(self, station: str, upload: SampleUpload) -> Receipt:
        """Store a sample; the first under its id stays."""
        if upload.station != station:
            reason = say(
                f"this token belongs to {station}, the sample to {upload.station}",
                f"该令牌属于 {station}，而样本属于 {upload.station}",
            )
            return Receipt(id=upload.sample_id, state=ReceiptState.REFUSED, reason=reason)
        digest = digest_of(write(upload))
        row = {
            "station": station,
            "sample_id": upload.sample_id,
            "product": upload.product,
            "sha256": upload.image.sha256,
            "origin": upload.origin,
            "simulated": upload.simulated,
            "left_out": False,
            "received_at": self._clock(),
            "digest": digest,
            "document": write(upload).decode(),
        }
        first = select(samples.c.digest).where(
            samples.c.station == station, samples.c.sample_id == upload.sample_id
        )
        with self._database.change() as connection:
            missing = still_missing(connection, station, [upload.image])
            if insert_new(connection, samples, row):
                return Receipt(id=upload.sample_id, state=ReceiptState.STORED, missing_images=missing)
            same = connection.execute(first).scalar_one() == digest
        state = ReceiptState.DUPLICATE if same else ReceiptState.CONFLICT
        reason = "" if same else say("another sample stands under this id", "该编号下已有另一样本")
        return Receipt(id=upload.sample_id, state=state, reason=reason, missing_images=missing)

    def datasets(self) -> list[Dataset]:
        """Return every product that has samples, by name."""
        here, out = images.c.sha256.is_not(None), samples.c.left_out
        query = (
            select(
                samples.c.product,
                func.count(),
                func.sum(case((here & ~out, 1), else_=0)),
                func.sum(case((out, 1), else_=0)),
                func.sum(case((~here, 1), else_=0)),
                func.sum(case((samples.c.simulated, 1), else_=0)),
            )
            .outerjoin(images, images.c.sha256 == samples.c.sha256)
            .group_by(samples.c.product)
            .order_by(samples.c.product)
        )
        with self._database.read() as connection:
            return [
                Dataset(product, *(int(number) for number in rest))
                for product, *rest in connection.execute(query)
            ]

    def of(self, product: str) -> list[StoredSample]:
        """Return a product's samples in the order they came. Raises RequestError NOT_FOUND for none."""
        query = (
            select(samples, images.c.sha256.is_not(None).label("here"))
            .outerjoin(images, images.c.sha256 == samples.c.sha256)
            .where(samples.c.product == product)
            .order_by(samples.c.id)
        )
        with self._database.read() as connection:
            found = [_stored(row) for row in connection.execute(query)]
        if not found:
            raise _no_product(product)
        return found

    def usable(self, product: str) -> list[StoredSample]:
        """Return those that a model may learn from, each picture once."""
        chosen: dict[str, StoredSample] = {}
        for sample in self.of(product):
            if sample.here and not sample.left_out:
                chosen.setdefault(sample.upload.image.sha256, sample)
        return list(chosen.values())

    def leave_out(self, product: str, number: int, *, out: bool = True) -> None:
        """Leave a sample out, or take it in again. Raises RequestError NOT_FOUND."""
        change = update(samples).where(samples.c.product == product, samples.c.id == number)
        with self._database.change() as connection:
            if connection.execute(change.values(left_out=out)).rowcount == 0:
                raise RequestError(
                    Refusal.NOT_FOUND,
                    say(f"{product} has no sample {number}", f"{product} 没有样本 {number}"),
                )

    def lay_out(self, product: str, folder: Path, read_picture: Callable[[str], bytes]) -> int:
        """Write the usable pictures into ``folder`` as a training run reads them; return how many.

        Raises DatasetError when there are none.
        """
        chosen = self.usable(product)
        if not chosen:
            raise DatasetError(
                say(f"{product} has no photograph to learn from", f"{product} 没有可用于训练的照片"),
                remedy=say("collect 3 to 10 good parts first", "请先采集 3 到 10 个良品"),
            )
        folder.mkdir(parents=True, exist_ok=True)
        for number, sample in enumerate(chosen, start=1):
            ending = "jpg" if sample.upload.image.media_type == "image/jpeg" else "png"
            data = read_picture(sample.upload.image.sha256)
            (folder / f"{number:04d}-{sample.upload.image.sha256[:12]}.{ending}").write_bytes(data)
        return len(chosen)


def _stored(row: Row[Any]) -> StoredSample:
    return StoredSample(
        row.id, row.received_at, row.left_out, bool(row.here), read(SampleUpload, row.document)
    )


def _no_product(product: str) -> RequestError:
    return RequestError(
        Refusal.NOT_FOUND,
        say(f"there are no samples of {product}", f"没有 {product} 的样本"),
        remedy=say(
            "okng-trainer datasets list shows what there is", "okng-trainer datasets list 可查看现有数据集"
        ),
    )
