"""What a killed core had answered and not yet put is put by the next one."""

import asyncio
from pathlib import Path

from edge_service.domain.inspection import Verdict
from edge_service.outbox import DiskOutbox, Kind, Queue
from edge_service.outbox.spool import LARGEST, Spool
from tests.support.inspected import frame, inspected, raw


async def noted(box: DiskOutbox) -> None:
    """Wait until everything noted so far is written."""
    await asyncio.gather(*box._noting)


def spools(folder: Path) -> list[Path]:
    """Return the files of notes."""
    return list(folder.glob("spool-*.jsonl"))


def tear(folder: Path) -> None:
    """Leave half a line, as a kill does."""
    (spool,) = spools(folder)
    with spool.open("ab") as file:
        file.write(b'{"format_version":1,"stat')


def waiting(folder: Path) -> list[str]:
    """Return the ids in the queue, in order."""
    with Queue(folder) as queue:
        return [letter.id for letter in queue.waiting(Kind.INSPECTION, 100)]


async def test_what_was_noted_and_not_put_is_recovered_in_order(tmp_path: Path) -> None:
    """Three answered, one put, then a kill: the other two come without pictures, none comes twice."""
    killed = DiskOutbox(tmp_path, str)
    for counter in (1, 2, 3):
        killed.note(inspected(counter, Verdict.NG))
    await noted(killed)
    await killed.put(inspected(1, Verdict.NG), frame(), raw())
    tear(tmp_path)
    again = DiskOutbox(tmp_path, str)
    again.note(inspected(4, boot_id=2))
    await again.recover()
    await again.put(inspected(4, boot_id=2), None, None)
    await again.recover()
    again.close()
    assert waiting(tmp_path) == ["line-1-1-1", "line-1-1-2", "line-1-1-3", "line-1-2-4"]
    assert spools(tmp_path) == []
    killed.close()


async def test_an_end_in_good_order_leaves_nothing_to_recover(tmp_path: Path) -> None:
    """Everything noted was put: the file goes."""
    box = DiskOutbox(tmp_path, str)
    box.note(inspected(1))
    await noted(box)
    await box.put(inspected(1), None, None)
    box.close()
    assert spools(tmp_path) == []


def test_the_file_stays_small(tmp_path: Path) -> None:
    """It is emptied whenever it has grown and everything in it is settled, and only then."""
    spool, line = Spool(tmp_path), "x" * 1000
    for number in range(LARGEST // 500):
        spool.note(str(number), line)
        spool.settled(str(number))
    (path,) = tmp_path.glob("spool-*.jsonl")
    assert path.stat().st_size <= LARGEST + 2000
    spool.note("last", line)
    spool.note("behind it", line)
    spool.settled("last")
    spool.close()
    assert path.exists()


def test_a_disk_that_refuses_changes_nothing(tmp_path: Path) -> None:
    """No folder can be made: no error, and nothing to recover."""
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "below")
    spool.note("1", "line")
    spool.settled("1")
    assert spool.left() == []
    spool.close()


async def test_a_box_without_a_server_notes_nothing(tmp_path: Path) -> None:
    """Before the enrolment there is no outbox at all."""
    box = DiskOutbox(tmp_path / "outbox", str, wanted=lambda: False)
    box.note(inspected(1))
    await noted(box)
    await box.recover()
    box.close()
    assert not (tmp_path / "outbox").exists()
