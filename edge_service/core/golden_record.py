"""When the golden test was passed last, whether it stands failed, and when it falls due: pure, and on disk.

The record survives a restart: a station that failed its golden test is not cured by switching it off and on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import BaseModel, ValidationError

from edge_service.durable import Disk, LocalDisk

FILE = "golden.json"
TOGETHER_S = 900.0  # the good and the bad part are shown within so long


class Record(BaseModel):
    """What is kept. Times are Unix seconds. ``failed``: what went wrong; empty when nothing did."""

    passed_at: float = 0.0
    failed: str = ""
    failed_at: float = 0.0
    good_at: float = 0.0
    bad_at: float = 0.0
    overridden_by: str = ""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When the test falls due. ``started_at``: 0 where the start of the station is no reason."""

    at: Sequence[str] = ()
    every_s: float = 0.0
    started_at: float = 0.0
    grace_s: float = 900.0

    def due_since(self, passed_at: float, now: float) -> float | None:
        """Return when the test fell due that was not passed since; None while there is none."""
        times = [self._last(text, now) for text in self.at]
        if self.every_s and passed_at:
            times.append(passed_at + self.every_s)
        elif self.every_s:
            times.append(now)
        if self.started_at:
            times.append(self.started_at)
        open_ones = [time for time in times if passed_at < time <= now]
        return min(open_ones, default=None)

    def _last(self, text: str, now: float) -> float:
        hour, minute = map(int, text.split(":"))
        local = datetime.fromtimestamp(now)  # noqa: DTZ006 - shifts begin by the clock on the wall
        then = local.replace(hour=hour, minute=minute, second=0, microsecond=0)
        return (then if then <= local else then - timedelta(days=1)).timestamp()


@dataclass
class GoldenRecord:
    """The record of one station in ``folder``. Writing raises DiskFullError, ConfigurationError."""

    folder: Path
    schedule: Schedule = field(default_factory=Schedule)
    disk: Disk = field(default_factory=LocalDisk)

    def __post_init__(self) -> None:
        try:
            self.record = Record.model_validate_json((self.folder / FILE).read_bytes())
        except FileNotFoundError:
            self.record = Record()
        except (OSError, ValidationError):  # a record that cannot be read is no proof of anything
            self.record = Record(failed="its record could not be read")

    def due(self, now: float) -> bool:
        """Whether a test is due."""
        return self.schedule.due_since(self.record.passed_at, now) is not None

    def blocks(self, now: float) -> str:
        """Return why no part may come: it failed, or is overdue; empty when parts may come."""
        if self.record.failed:
            return self.record.failed
        since = self.schedule.due_since(self.record.passed_at, now)
        overdue = since is not None and now >= since + self.schedule.grace_s
        return "it was not taken in time" if overdue else ""

    def passed(self, now: float, *, overridden_by: str = "") -> None:
        """Note a passed test, or an engineer's word for it."""
        self._keep(Record(passed_at=now, overridden_by=overridden_by))

    def failed(self, now: float, reason: str) -> None:
        """Note a failed one; it stands until one is passed."""
        self._keep(Record(passed_at=self.record.passed_at, failed=reason, failed_at=now))

    def shown(self, now: float, *, good: bool) -> bool:
        """Note that one of the two parts was judged right; return whether that completes the test."""
        change = {"good_at": now} if good else {"bad_at": now}
        both = self.record.model_copy(update=change)
        if min(both.good_at, both.bad_at) > now - TOGETHER_S:
            self.passed(now)
            return True
        self._keep(both)
        return False

    def _keep(self, record: Record) -> None:
        self.record = record
        self.disk.write(self.folder / FILE, record.model_dump_json().encode())
