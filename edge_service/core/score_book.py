"""The last scores of every recipe, to see what another threshold would have made of them.

A step of the aftermath. Scores are kept on the scale of the model's own threshold (0.5), so that a change of
threshold in between does not matter. What cannot be written is left out: this is a memory, no record.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from edge_service.domain.inspection import Verdict
from edge_service.lifecycle import OwnedThread
from edge_service.station import Done, Equipment

log = structlog.get_logger()

FILE = "scores.db"
KEPT = 20_000  # of each recipe
_SWEEP_EVERY = 500

_TABLE = """CREATE TABLE IF NOT EXISTS scores (
    number INTEGER PRIMARY KEY AUTOINCREMENT, recipe INTEGER NOT NULL, id TEXT NOT NULL, model TEXT NOT NULL,
    score REAL NOT NULL, verdict INTEGER NOT NULL, at REAL)"""


@dataclass(frozen=True, slots=True)
class Past:
    """One judged part. ``score``: 0.5 is its model's own threshold."""

    id: str
    model: str
    score: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class WhatWouldChange:
    """What a threshold would have made of the last parts of a recipe."""

    parts: int
    ok_now: int
    ok_then: int
    become_ok: tuple[Past, ...]
    become_ng: tuple[Past, ...]

    def plain(self) -> dict[str, object]:
        """Return it as JSON can carry it."""
        return {
            "parts": self.parts,
            "ok_now": self.ok_now,
            "ok_then": self.ok_then,
            "become_ok": [_plain(past) for past in self.become_ok],
            "become_ng": [_plain(past) for past in self.become_ng],
        }


class ScoreBook:
    """Writes on a thread of its own. ``equipment``: what the station judges with now."""

    def __init__(self, folder: Path, equipment: Callable[[], Equipment | None]) -> None:
        self._folder, self._equipment = folder, equipment
        self._thread = OwnedThread("scores")
        self._written = 0
        self._database: sqlite3.Connection | None = None

    async def __call__(self, done: Done) -> None:
        """Remember the score of a part that was judged OK or NG."""
        equipment, judged = self._equipment(), done.inspection
        if (
            equipment is None
            or judged.model != equipment.model
            or judged.judgement.verdict not in (Verdict.OK, Verdict.NG)
        ):
            return
        row = (
            judged.recipe,
            judged.global_id,
            f"{equipment.model.name} {equipment.model.version}",
            judged.judgement.score / (2.0 * equipment.model_threshold),
            int(judged.judgement.verdict),
            judged.captured_at,
        )
        await self._thread.call(self._write, row, allowance_s=30.0)

    def close(self) -> None:
        """Finish what is being written."""
        self._thread.close()
        if self._database is not None:
            self._database.close()

    def _write(self, row: tuple[object, ...]) -> None:
        try:
            if self._database is None:
                self._database = _open(self._folder)
            with self._database:
                self._database.execute(
                    "INSERT INTO scores (recipe, id, model, score, verdict, at) VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                )
                self._written += 1
                if self._written % _SWEEP_EVERY == 0:
                    self._database.execute(
                        "DELETE FROM scores WHERE recipe = ? AND number <= (SELECT number FROM scores"
                        " WHERE recipe = ? ORDER BY number DESC LIMIT 1 OFFSET ?)",
                        (row[0], row[0], KEPT),
                    )
        except sqlite3.Error as error:
            log.warning("score_not_kept", reason=str(error))


def last_scores(folder: Path, recipe: int, count: int) -> list[Past]:
    """Return the last ``count`` judged parts of a recipe, oldest first. Blocks."""
    if not (folder / FILE).exists():
        return []
    try:
        database = _open(folder)
        try:
            query = (
                "SELECT id, model, score, verdict FROM scores WHERE recipe = ? ORDER BY number DESC LIMIT ?"
            )
            rows = database.execute(query, (recipe, count)).fetchall()
        finally:
            database.close()
    except sqlite3.Error as error:
        log.warning("scores_not_read", reason=str(error))
        return []
    return [Past(row[0], row[1], row[2], Verdict(row[3])) for row in reversed(rows)]


def what_would_change(past: list[Past], share: float) -> WhatWouldChange:
    """Judge past scores by another threshold; a score equal to it is NG."""
    ok = [each for each in past if each.verdict is Verdict.OK]
    would = [each for each in past if each.score < share]
    return WhatWouldChange(
        parts=len(past),
        ok_now=len(ok),
        ok_then=len(would),
        become_ok=tuple(each for each in would if each.verdict is Verdict.NG),
        become_ng=tuple(each for each in ok if each.score >= share),
    )


def _open(folder: Path) -> sqlite3.Connection:
    folder.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(folder / FILE, check_same_thread=False, timeout=5.0)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute(_TABLE)
    return database


def _plain(past: Past) -> dict[str, object]:
    return {"id": past.id, "model": past.model, "score": round(past.score, 4), "was": past.verdict.name}
