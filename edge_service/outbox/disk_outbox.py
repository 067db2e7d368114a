"""The core's side of the outbox: every inspection's record, and its picture where the policy wants it.

It is asked after the PLC has its answer, by the station's aftermath, which hands over one inspection at a
time and has the bound and the overflow rule. Encoding, SQLite and files work on one thread of its own.

A full disk has a defined outcome: pictures are given up first (``retention``), the new one among them;
then the record is kept without picture; a record that cannot be written even so is counted as lost and
raises DiskFullError (code 501), while the station judges on.
"""

import asyncio
import contextlib
from collections import Counter as Tally
from collections.abc import Callable
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray
from pydantic import ValidationError

from edge_service.contract.messages import InspectionRecord, read
from edge_service.domain.inspection import Frame, Inspection, RawScore, Verdict
from edge_service.durable import Disk
from edge_service.errors import DiskFailedError, DiskFullError, MessageError, OkngError
from edge_service.lifecycle import OwnedThread
from edge_service.outbox.ballast import Ballast
from edge_service.outbox.letters import Sample, encode, inspection_letter, letters_of, sample_letter
from edge_service.outbox.queue import Queue
from edge_service.outbox.retention import ImagePolicy, Quota, Retention, free_bytes
from edge_service.outbox.rows import Counter, Kind, NewLetter, NewPicture, Purpose
from edge_service.outbox.spool import Spool

log = structlog.get_logger()

ALLOWANCE_S = 30.0  # a slow disk

DrawHeatMap = Callable[[NDArray[np.uint8], NDArray[np.float32], float], NDArray[np.uint8]]
"""(frame's pixels, anomaly map, threshold) -> pixels of the heat map, uint8 BGR."""


