"""The NG latch and the alarm for too many parts in a row that are not OK."""

from edge_service.domain.inspection import Verdict


class Alarms:
    """Latched until the PLC (or a person) resets them."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.ng_latch = False
        self.in_a_row = 0
        self.consecutive_ng = False
        self.stop_request = False

    def judge(self, verdict: Verdict) -> None:
        """Take one verdict; every one but OK and SAMPLE counts as not OK, a sample changes nothing."""
        if verdict is Verdict.SAMPLE:
            return
        if verdict is Verdict.OK:
            self.in_a_row = 0
            return
        self.ng_latch = True
        self.in_a_row += 1
        if self._limit and self.in_a_row >= self._limit:
            self.consecutive_ng = self.stop_request = True

    def acknowledge(self) -> None:
        """Clear alarm and stop request, and count anew."""
        self.consecutive_ng = self.stop_request = False
        self.in_a_row = 0
