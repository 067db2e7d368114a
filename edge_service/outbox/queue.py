"""The queue of the outbox: letters in the order they were put, their pictures, and who has what.

Theory of operation. Core and gateway open the same folder. The core calls ``put``; the gateway asks for
what waits, sends it, and marks it after the server's answer. Every method is one transaction, so a kill
at any instant leaves a state that means something:

- picture written, letter not: an orphan file, swept when the core starts;
- sent, but not marked: it is sent once more, and the server knows its id;
- marked, file not yet removed: ``remove_files`` finishes it, whoever calls it next.

Order is the order of ``put``; no clock has a say in it. Methods block: call them from an owned thread.
They raise DiskFullError and DiskFailedError.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_service.durable import Disk
from edge_service.errors import DiskFailedError
from edge_service.language import say
from edge_service.outbox.ledger import Ledger
from edge_service.outbox.pictures import PictureFolder
from edge_service.outbox.rows import Kind, Letter, NewLetter, Picture, State
from edge_service.outbox.schema import open_database, sqlite_errors, transaction

DATABASE = "outbox.db"
_EXTENSIONS = {"image/jpeg": ".jpg", "image/png": ".png"}
_PICTURE = "p.number, l.id, p.file, p.size, p.sha256, p.media_type"


class Queue:
    """Letters and pictures that wait for the server, in ``folder``.

    ``examine``: for the process that puts: move a damaged database aside instead of failing.
    """

    def __init__(
        self,
        folder: Path,
        *,
        examine: bool = False,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder, self._path, self._clock = folder, folder / DATABASE, clock
        self.pictures = PictureFolder(folder / "pictures", disk)
        self.database = open_database(self._path, examine=examine)
        self.ledger = Ledger(self.database)
        self._inode = self._path.stat().st_ino

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; what is in it stays."""
        self.database.close()

    def moved(self) -> bool:
        """Whether the core has moved this database aside and begun another: open that one."""
        try:
            return self._path.stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def put(self, letters: Sequence[NewLetter]) -> None:
        """Keep letters with their pictures: all of them or nothing.

        Raises DiskFailedError when an id was used before.
        """
        files = [
            (picture, _file_name(letter, place, picture.media_type))
            for letter in letters
            for place, picture in enumerate(letter.pictures)
        ]
        self._refuse_known(letters)
        try:
            for picture, file in files:
                self.pictures.save(file, picture.data)
            with transaction(self.database):
                names = iter(file for _, file in files)
                for letter in letters:
                    self._insert(letter, names)
        except BaseException:
            for _, file in files:
                self.pictures.remove(file)
            raise

    def knows(self, kind: Kind, number: str) -> bool:
        """Whether a letter of this id was put, as far back as letters are kept."""
        with sqlite_errors():
            query = "SELECT 1 FROM letters WHERE kind = ? AND id = ?"
            return self.database.execute(query, (kind, number)).fetchone() is not None

    def _refuse_known(self, letters: Sequence[NewLetter]) -> None:
        for letter in letters:
            if self.knows(letter.kind, letter.id):
                raise _used_before(letter)

    def _insert(self, letter: NewLetter, names: Iterable[str]) -> None:
        sequence = self.database.execute(
            "INSERT INTO letters (kind, id, body, stored_at) VALUES (?, ?, ?, ?)",
            (letter.kind, letter.id, letter.body, self._clock()),
        ).lastrowid
        for picture, file in zip(letter.pictures, names, strict=False):
            self.database.execute(
                "INSERT INTO pictures (sequence, file, size, sha256, media_type, purpose)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (sequence, file, len(picture.data), picture.sha256, picture.media_type, int(picture.purpose)),
            )

    def waiting(self, kind: Kind, limit: int) -> list[Letter]:
        """Return the oldest waiting letters of a kind, in the order they were put."""
        query = (
            "SELECT sequence, id, body FROM letters WHERE state = ? AND kind = ? ORDER BY sequence LIMIT ?"
        )
        with sqlite_errors():
            return [Letter(*row) for row in self.database.execute(query, (State.WAITING, kind, limit))]

    def waiting_pictures(self, limit: int) -> list[Picture]:
        """Return the oldest waiting pictures whose letters the server has."""
        query = (
            f"SELECT {_PICTURE} FROM pictures p JOIN letters l USING (sequence)"  # noqa: S608 - our own columns
            " WHERE p.state = ? AND l.state = ? ORDER BY p.number LIMIT ?"
        )
        with sqlite_errors():
            rows = self.database.execute(query, (State.WAITING, State.SENT, limit))
            return [Picture(*row) for row in rows]

    def sent(self, sequence: int, lacking: Iterable[str] | None = None) -> None:
        """Mark a letter that the server has answered for.

        ``lacking``: the pictures (SHA-256) that it asked for; where given, its others need not be sent.
        """
        self.all_sent([(sequence, lacking)])

    def all_sent(self, answered: Sequence[tuple[int, Iterable[str] | None]]) -> None:
        """Mark several letters, (sequence, lacking) each as in ``sent``, in one change of state."""
        with transaction(self.database):
            for sequence, lacking in answered:
                self.database.execute(
                    "UPDATE letters SET state = ?, reason = '' WHERE sequence = ?", (State.SENT, sequence)
                )
                if lacking is not None:
                    self._not_lacking(sequence, set(lacking))
        if any(lacking is not None for _, lacking in answered):
            self.remove_files()

    def _not_lacking(self, sequence: int, wanted: set[str]) -> None:
        query = "SELECT number, sha256 FROM pictures WHERE sequence = ? AND state = ?"
        mine = self.database.execute(query, (sequence, State.WAITING)).fetchall()
        self.database.executemany(
            "UPDATE pictures SET state = ? WHERE number = ?",
            [(State.SENT, number) for number, sha256 in mine if sha256 not in wanted],
        )

    def refused(self, sequence: int, reason: str) -> None:
        """Set a letter aside that the server will never take as it is; its pictures stay with it."""
        with transaction(self.database):
            self.database.execute(
                "UPDATE letters SET state = ?, reason = ? WHERE sequence = ?",
                (State.REFUSED, reason, sequence),
            )

    def picture_ended(self, number: int, state: State, reason: str = "") -> None:
        """Mark a picture SENT, REFUSED, or DROPPED because its file is not what it was."""
        self.pictures_ended([(number, state, reason)])

    def pictures_ended(self, ends: Sequence[tuple[int, State, str]]) -> None:
        """Mark several pictures, (number, state, reason) each, in one change of state.

        Few changes matter: while one is being written, the core's next ``put`` waits.
        """
        with transaction(self.database):
            self.database.executemany(
                "UPDATE pictures SET state = ?, reason = ? WHERE number = ? AND state = ?",
                [(state, reason, number, State.WAITING) for number, state, reason in ends],
            )
        self.remove_files()

    def untold_losses(self, limit: int) -> list[tuple[int, str, str]]:
        """Return (number, SHA-256, reason) of dropped pictures that the server still waits for."""
        query = (
            "SELECT p.number, p.sha256, p.reason FROM pictures p JOIN letters l USING (sequence)"
            " WHERE p.state = ? AND p.told = 0 AND l.state = ? ORDER BY p.number LIMIT ?"
        )
        with sqlite_errors():
            return self.database.execute(query, (State.DROPPED, State.SENT, limit)).fetchall()

    def losses_told(self, numbers: Iterable[int]) -> None:
        """Note that the server knows of these losses."""
        with transaction(self.database):
            self.database.executemany(
                "UPDATE pictures SET told = 1 WHERE number = ?", [(number,) for number in numbers]
            )

    def remove_files(self) -> None:
        """Remove the files of pictures that are sent or dropped. Safe to repeat, and to die in."""
        query = "SELECT number, file FROM pictures WHERE state IN (?, ?) AND on_disk = 1"
        with sqlite_errors():
            rows = self.database.execute(query, (State.SENT, State.DROPPED)).fetchall()
        if not rows:
            return
        for _, file in rows:
            self.pictures.remove(file)
        with transaction(self.database):
            self.database.executemany(
                "UPDATE pictures SET on_disk = 0 WHERE number = ?", [(number,) for number, _ in rows]
            )

    def sweep(self) -> int:
        """Finish removals, remove orphan files and return how many; only the process that puts may."""
        self.remove_files()
        with sqlite_errors():
            rows = self.database.execute("SELECT file FROM pictures WHERE on_disk = 1").fetchall()
        return self.pictures.sweep({file for (file,) in rows})


def _used_before(letter: NewLetter) -> DiskFailedError:
    return DiskFailedError(
        say(
            f"{letter.kind} {letter.id} was put into the outbox before",
            f"{letter.kind} {letter.id} 已在发件箱中",
        ),
        remedy=say(
            "numbers.json in the data folder is older than the outbox: was it restored from a backup? "
            "Raise its numbers above the server's last ones of this station",
            "数据目录中的 numbers.json 比发件箱旧：是否从备份恢复？"
            "请调大编号，使其超过服务器上本工位的最后编号",
        ),
    )


def _file_name(letter: NewLetter, place: int, media_type: str) -> str:
    """A name that any file system takes, whatever the station is called."""
    text = f"{letter.kind} {letter.id} {place}"
    return hashlib.sha256(text.encode()).hexdigest()[:32] + _EXTENSIONS[media_type]
