"""The core's side of the outbox: what becomes of an inspection, also on a full disk."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge_service.contract.messages import InspectionRecord, SampleUpload, read
from edge_service.domain.inspection import Verdict
from edge_service.errors import DiskFullError
from edge_service.inference.heatmap import draw_heat_map
from edge_service.outbox import Counter, DiskOutbox, ImagePolicy, Kind, Queue, Quota
from tests.support.disks import FullDisk
from tests.support.inspected import frame, inspected, raw

PLENTY = 10**12


@contextmanager
def outbox(folder: Path, **options: Any) -> Iterator[DiskOutbox]:
    """An outbox in ``folder`` whose recipe 1 makes product pcb."""
    made = DiskOutbox(folder, lambda _: "pcb", free=lambda _: PLENTY, **options)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[DiskOutbox]:
    """An outbox as it comes."""
    with outbox(tmp_path, draw_heat_map=draw_heat_map) as made:
        yield made


def records(folder: Path) -> list[InspectionRecord]:
    """Return the records that wait."""
    with Queue(folder) as queue:
        return [read(InspectionRecord, letter.body) for letter in queue.waiting(Kind.INSPECTION, 100)]


def missing(folder: Path) -> dict[Counter, int]:
    """Return the counters."""
    with Queue(folder) as queue:
        return queue.ledger.counts().missing


async def test_a_part_that_is_not_ok_goes_with_frame_and_heat_map(box: DiskOutbox, tmp_path: Path) -> None:
    """The record names both pictures by the digests of the very files that lie in the outbox."""
    await box.put(inspected(1, Verdict.NG), frame(), raw(2.0))
    (record,) = records(tmp_path)
    assert (record.global_id, record.verdict, record.serial_hex) == ("line-1-1-1", "NG", b"SN-1".hex())
    assert [image.role for image in record.images] == ["frame", "heat_map"]
    on_disk = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "pictures").iterdir()}
    assert {image.sha256 for image in record.images} == on_disk


async def test_ok_parts_go_without_pictures_but_for_one_in_n(tmp_path: Path) -> None:
    """Every record, every third picture."""
    with outbox(tmp_path, policy=ImagePolicy(spot_check_every=3)) as box:
        for counter in range(1, 7):
            await box.put(inspected(counter), frame(counter), raw())
    assert [len(record.images) for record in records(tmp_path)] == [1, 0, 0, 1, 0, 0]


async def test_a_sample_is_a_record_and_a_lossless_picture(box: DiskOutbox, tmp_path: Path) -> None:
    """The training set gets the very pixels of the camera, under the inspection's own id."""
    await box.put(inspected(4, Verdict.SAMPLE), frame(9), None)
    (record,) = records(tmp_path)
    assert (record.verdict, record.images) == ("SAMPLE", ())
    with Queue(tmp_path) as queue:
        (letter,) = queue.waiting(Kind.SAMPLE, 10)
    sample = read(SampleUpload, letter.body)
    assert (sample.sample_id, sample.product, sample.recipe) == ("line-1-1-4", "pcb", 1)
    (file,) = (tmp_path / "pictures").iterdir()
    assert sample.image.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert np.array_equal(cv2.imread(str(file)), frame(9).pixels)


async def test_a_score_that_is_no_number_does_not_stop_the_record(box: DiskOutbox, tmp_path: Path) -> None:
    """JSON has no infinity: the code beside it says what happened."""
    await box.put(inspected(1, Verdict.ERROR, score=float("inf")), frame(), raw())
    assert records(tmp_path)[0].score == 0.0


async def test_a_picture_shed_on_the_way_is_counted(box: DiskOutbox, tmp_path: Path) -> None:
    """The record goes on without it."""
    await box.put(inspected(1, Verdict.NG), None, None)
    assert records(tmp_path)[0].images == ()
    assert missing(tmp_path)[Counter.PICTURES_NOT_KEPT] == 1


async def test_records_keep_the_order_of_the_parts(box: DiskOutbox, tmp_path: Path) -> None:
    """Also when many are handed over at once."""
    await asyncio.gather(*(box.put(inspected(counter), None, None) for counter in range(1, 21)))
    assert [record.counter for record in records(tmp_path)] == list(range(1, 21))


