"""The queue of the outbox: order, marks, and what a kill at any instant leaves."""

import hashlib
import sqlite3
from pathlib import Path

import pytest

from edge_service.errors import ConfigurationError, DiskFailedError, DiskFullError
from edge_service.outbox import Counter, Kind, NewLetter, NewPicture, Purpose, Queue, SetAside, State
from tests.support.disks import FullDisk


def picture(content: bytes = b"jpeg", purpose: Purpose = Purpose.NOT_OK) -> NewPicture:
    """Return a picture whose bytes are ``content``."""
    digest = hashlib.sha256(content).hexdigest()
    return NewPicture(content, digest, "image/jpeg", purpose, 4, 3)


def letter(number: int, *pictures: NewPicture, kind: Kind = Kind.INSPECTION) -> NewLetter:
    """Return letter ``number``."""
    return NewLetter(kind, f"line-1-1-{number}", f'{{"n":{number}}}', pictures)


def ids(queue: Queue, kind: Kind = Kind.INSPECTION) -> list[str]:
    """Return the waiting letters' numbers."""
    return [waiting.id.rsplit("-", 1)[1] for waiting in queue.waiting(kind, 100)]


def files(folder: Path) -> list[bytes]:
    """Return the contents of the pictures on disk."""
    return [path.read_bytes() for path in sorted((folder / "pictures").iterdir())]


def test_letters_wait_in_the_order_they_were_put_whatever_the_clock_says(tmp_path: Path) -> None:
    """A clock that jumps back does not change who goes first."""
    times = iter([1000.0, 10.0, 500.0])
    with Queue(tmp_path, clock=lambda: next(times)) as queue:
        for number in (1, 2, 3):
            queue.put([letter(number)])
        assert ids(queue) == ["1", "2", "3"]
        assert queue.ledger.counts().oldest_waiting_at == 10.0


def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    """Another process that opens the folder sees letter and picture."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1, picture(b"one"))])
    with Queue(tmp_path) as again:
        assert ids(again) == ["1"]
        assert files(tmp_path) == [b"one"]


def test_two_open_it_at_once(tmp_path: Path) -> None:
    """What the core puts the gateway takes, and what the gateway marks the core no longer sees."""
    with Queue(tmp_path) as core, Queue(tmp_path) as gateway:
        core.put([letter(1)])
        (waiting,) = gateway.waiting(Kind.INSPECTION, 10)
        gateway.sent(waiting.sequence)
        assert ids(core) == []


def test_a_picture_waits_for_its_letter(tmp_path: Path) -> None:
    """It is not offered before the server has the letter, and its file goes once the server has it."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1, picture(b"one"))])
        assert queue.waiting_pictures(10) == []
        queue.sent(1)
        (waiting,) = queue.waiting_pictures(10)
        assert (waiting.id, waiting.size) == ("line-1-1-1", 3)
        assert queue.pictures.read(waiting.file) == b"one"
        queue.picture_ended(waiting.number, State.SENT)
        assert queue.waiting_pictures(10) == []
        assert files(tmp_path) == []


def test_a_picture_that_the_server_has_already_is_not_sent(tmp_path: Path) -> None:
    """The receipt names what is lacking; the rest is done."""
    with Queue(tmp_path) as queue:
        frame, heat = picture(b"frame"), picture(b"heat")
        queue.put([letter(1, frame, heat)])
        queue.sent(1, lacking=[heat.sha256])
        assert [waiting.sha256 for waiting in queue.waiting_pictures(10)] == [heat.sha256]
        assert files(tmp_path) == [b"heat"]


def test_letters_put_together_are_there_together(tmp_path: Path) -> None:
    """An inspection and its sample are one change of state."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1), letter(1, picture(), kind=Kind.SAMPLE)])
        assert ids(queue) == ids(queue, Kind.SAMPLE) == ["1"]


def test_what_is_refused_is_set_aside_and_blocks_nobody(tmp_path: Path) -> None:
    """It is shown with its reason, and waits again when somebody asks for it."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1, picture())])
        queue.put([letter(2)])
        queue.refused(1, "score: not a number")
        assert ids(queue) == ["2"]
        assert queue.ledger.set_aside() == [SetAside("line-1-1-1", "inspection", "score: not a number")]
        assert queue.ledger.counts().set_aside == 1
        assert queue.ledger.retry_set_aside() == 1
        assert ids(queue) == ["1", "2"]


