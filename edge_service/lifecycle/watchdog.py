"""The inspection loop's own watchdog: a beat is given only while everything that judges parts turns.

It asks each part (camera thread, engine thread, inspection loop) whether it is alive. All alive: the
station's heartbeat steps on and systemd gets its sign of life. One that is not: both stop, the PLC
sees the heartbeat stand still, and systemd restarts the process. It is never a timer that only
proves that timers work.
"""

import asyncio
from collections.abc import Callable, Mapping

import structlog

log = structlog.get_logger()


class Watchdog:
    """Asks ``checks`` every ``period_s`` and calls each of ``beats`` when all of them say True."""

    def __init__(
        self,
        checks: Mapping[str, Callable[[], bool]],
        beats: tuple[Callable[[], None], ...],
        period_s: float = 0.25,
    ) -> None:
        self._checks, self._beats, self._period_s = checks, beats, period_s
        self._silent: tuple[str, ...] = ()

    def turn(self) -> bool:
        """Ask once; beat and return True when everything is alive."""
        silent = tuple(name for name, alive in self._checks.items() if not alive())
        if silent != self._silent:
            if silent:
                log.error("watchdog_silent", waiting_for=silent)
            else:
                log.info("watchdog_recovered", was_waiting_for=self._silent)
            self._silent = silent
        if silent:
            return False
        for beat in self._beats:
            beat()
        return True

    async def run(self) -> None:
        """Turn until cancelled."""
        while True:
            self.turn()
            await asyncio.sleep(self._period_s)