async def test_on_a_full_disk_the_record_is_kept_without_its_picture(tmp_path: Path) -> None:
    """Nothing older can be given up, so the new picture is, and it is counted."""
    with outbox(tmp_path, disk=FullDisk()) as box:
        await box.put(inspected(1, Verdict.NG), frame(), raw(2.0))
    assert records(tmp_path)[0].images == ()
    assert missing(tmp_path)[Counter.PICTURES_NOT_KEPT] == 1


async def test_on_a_full_disk_an_older_picture_makes_room(tmp_path: Path) -> None:
    """The spot check of an OK part goes, the NG part's picture comes."""

    class Disk(FullDisk):
        """A disk that has room again once the pictures before are gone."""

        def write(self, path: Path, data: bytes, *, mode: int = 0o644) -> None:
            self.room = 0 if any(path.parent.glob("*.jpg")) else 1
            super().write(path, data, mode=mode)

    with outbox(tmp_path, disk=Disk()) as box:
        await box.put(inspected(1), frame(1), raw())
        await box.put(inspected(2, Verdict.NG), frame(2), raw(2.0))
    assert [len(record.images) for record in records(tmp_path)] == [1, 1]
    assert missing(tmp_path)[Counter.SPOT_CHECKS_DROPPED] == 1
    assert len(list((tmp_path / "pictures").iterdir())) == 1


async def test_a_record_without_any_room_is_lost_counted_and_told(tmp_path: Path) -> None:
    """The error reaches the station; with room again the next one is kept and the loss written down."""
    with outbox(tmp_path) as box:
        await box.put(inspected(1), None, None)
        queue = box._queue
        assert queue is not None
        (pages,) = queue.database.execute("PRAGMA page_count").fetchone()
        queue.database.execute(f"PRAGMA max_page_count = {pages}")
        lost = 0
        for counter in range(2, 60):
            try:
                await box.put(inspected(counter), None, None)
            except DiskFullError:
                lost += 1
        assert lost > 0
        queue.database.execute("PRAGMA max_page_count = 1000000")
        await box.put(inspected(60), None, None)
    assert len(records(tmp_path)) == 60 - lost
    assert missing(tmp_path)[Counter.RECORDS_LOST] == lost


async def test_a_folder_that_cannot_be_made_is_told_at_each_part_and_mended(tmp_path: Path) -> None:
    """The station starts and judges all the same; once the disk is mended records are kept."""
    place = tmp_path / "outbox"
    place.write_text("a file where the folder should be")
    with outbox(place) as box:
        with pytest.raises(Exception, match="cannot write"):
            await box.put(inspected(1), None, None)
        place.unlink()
        await box.put(inspected(2), None, None)
    assert [record.counter for record in records(place)] == [2]
    assert missing(place)[Counter.RECORDS_LOST] == 1


async def test_the_quota_is_held_and_the_station_warned(tmp_path: Path) -> None:
    """However many parts come, the folder stays within its bound; every record is there."""
    quota = Quota(bytes=200_000, spare_bytes=0)
    with outbox(tmp_path, quota=quota, policy=ImagePolicy(heat_maps=False)) as box:
        for counter in range(1, 31):
            await box.put(inspected(counter, Verdict.NG), frame(counter, side=128), raw(2.0))
        assert box.nearly_full
    assert sum(path.stat().st_size for path in (tmp_path / "pictures").iterdir()) <= 200_000
    assert len(records(tmp_path)) == 30
    assert missing(tmp_path)[Counter.PICTURES_DROPPED] > 0


async def test_a_record_the_contract_cannot_carry_is_counted_and_the_line_goes_on(
    box: DiskOutbox, tmp_path: Path
) -> None:
    """It must never stop the station."""
    await box.put(inspected(1, boot_id=-1), None, None)
    await box.put(inspected(2), None, None)
    assert [record.counter for record in records(tmp_path)] == [2]
    assert missing(tmp_path)[Counter.RECORDS_LOST] == 1
