"""The outbox as the gateway sees it: the same methods, on a thread of their own, whatever the core does.

The core may make the database, or move a damaged one aside and begin another, at any time; the mailbox
opens what is there now.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from edge_service.lifecycle import OwnedThread
from edge_service.outbox import Counts, Queue

ALLOWANCE_S = 30.0

Answer = TypeVar("Answer")


class Mailbox:
    """Runs work on the queue in ``folder``. Raises DiskFullError, DiskFailedError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._thread = OwnedThread("uplink-outbox")
        self._queue: Queue | None = None

    async def do(self, work: Callable[[Queue], Answer]) -> Answer:
        """Return what ``work`` makes of the queue."""
        return await self._thread.call(lambda: work(self._open()), allowance_s=ALLOWANCE_S)

    async def counts(self) -> Counts:
        """Return what lies there and what ever went missing."""
        return await self.do(lambda queue: queue.ledger.counts())

    def close(self) -> None:
        """Finish the work in hand and close the database."""
        self._thread.close()
        if self._queue is not None:
            self._queue.close()
            self._queue = None

    def _open(self) -> Queue:
        if self._queue is not None and self._queue.moved():
            self._queue.close()
            self._queue = None
        if self._queue is None:
            self._queue = Queue(self._folder)
        return self._queue
