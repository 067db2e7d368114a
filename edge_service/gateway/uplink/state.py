"""How the box stands with its server, for the status page, the PLC's warning and the command line."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from edge_service.errors import OkngError
from edge_service.gateway.uplink.trouble import AwayError, NonsenseError, TokenError
from edge_service.outbox import Counts


class Standing(StrEnum):
    """In one word; the worst of what the loops met last."""

    OFF = "off"  # not enrolled, or uplink.enabled is false
    CONNECTING = "connecting"
    UP = "up"
    AWAY = "away"  # no answer, or "later"
    NONSENSE = "nonsense"  # something else answers at that address
    UNAUTHORISED = "unauthorised"  # the token is wrong or was revoked
    FAULT = "fault"  # this box cannot: its disk, its configuration


_WORST_FIRST = (Standing.UNAUTHORISED, Standing.NONSENSE, Standing.AWAY, Standing.FAULT)
_AWAY = frozenset({Standing.UNAUTHORISED, Standing.NONSENSE, Standing.AWAY})


@dataclass(slots=True)
class UplinkState:
    """What each loop met last. ``clock``: Unix seconds, for people only."""

    clock: Callable[[], float] = time.time
    url: str = ""
    standing: Standing = Standing.OFF
    since: float = 0.0
    what: str = ""
    remedy: str = ""
    counts: Counts | None = None
    sent: dict[str, int] = field(default_factory=dict)
    _met: dict[str, OkngError | None] = field(default_factory=dict)

    @property
    def away(self) -> bool:
        """Whether the PLC should see warning 651."""
        return self.standing in _AWAY

    def begin(self, url: str) -> None:
        """A server is known and is about to be talked to; empty: there is none."""
        self.url = url
        self._met.clear()
        self._set(Standing.CONNECTING if url else Standing.OFF, None)

    def met(self, loop: str, error: OkngError | None) -> None:
        """Note how a loop's last turn went."""
        self._met[loop] = error
        errors = {_standing(each): each for each in self._met.values() if each is not None}
        worst = next((standing for standing in _WORST_FIRST if standing in errors), Standing.UP)
        self._set(worst, errors.get(worst))

    def plain(self) -> dict[str, Any]:
        """Return it as ``/api/uplink`` answers; no secret is in it."""
        waiting = self.counts
        return {
            "standing": self.standing,
            "url": self.url,
            "since": self.since,
            "what": self.what,
            "remedy": self.remedy,
            "sent": dict(self.sent),
            "waiting": {
                "records": waiting.inspections_waiting,
                "samples": waiting.samples_waiting,
                "images": waiting.pictures_waiting,
                "set_aside": waiting.set_aside,
                "bytes": waiting.used_bytes,
                "oldest_at": waiting.oldest_waiting_at,
            }
            if waiting
            else None,
            "missing": {str(counter): number for counter, number in waiting.missing.items()}
            if waiting
            else None,
        }

    def _set(self, standing: Standing, error: OkngError | None) -> None:
        if standing is not self.standing:
            self.standing, self.since = standing, self.clock()
        self.what, self.remedy = (error.what, error.remedy) if error else ("", "")


def _standing(error: OkngError) -> Standing:
    match error:
        case TokenError():
            return Standing.UNAUTHORISED
        case NonsenseError():
            return Standing.NONSENSE
        case AwayError():
            return Standing.AWAY
    return Standing.FAULT
