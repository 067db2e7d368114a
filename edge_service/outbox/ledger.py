"""What lies in the outbox, what the server refused, and what ever went missing, in numbers."""

import sqlite3

from edge_service.outbox.rows import Counter, Counts, Kind, SetAside, State
from edge_service.outbox.schema import sqlite_errors, transaction

_LISTED = 200  # refused items shown at most


class Ledger:
    """Reads and counts in the outbox's database."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def counts(self) -> Counts:
        """Return what lies here now, and what ever went missing."""
        with sqlite_errors():
            one = self._database.execute
            letters = {
                (kind, state): number
                for kind, state, number in one(
                    "SELECT kind, state, count(*) FROM letters GROUP BY state, kind"
                )
            }
            pictures = dict(one("SELECT state, count(*) FROM pictures GROUP BY state").fetchall())
            query = "SELECT min(stored_at) FROM letters WHERE state = ?"
            (oldest,) = one(query, (State.WAITING,)).fetchone()
            missing = dict(one("SELECT name, value FROM counters").fetchall())
        refused = sum(letters.get((kind, State.REFUSED), 0) for kind in Kind)
        return Counts(
            inspections_waiting=letters.get((Kind.INSPECTION, State.WAITING), 0),
            samples_waiting=letters.get((Kind.SAMPLE, State.WAITING), 0),
            pictures_waiting=pictures.get(State.WAITING, 0),
            set_aside=refused + pictures.get(State.REFUSED, 0),
            used_bytes=self.picture_bytes() + self.letter_bytes(),
            oldest_waiting_at=oldest,
            missing={counter: missing.get(counter, 0) for counter in Counter},
        )

    def picture_bytes(self) -> int:
        """Return the room that pictures take, in bytes."""
        with sqlite_errors():
            query = "SELECT coalesce(sum(size), 0) FROM pictures WHERE on_disk = 1"
            return int(self._database.execute(query).fetchone()[0])

    def letter_bytes(self) -> int:
        """Return the room that letters take inside the database, in bytes; free pages do not count."""
        with sqlite_errors():
            pages, free, size = (
                self._database.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def add(self, counter: Counter, by: int = 1) -> None:
        """Add to a counter that survives restarts; inside a transaction of the caller's, or by itself."""
        if not self._database.in_transaction:
            with transaction(self._database):
                self.add(counter, by)
            return
        self._database.execute(
            "INSERT INTO counters (name, value) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
            (counter, by),
        )

    def set_aside(self) -> list[SetAside]:
        """Return what the server refused, oldest first, 200 at most of each sort."""
        with sqlite_errors():
            letters = self._database.execute(
                "SELECT id, kind, reason FROM letters WHERE state = ? ORDER BY sequence LIMIT ?",
                (State.REFUSED, _LISTED),
            ).fetchall()
            pictures = self._database.execute(
                "SELECT l.id, 'picture', p.reason FROM pictures p JOIN letters l USING (sequence)"
                " WHERE p.state = ? ORDER BY p.number LIMIT ?",
                (State.REFUSED, _LISTED),
            ).fetchall()
        return [SetAside(*row) for row in letters + pictures]

    def retry_set_aside(self) -> int:
        """Let everything that was refused wait again; return how many items."""
        change = "SET state = ?, reason = '' WHERE state = ?"
        states = (State.WAITING, State.REFUSED)
        with transaction(self._database):
            letters = self._database.execute(f"UPDATE letters {change}", states).rowcount
            return letters + self._database.execute(f"UPDATE pictures {change}", states).rowcount
