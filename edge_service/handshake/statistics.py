"""Counters since the last reset."""

from collections import Counter

from edge_service.domain.inspection import Verdict


class Statistics:
    """What was judged, missed and dropped, and how long it took. Samples count in ``total`` only."""

    def __init__(self, since: float) -> None:
        self.reset(since)

    def reset(self, since: float) -> None:
        """Set every counter to 0; ``since`` is Unix time."""
        self.since = since
        self.verdicts: Counter[Verdict] = Counter()
        self.total = 0
        self.missed = 0
        self.overrun = 0
        self.min_ms = 0.0
        self.max_ms = 0.0
        self._sum_ms = 0.0

    def count(self, verdict: Verdict, publish_ms: float) -> None:
        """Count one result and its time from trigger to record."""
        self.min_ms = publish_ms if self.total == 0 else min(self.min_ms, publish_ms)
        self.max_ms = max(self.max_ms, publish_ms)
        self._sum_ms += publish_ms
        self.total += 1
        if verdict is not Verdict.SAMPLE:
            self.verdicts[verdict] += 1

    @property
    def mean_ms(self) -> float:
        """Mean time from trigger to record, 0 without any."""
        return self._sum_ms / self.total if self.total else 0.0

    @property
    def yield_x100(self) -> int:
        """OK of all judged, in hundredths of a percent, rounded down so that 10000 means every one."""
        judged = sum(self.verdicts.values())
        return self.verdicts[Verdict.OK] * 10000 // judged if judged else 0
