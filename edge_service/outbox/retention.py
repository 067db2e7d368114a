"""How much is kept: which pictures, how many megabytes, and what goes when room runs out.

The order of giving up, each oldest first: pictures of OK parts kept as spot checks; then all other
pictures, sent or not; then, where the quota is too small even for the letters, those that the server has;
last of all letters that it does not have. A letter never goes before its own picture. What goes unsent is
counted, logged, and pictures are reported to the server as lost.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge_service.domain.inspection import Verdict
from edge_service.outbox.queue import Queue
from edge_service.outbox.rows import Counter, Purpose, State
from edge_service.outbox.schema import sqlite_errors, transaction

log = structlog.get_logger()

NEARLY = 0.9  # of the room: from here on the station warns (code 550)
AT_ONCE = 50  # pictures or letters given up in one step
_BEYOND_REPAIR = 200  # newest sent letters kept even when the quota is too small


@dataclass(frozen=True, slots=True)
class ImagePolicy:
    """Which pictures are kept. ``spot_check_every`` N: one in N of the OK parts; 0 = none."""

    not_ok: bool = True
    spot_check_every: int = 100
    heat_maps: bool = True

    def purpose(self, verdict: Verdict, ok_parts: int) -> Purpose | None:
        """Return what a part's picture is kept for, None when it is not. ``ok_parts``: OK parts before it."""
        match verdict:
            case Verdict.SAMPLE:
                return Purpose.SAMPLE
            case Verdict.OK:
                wanted = self.spot_check_every > 0 and ok_parts % self.spot_check_every == 0
                return Purpose.SPOT_CHECK if wanted else None
        return Purpose.NOT_OK if self.not_ok else None


@dataclass(frozen=True, slots=True)
class Quota:
    """How much room the outbox may take: ``bytes`` of its own, and never the disk's last ``spare_bytes``."""

    bytes: int = 2_000_000_000
    spare_bytes: int = 200_000_000
    keep_sent: int = 10_000  # letters kept after the server has them


def free_bytes(folder: Path) -> int:
    """Return the room left on the folder's disk for such as us."""
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


class Retention:
    """Holds the outbox to its quota; asked after every ``put``."""

    def __init__(self, queue: Queue, quota: Quota, free: Callable[[Path], int] = free_bytes) -> None:
        self._queue, self._quota, self._free = queue, quota, free
        self._turn = 0
        self.nearly_full = False

    def hold(self, coming: int = 0) -> None:
        """Make room for ``coming`` bytes more than there are, and forget old sent letters."""
        ledger = self._queue.ledger
        pictures = ledger.picture_bytes()
        used = pictures + ledger.letter_bytes() + coming
        room = min(self._quota.bytes, used + self._free(self._queue.folder) - self._quota.spare_bytes)
        self.nearly_full = used > NEARLY * room
        if used > room:
            used -= self._drop_pictures(used - room)
        if used > self._quota.bytes and ledger.picture_bytes() == 0:
            self._drop_letters()
        self._turn += 1
        if self._turn % AT_ONCE == 0:
            self._forget_sent(self._quota.keep_sent)

    def free_for(self, coming: int) -> bool:
        """The disk has refused: give up pictures worth ``coming`` bytes. Return whether any went."""
        return self._drop_pictures(max(coming, 1)) > 0

    def _drop_pictures(self, bytes_: int) -> int:
        """Give up pictures until ``bytes_`` are free or none is left; return how many bytes came free."""
        freed = 0
        for purposes, counter in (
            ((Purpose.SPOT_CHECK,), Counter.SPOT_CHECKS_DROPPED),
            ((Purpose.NOT_OK, Purpose.SAMPLE), Counter.PICTURES_DROPPED),
        ):
            while freed < bytes_ and (went := self._drop_oldest(purposes, counter, bytes_ - freed)):
                freed += went
        return freed

    def _drop_oldest(self, purposes: Sequence[Purpose], counter: Counter, bytes_: int) -> int:
        marks = ",".join("?" * len(purposes))
        query = (
            f"SELECT number, size, state FROM pictures WHERE on_disk = 1 AND purpose IN ({marks})"  # noqa: S608 - marks only
            " ORDER BY number LIMIT ?"
        )
        database = self._queue.database
        with sqlite_errors():
            rows = database.execute(query, (*map(int, purposes), AT_ONCE)).fetchall()
        going, freed = [], 0
        for number, size, state in rows:
            if freed >= bytes_:
                break
            going.append((number, state))
            freed += size
        unsent = sum(state != State.SENT for _, state in going)
        with transaction(database):
            database.executemany(
                "UPDATE pictures SET state = ?, reason = 'quota' WHERE number = ? AND state != ?",
                [(State.DROPPED, number, State.SENT) for number, _ in going],
            )
            if unsent:
                self._queue.ledger.add(counter, unsent)
        self._queue.remove_files()
        if unsent:
            log.warning("outbox_pictures_dropped", sort=counter, pictures=unsent, bytes=freed)
        return freed

    def _drop_letters(self) -> None:
        """The quota is too small for the letters alone: forget the sent ones, then drop unsent ones."""
        self._forget_sent(_BEYOND_REPAIR)
        database, ledger = self._queue.database, self._queue.ledger
        if ledger.letter_bytes() <= self._quota.bytes:
            return
        with transaction(database):
            dropped = database.execute(
                "DELETE FROM letters WHERE sequence IN"
                " (SELECT sequence FROM letters WHERE state != ? ORDER BY sequence LIMIT ?)",
                (State.SENT, AT_ONCE),
            ).rowcount
            ledger.add(Counter.RECORDS_DROPPED, dropped)
        if dropped:
            log.error("outbox_records_dropped", records=dropped)

    def _forget_sent(self, keep: int) -> None:
        """Remove sent letters beyond the newest ``keep``; one with a picture or an untold loss stays."""
        with transaction(self._queue.database):
            self._queue.database.execute(
                "DELETE FROM letters WHERE sequence IN (SELECT sequence FROM letters WHERE state = ?"
                " AND sequence <= (SELECT max(sequence) FROM letters) - ? AND NOT EXISTS"
                " (SELECT 1 FROM pictures p WHERE p.sequence = letters.sequence"
                " AND (p.on_disk = 1 OR (p.state = ? AND p.told = 0))) LIMIT ?)",
                (State.SENT, keep, State.DROPPED, 2 * AT_ONCE),
            )
