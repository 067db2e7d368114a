"""Which pictures the server has: the bytes in the blob folder, a row each in the database.

First the bytes, then the row: a row without its picture cannot be. Pictures come before or after what they
belong to, any number of times.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from edge_service.contract.messages import ImageLoss, ImageReference
from edge_service.language import say
from trainer.blobs import BlobFolder, Incoming
from trainer.db import Database, insert_new
from trainer.db.tables import image_losses, images
from trainer.errors import Refusal, RequestError
from trainer.images.look import Bounds, look


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture that is here."""

    sha256: str
    media_type: str
    size_bytes: int
    width_px: int
    height_px: int


class ImageShelf:
    """Takes pictures in and finds them again."""

    def __init__(
        self,
        database: Database,
        blobs: BlobFolder,
        bounds: Bounds | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._blobs, self._clock = database, blobs, clock
        self.bounds = bounds or Bounds()

    def incoming(self) -> Incoming:
        """Return a file to write an uploaded picture to. Raises DiskFullError."""
        return self._blobs.incoming()

    def accept(self, sha256: str, incoming: Incoming) -> bool:
        """Take a picture that came whole; tell whether it was here before.

        Raises RequestError (other bytes than announced, not a picture), DiskFullError, DatabaseError.
        """
        if incoming.sha256 != sha256:
            raise RequestError(
                Refusal.WRONG_DIGEST,
                say(
                    f"{incoming.size} bytes came, and their SHA-256 is not the announced one",
                    f"收到 {incoming.size} 字节，其 SHA-256 与声明不符",
                ),
                remedy=say("send the picture again", "请重新发送图像"),
            )
        if self.find(sha256) is not None:
            return True
        incoming.flush()
        seen = look(incoming.path, self.bounds)
        incoming.keep()
        with self._database.change() as connection:
            return not insert_new(
                connection,
                images,
                {
                    "sha256": sha256,
                    "size_bytes": incoming.size,
                    "media_type": seen.media_type,
                    "width_px": seen.width_px,
                    "height_px": seen.height_px,
                    "received_at": self._clock(),
                },
            )

    def find(self, sha256: str) -> StoredImage | None:
        """Return what is known of a picture; None where it is not here."""
        columns = (images.c.sha256, images.c.media_type, images.c.size_bytes)
        query = select(*columns, images.c.width_px, images.c.height_px).where(images.c.sha256 == sha256)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else StoredImage(*row)

    def read(self, sha256: str) -> bytes:
        """Return a picture's bytes. Raises RequestError NOT_FOUND."""
        try:
            return self._blobs.read(sha256)
        except FileNotFoundError as error:
            raise RequestError(Refusal.NOT_FOUND, say("there is no such picture", "没有该图像")) from error

    def count(self) -> int:
        """Return how many pictures are here."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).select_from(images)).scalar_one()

    def give_up(self, station: str, losses: Sequence[ImageLoss]) -> None:
        """Note pictures that will never come."""
        with self._database.change() as connection:
            for loss in losses:
                row = {"sha256": loss.sha256, "reason": loss.reason, "received_at": self._clock()}
                insert_new(connection, image_losses, {"station": station, **row})


def still_missing(
    connection: Connection, station: str, references: Iterable[ImageReference]
) -> tuple[str, ...]:
    """Return the pictures named in ``references`` that are neither here nor given up by ``station``."""
    wanted = list(dict.fromkeys(reference.sha256 for reference in references))
    if not wanted:
        return ()
    here = select(images.c.sha256).where(images.c.sha256.in_(wanted))
    lost = select(image_losses.c.sha256).where(
        image_losses.c.station == station, image_losses.c.sha256.in_(wanted)
    )
    known = {row[0] for row in connection.execute(here.union_all(lost))}
    return tuple(sha256 for sha256 in wanted if sha256 not in known)
