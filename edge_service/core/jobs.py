"""Names of jobs: ``STATION-BOOT-NUMBER``, one for each accepted trigger, never used twice.

A job has its name from accept on, before its result has a number. The acquisition id that the PLC reads
comes round again after 65535; the job's number does not. While the station takes parts continuously they
all belong to the job that began it::

    jobs.note(acquisition_id=7)
    jobs.name(7)   # "line-1-12-7"
"""

from collections import deque

_U16 = 65535
_REMEMBERED = 64  # more than can be in flight


class Jobs:
    """Counts what was accepted since the start."""

    def __init__(self, station: str, boot_id: int) -> None:
        self._prefix = f"{station}-{boot_id}"
        self._accepted = 0
        self._acquisition_id = 0
        self._first: int | None = None  # of the parts that are taken continuously
        self._names: deque[tuple[int, str]] = deque(maxlen=_REMEMBERED)

    def note(self, acquisition_id: int, *, continuous: bool = False) -> str | None:
        """Take the acquisition id last accepted; return the new job's name, None when there is none."""
        self._first = self._first if continuous else None
        steps = (acquisition_id - self._acquisition_id) % _U16
        if not steps or not acquisition_id:
            return None
        begins = not continuous or self._first is None
        for step in range(1, steps + 1):
            self._accepted += 1
            if continuous and self._first is None:
                self._first = self._accepted
            number = self._first if continuous else self._accepted
            self._names.append(((self._acquisition_id + step - 1) % _U16 + 1, f"{self._prefix}-{number}"))
        self._acquisition_id = acquisition_id
        return self._names[-1][1] if begins else None

    def name(self, acquisition_id: int) -> str:
        """Return the name of the job with that acquisition id, "" when it is too long ago."""
        return next((name for known, name in reversed(self._names) if known == acquisition_id), "")