def test_an_id_used_twice_is_refused_and_the_first_stays(tmp_path: Path) -> None:
    """A counter that was set back must not overwrite what is there."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1, picture(b"first"))])
        with pytest.raises(DiskFailedError, match="before") as caught:
            queue.put([letter(1, picture(b"second"))])
        assert "numbers.json" in caught.value.remedy
        assert files(tmp_path) == [b"first"]


def test_orphans_are_swept_and_unfinished_removals_finished(tmp_path: Path) -> None:
    """A kill between file and row, or between mark and removal, leaves nothing for ever."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1, picture(b"one"))])
        queue.put([letter(2, picture(b"two"))])
        (tmp_path / "pictures" / "stray.jpg").write_bytes(b"never put")
        (tmp_path / "pictures" / ".half.jpg.1234.tmp").write_bytes(b"ha")
        queue.database.execute("UPDATE pictures SET state = ? WHERE number = 1", (State.SENT,))
    with Queue(tmp_path) as queue:
        assert queue.sweep() == 2
        assert files(tmp_path) == [b"two"]


def test_no_room_for_the_picture_leaves_nothing(tmp_path: Path) -> None:
    """Both or neither: the letter is not there, and no half file either."""
    with Queue(tmp_path, disk=FullDisk(room=1)) as queue:
        with pytest.raises(DiskFullError):
            queue.put([letter(1, picture(b"one"), picture(b"two"))])
        assert ids(queue) == []
        assert files(tmp_path) == []


def test_no_room_for_the_letter_leaves_no_picture(tmp_path: Path) -> None:
    """SQLite's own full disk is a DiskFullError, and the picture goes again."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1)])
        (pages,) = queue.database.execute("PRAGMA page_count").fetchone()
        queue.database.execute(f"PRAGMA max_page_count = {pages}")
        large = NewLetter(Kind.INSPECTION, "line-1-1-2", "x" * 100_000, (picture(b"two"),))
        with pytest.raises(DiskFullError):
            queue.put([large])
        assert ids(queue) == ["1"]
        assert files(tmp_path) == []


def test_a_damaged_database_is_moved_aside_by_the_core_alone(tmp_path: Path) -> None:
    """The core goes on with an empty one and keeps the other; the gateway notices that it was moved."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1)])
        queue.database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database = tmp_path / "outbox.db"
    content = bytearray(database.read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    database.write_bytes(content)
    with Queue(tmp_path) as gateway:
        with pytest.raises(DiskFailedError):
            gateway.waiting(Kind.INSPECTION, 1)
        with Queue(tmp_path, examine=True) as core:
            assert ids(core) == []
            core.put([letter(2)])
        assert gateway.moved()
    assert len(list(tmp_path.glob("outbox.db.damaged-*"))) == 1


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    """An older okng never writes into a newer outbox."""
    with Queue(tmp_path) as queue:
        queue.database.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigurationError, match="newer") as caught:
        Queue(tmp_path)
    assert caught.value.remedy


def test_losses_are_told_once_the_letter_is_there(tmp_path: Path) -> None:
    """A picture given up is reported after its letter, and only until the server has heard of it."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1, picture())])
        queue.picture_ended(1, State.DROPPED, "unreadable")
        assert queue.untold_losses(10) == []
        queue.sent(1)
        assert queue.untold_losses(10) == [(1, picture().sha256, "unreadable")]
        queue.losses_told([1])
        assert queue.untold_losses(10) == []


def test_counters_survive_a_restart(tmp_path: Path) -> None:
    """What ever went missing stays counted."""
    with Queue(tmp_path) as queue:
        queue.ledger.add(Counter.RECORDS_LOST, 2)
    with Queue(tmp_path) as queue:
        queue.ledger.add(Counter.RECORDS_LOST)
        assert queue.ledger.counts().missing[Counter.RECORDS_LOST] == 3


def test_a_killed_transaction_never_happened(tmp_path: Path) -> None:
    """What was not committed is gone after the process's end; what was committed stays."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1)])
        other = sqlite3.connect(tmp_path / "outbox.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM letters")
        other.close()
        assert ids(queue) == ["1"]