class DiskOutbox:
    """Implements ``ports.Outbox`` in ``folder``. ``product``: recipe number -> the product it makes.

    ``wanted`` is asked each time, on the outbox's own thread: while it says no, nothing is kept.
    """

    def __init__(
        self,
        folder: Path,
        product: Callable[[int], str],
        *,
        policy: ImagePolicy | None = None,
        quota: Quota | None = None,
        draw_heat_map: DrawHeatMap | None = None,
        wanted: Callable[[], bool] = lambda: True,
        disk: Disk | None = None,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self._folder, self._product, self._disk, self._free = folder, product, disk, free
        self._policy, self._quota = policy or ImagePolicy(), quota or Quota()
        self._draw_heat_map, self._wanted = draw_heat_map, wanted
        self._ballast, self._spool = Ballast(folder / "ballast"), Spool(folder)
        self._thread, self._notes = OwnedThread("outbox"), OwnedThread("outbox-notes")
        self._noting: set[asyncio.Task[None]] = set()
        self._recovered = False
        self._queue: Queue | None = None
        self._retention: Retention | None = None
        self._ok_parts = 0
        self._uncounted: Tally[Counter] = Tally()  # what could not be counted on a full disk yet

    @property
    def nearly_full(self) -> bool:
        """Whether the station should warn (code 550): the quota or the disk is nearly used up."""
        return self._retention is not None and self._retention.nearly_full

    def note(self, inspection: Inspection) -> None:
        """Write down at once, and without waiting, that this inspection was answered; ``put`` follows."""
        call = self._notes.call(self._note, inspection, allowance_s=ALLOWANCE_S)
        task = asyncio.create_task(call, name="outbox-note")
        self._noting.add(task)
        task.add_done_callback(self._noting.discard)

    async def recover(self) -> None:
        """Put what an earlier process noted and did not put. Raises DiskFullError, DiskFailedError."""
        await self._thread.call(self._recover, allowance_s=ALLOWANCE_S)

    async def put(self, inspection: Inspection, frame: Frame | None, raw: RawScore | None) -> None:
        """Keep the inspection; return when it is safe on disk.

        Raises DiskFullError, DiskFailedError, ConfigurationError; then it is lost, and counted.
        """
        await self._thread.call(self._put, inspection, frame, raw, allowance_s=ALLOWANCE_S)

    async def put_sample(self, sample: Sample, frame: Frame) -> None:
        """Keep a photograph to learn from. Raises DiskFullError, DiskFailedError: it is not kept then."""
        await self._thread.call(self._put_sample, sample, frame, allowance_s=ALLOWANCE_S)

    def close(self) -> None:
        """Finish what is being written and close the files."""
        self._notes.close()
        self._thread.close()
        self._spool.close()
        if self._queue is not None:
            self._queue.close()
            self._queue = None

    def _put(self, inspection: Inspection, frame: Frame | None, raw: RawScore | None) -> None:
        if not self._wanted():
            return
        try:
            self._put_whole(inspection, frame, raw)
        finally:
            self._spool.settled(inspection.global_id)

    def _note(self, inspection: Inspection) -> None:
        if self._wanted():
            with contextlib.suppress(ValidationError):  # ``put`` says so
                self._spool.note(inspection.global_id, inspection_letter(inspection).body)

    def _recover(self) -> None:
        """Once, before the first ``put``: the lines of the process before, without their pictures."""
        if self._recovered or not self._wanted():
            return
        queue, _ = self._open()
        recovered = 0
        for line in self._spool.left():
            with contextlib.suppress(MessageError):  # torn by the kill
                record = read(InspectionRecord, line)
                if not queue.knows(Kind.INSPECTION, record.global_id):
                    queue.put([NewLetter(Kind.INSPECTION, record.global_id, line)])
                    recovered += 1
        self._spool.forget_left()
        self._recovered = True
        if recovered:
            log.warning("records_recovered", records=recovered, pictures="lost with the process")

    def _put_whole(self, inspection: Inspection, frame: Frame | None, raw: RawScore | None) -> None:
        with contextlib.suppress(OkngError):  # the disk: what follows says so
            self._recover()
        try:
            pictures = self._pictures(inspection, frame, raw)
            letters = letters_of(inspection, pictures, self._product(inspection.recipe))
        except ValidationError:
            self._uncounted[Counter.RECORDS_LOST] += 1
            log.exception("record_unsendable", inspection_id=inspection.global_id)
            return
        try:
            self._keep(letters, inspection)
        except OkngError as error:
            self._uncounted[Counter.RECORDS_LOST] += 1
            log.warning("record_lost", inspection_id=inspection.global_id, error=error.what)
            raise
        self._count()

    def _put_sample(self, sample: Sample, frame: Frame) -> None:
        picture = encode(frame.pixels, Purpose.SAMPLE)
        queue, retention = self._open()
        retention.hold(len(picture.data))
        queue.put([sample_letter(sample, picture)])

    def _keep(self, letters: tuple[NewLetter, ...], inspection: Inspection) -> None:
        queue, retention = self._open()
        size = sum(len(picture.data) for letter in letters for picture in letter.pictures)
        retention.hold(size)
        try:
            queue.put(letters)
        except DiskFullError:
            self._keep_on_a_full_disk(letters, inspection, size)

    def _keep_on_a_full_disk(self, letters: tuple[NewLetter, ...], inspection: Inspection, size: int) -> None:
        """Give up older pictures, then this one, then the record."""
        queue, retention = self._open()
        self._ballast.throw()
        try:
            if retention.free_for(size):
                try:
                    queue.put(letters)
                except DiskFullError:
                    pass
                else:
                    return
            if size:
                self._uncounted[Counter.PICTURES_NOT_KEPT] += 1
                log.warning("picture_not_kept", inspection_id=inspection.global_id, reason="no room")
            queue.put(letters_of(inspection, (), ""))
        finally:
            self._ballast.load()

    def _pictures(
        self, inspection: Inspection, frame: Frame | None, raw: RawScore | None
    ) -> tuple[NewPicture, ...]:
        verdict = inspection.judgement.verdict
        purpose = self._policy.purpose(verdict, self._ok_parts)
        self._ok_parts += verdict is Verdict.OK
        if purpose is None:
            return ()
        if frame is None:
            if inspection.captured_at is not None:  # there was one, and it was given up on the way here
                self._uncounted[Counter.PICTURES_NOT_KEPT] += 1
            return ()
        pictures = [encode(frame.pixels, purpose)]
        if verdict in (Verdict.NG, Verdict.UNDECIDED) and raw is not None and self._policy.heat_maps:
            pictures += self._heat_map(frame, raw, inspection.judgement.threshold, pictures[0])
        return tuple(pictures)

    def _heat_map(self, frame: Frame, raw: RawScore, threshold: float, like: NewPicture) -> list[NewPicture]:
        if self._draw_heat_map is None or not threshold > 0 or not np.isfinite(raw.anomaly_map).all():
            return []
        return [
            encode(self._draw_heat_map(frame.pixels, raw.anomaly_map, threshold), like.purpose, "heat_map")
        ]

    def _open(self) -> tuple[Queue, Retention]:
        """Open the queue when first needed: a bad disk never keeps the station from starting."""
        if self._queue is None or self._retention is None:
            queue = Queue(self._folder, examine=True, disk=self._disk)
            if orphans := queue.sweep():
                log.info("outbox_swept", orphans=orphans)
            self._ballast.load()
            self._queue, self._retention = queue, Retention(queue, self._quota, self._free)
        return self._queue, self._retention

    def _count(self) -> None:
        """Write down what went missing while nothing could be written."""
        if not self._uncounted:
            return
        queue, _ = self._open()
        try:
            for counter, number in self._uncounted.items():
                queue.ledger.add(counter, number)
        except (DiskFullError, DiskFailedError):
            return
        self._uncounted.clear()
