"""What goes when room runs out, and in which order."""

from pathlib import Path

import pytest

from edge_service.domain.inspection import Verdict
from edge_service.outbox import Counter, ImagePolicy, Kind, Purpose, Queue, Quota, State
from edge_service.outbox.ballast import Ballast
from edge_service.outbox.retention import Retention
from tests.unit.outbox.test_queue import letter, picture

PLENTY = 10**12


def fill(queue: Queue, *purposes: Purpose) -> None:
    """Put one letter with a picture of 100,000 bytes for each purpose."""
    for number, purpose in enumerate(purposes, 1):
        queue.put([letter(number, picture(bytes([number]) * 100_000, purpose))])


def left(queue: Queue) -> list[int]:
    """Return the numbers of the pictures on disk."""
    rows = queue.database.execute("SELECT number FROM pictures WHERE on_disk = 1 ORDER BY number")
    return [number for (number,) in rows]


def room(pictures: int) -> Quota:
    """Return a quota with room for so many pictures and their letters."""
    return Quota(bytes=pictures * 100_000 + 60_000, spare_bytes=0)


@pytest.mark.parametrize(
    ("verdict", "purpose"),
    [
        (Verdict.NG, Purpose.NOT_OK),
        (Verdict.UNDECIDED, Purpose.NOT_OK),
        (Verdict.ERROR, Purpose.NOT_OK),
        (Verdict.TIMEOUT, Purpose.NOT_OK),
        (Verdict.SAMPLE, Purpose.SAMPLE),
    ],
)
def test_what_is_not_ok_and_every_sample_is_kept(verdict: Verdict, purpose: Purpose) -> None:
    """The default policy keeps the pictures one wants to look at or learn from."""
    assert ImagePolicy().purpose(verdict, 5) is purpose


def test_one_in_n_of_the_ok_parts_is_kept() -> None:
    """The first, then every N-th; with 0 none."""
    kept = [n for n in range(10) if ImagePolicy(spot_check_every=4).purpose(Verdict.OK, n) is not None]
    assert kept == [0, 4, 8]
    assert ImagePolicy(spot_check_every=0).purpose(Verdict.OK, 0) is None


def test_spot_checks_go_first_then_the_oldest_of_the_others(tmp_path: Path) -> None:
    """An OK part's picture goes before an older NG one; samples are as good as NG pictures."""
    sorts = (Purpose.NOT_OK, Purpose.SPOT_CHECK, Purpose.SAMPLE, Purpose.SPOT_CHECK, Purpose.NOT_OK)
    with Queue(tmp_path) as queue:
        fill(queue, *sorts)
        seen = []
        for pictures in (4, 3, 2, 1, 0):
            Retention(queue, room(pictures), lambda _: PLENTY).hold()
            seen.append(left(queue))
        assert seen == [[1, 3, 4, 5], [1, 3, 5], [3, 5], [5], []]
        missing = queue.ledger.counts().missing
        assert (missing[Counter.SPOT_CHECKS_DROPPED], missing[Counter.PICTURES_DROPPED]) == (2, 3)
        assert len(queue.waiting(Kind.INSPECTION, 10)) == 5


def test_a_picture_dropped_after_it_was_sent_is_no_loss(tmp_path: Path) -> None:
    """Only what the server does not have is counted and reported."""
    with Queue(tmp_path) as queue:
        fill(queue, Purpose.NOT_OK)
        queue.database.execute("UPDATE pictures SET state = ?", (State.SENT,))
        Retention(queue, room(0), lambda _: PLENTY).hold()
        assert left(queue) == []
        assert queue.ledger.counts().missing[Counter.PICTURES_DROPPED] == 0


def test_the_disk_s_last_room_is_not_ours(tmp_path: Path) -> None:
    """When others fill the disk, pictures go until ``spare_bytes`` are free again."""
    with Queue(tmp_path) as queue:
        fill(queue, Purpose.NOT_OK, Purpose.NOT_OK, Purpose.NOT_OK)
        Retention(queue, Quota(PLENTY, spare_bytes=200_000), lambda _: 50_000).hold()
        assert left(queue) == [3]


def test_it_warns_before_it_drops(tmp_path: Path) -> None:
    """From nine tenths of the room on the station warns."""
    with Queue(tmp_path) as queue:
        fill(queue, Purpose.NOT_OK)
        retention = Retention(queue, Quota(10**6, spare_bytes=0), lambda _: PLENTY)
        retention.hold()
        assert not retention.nearly_full
        retention.hold(coming=800_000)
        assert retention.nearly_full
        assert left(queue) == [1]


def test_letters_go_last_sent_ones_first(tmp_path: Path) -> None:
    """A quota too small even for letters drops unsent ones, oldest first and counted, never silently."""
    with Queue(tmp_path) as queue:
        for number in range(1, 121):
            queue.put([letter(number)])
        retention = Retention(queue, Quota(bytes=4096, spare_bytes=0), lambda _: PLENTY)
        retention.hold()
        waiting = queue.waiting(Kind.INSPECTION, 200)
        dropped = queue.ledger.counts().missing[Counter.RECORDS_DROPPED]
        assert dropped == 120 - len(waiting) > 0
        assert waiting[-1].id == "line-1-1-120"


def test_old_sent_letters_are_forgotten(tmp_path: Path) -> None:
    """The newest stay, and so does one whose picture is still to be sent."""
    with Queue(tmp_path) as queue:
        queue.put([letter(1, picture())])
        for number in range(2, 80):
            queue.put([letter(number)])
        for sequence in range(1, 80):
            queue.sent(sequence)
        retention = Retention(queue, Quota(PLENTY, 0, keep_sent=10), lambda _: PLENTY)
        for _ in range(50):
            retention.hold()
        rows = queue.database.execute("SELECT sequence FROM letters ORDER BY sequence").fetchall()
        assert [sequence for (sequence,) in rows] == [1, *range(70, 80)]


def test_ballast_takes_room_and_gives_it_back(tmp_path: Path) -> None:
    """Where there is no folder for it, nothing happens."""
    ballast = Ballast(tmp_path / "ballast")
    ballast.load()
    assert (tmp_path / "ballast").stat().st_size == Ballast.BYTES
    ballast.throw()
    assert not (tmp_path / "ballast").exists()
    Ballast(tmp_path / "nowhere" / "ballast").load()
