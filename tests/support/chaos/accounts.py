"""What the PLC saw, what the outbox holds, what the server has: counted from their own books."""

import json
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.support.chaos.kept import Kept
from tests.support.chaos.line import Line


@dataclass(slots=True)
class Accounts:
    """The report. ``breaches`` is empty when everything balances."""

    answered: int = 0
    triggered: int = 0
    in_outbox: int = 0
    on_server: int = 0
    only_in_outbox: int = 0
    twice_on_server: int = 0
    different_on_server: int = 0
    set_aside: int = 0
    missing: int = 0  # answered to the PLC, in no book
    most_missing_in_one_life: int = 0
    images_named: int = 0
    images_on_server: int = 0
    images_given_up: int = 0
    images_missing: int = 0
    kills: dict[str, int] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    cuts: int = 0
    verdicts: dict[str, int] = field(default_factory=dict)
    model_at_the_end: str = ""
    seconds: float = 0.0
    drained_s: float = 0.0
    breaches: list[str] = field(default_factory=list)

    def plain(self) -> dict[str, Any]:
        """Return it as JSON carries it."""
        return asdict(self)

    def balance(self, line: Line, outbox: Path, server: Path) -> None:
        """Fill in the counts and what is wrong with them."""
        stored = _on_server(server)
        kept, self.set_aside = _in_outbox(outbox)
        self.answered, self.triggered, self.verdicts = len(line.answered), line.triggered, line.judged()
        self.in_outbox, self.on_server = len(kept), len(stored.records)
        self.only_in_outbox = len(kept.keys() - stored.records.keys())
        self.twice_on_server = stored.rows - len(stored.records)
        self.different_on_server = sum(
            json.loads(body) != json.loads(stored.records[number])
            for number, body in kept.items()
            if number in stored.records
        )
        serials = {bytes.fromhex(json.loads(body)["serial_hex"]).decode() for body in kept.values()}
        lost = [serial for serial in line.answered if serial not in serials]
        self.missing = len(lost)
        lives = Counter(line.boots[serial] for serial in lost)
        self.most_missing_in_one_life = max(lives.values(), default=0)
        self.images_named, self.images_on_server = len(stored.named), len(stored.named & stored.images)
        self.images_given_up = len((stored.named - stored.images) & stored.given_up)
        self.images_missing = len(stored.named - stored.images - stored.given_up)
        self._judge()

    def died(self, process: Kept) -> None:
        """Note how often a process was killed and started, and that it never ended by itself."""
        self.kills[process.name], self.starts[process.name] = process.kills, process.starts
        if process.codes:
            self.breaches.append(f"{process.name} ended by itself with {process.codes}")

    def _judge(self) -> None:
        checks = {
            "records that reached the outbox are not on the server": self.only_in_outbox,
            "records are on the server twice": self.twice_on_server,
            "records are on the server with another content": self.different_on_server,
            "records or pictures were refused by the server": self.set_aside,
            "pictures are neither on the server nor given up": self.images_missing,
            "pictures were given up": self.images_given_up,
            "records are on the server that the outbox never held": max(0, self.on_server - self.in_outbox),
        }
        self.breaches += [f"{number} {what}" for what, number in checks.items() if number]
        if self.most_missing_in_one_life > 1:
            self.breaches.append(
                f"{self.most_missing_in_one_life} parts are missing after one kill of the core"
            )
        if not self.in_outbox:
            self.breaches.append("nothing reached the outbox")


@dataclass(slots=True)
class _Server:
    rows: int
    records: dict[str, str]
    named: set[str]
    images: set[str]
    given_up: set[str]


def _on_server(path: Path) -> _Server:
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute("SELECT station, boot_id, counter, document FROM inspections").fetchall()
        return _Server(
            len(rows),
            {f"{station}-{boot_id}-{counter}": document for station, boot_id, counter, document in rows},
            {sha for (sha,) in database.execute("SELECT sha256 FROM inspection_images")},
            {sha for (sha,) in database.execute("SELECT sha256 FROM images")},
            {sha for (sha,) in database.execute("SELECT sha256 FROM image_losses")},
        )


def _in_outbox(path: Path) -> tuple[dict[str, str], int]:
    with closing(sqlite3.connect(path)) as database:
        kept = dict(database.execute("SELECT id, body FROM letters WHERE kind = 'inspection'").fetchall())
        (letters,) = database.execute("SELECT count(*) FROM letters WHERE state = 2").fetchone()
        (pictures,) = database.execute("SELECT count(*) FROM pictures WHERE state = 2").fetchone()
        return kept, letters + pictures


def waiting(path: Path) -> int:
    """Return how many letters and pictures the server does not have yet."""
    with closing(sqlite3.connect(path)) as database:
        (letters,) = database.execute("SELECT count(*) FROM letters WHERE state = 0").fetchone()
        (pictures,) = database.execute("SELECT count(*) FROM pictures WHERE state = 0").fetchone()
        return int(letters + pictures)
