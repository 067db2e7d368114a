"""Notices workers that died: their jobs go back to the queue, or fail when they lost too many.

A worker's sign of life is a counter in the database. The lookout remembers when it last saw that counter
change, by its own monotonic clock: no wall clock is compared with another, so clocks may jump.
"""

import time
from collections.abc import Callable

import structlog

from trainer.jobs.queue import Jobs

log = structlog.get_logger()


class Lookout:
    """Call ``turn`` every second or so."""

    def __init__(
        self,
        jobs: Jobs,
        lost_after_s: float,
        most_tries: int,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs, self._lost_after_s, self._most_tries = jobs, lost_after_s, most_tries
        self._monotonic = monotonic
        self._seen: dict[tuple[int, str], tuple[int, float]] = {}  # job and claim -> beats, since when

    def turn(self) -> None:
        """Look at every job that a worker holds. Raises DatabaseError."""
        now = self._monotonic()
        held = self._jobs.held()
        seen = {}
        for job, claim, beats in held:
            before, since = self._seen.get((job, claim), (beats, now))
            seen[job, claim] = (beats, since if beats == before else now)
        self._seen = seen
        for (job, claim), (beats, since) in seen.items():
            if now - since >= self._lost_after_s:
                state = self._jobs.take_back(job, claim, beats, self._most_tries)
                if state is not None:
                    log.warning("worker_lost", job=job, silent_s=round(now - since, 1), job_is=state.value)
