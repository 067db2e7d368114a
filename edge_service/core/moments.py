"""What happens in the inspection loop, moment by moment, for who follows the station's states.

The signals are told at most every 50 ms; a state that stands shorter would be lost. Here each change is
noted when it happens, at the cost of a few comparisons, and told once the PLC has its answer::

    {"at": 1790000000.1, "state": 7, "job": "line-1-12-7"}

``state`` is the new StateNumber, ``job`` the job that began, ``exposed`` the job whose exposure ended; a
moment has at least one of them.
"""

from collections.abc import Callable
from typing import Any

from edge_service.core.jobs import Jobs
from edge_service.handshake.machine import Machine
from edge_service.handshake.readiness import state_number


class Moments:
    """Watches one machine; ``note`` is called after each event."""

    def __init__(self, jobs: Jobs, clock: Callable[[], float]) -> None:
        self._jobs, self._clock = jobs, clock
        self._exposing: int | None = None
        self._waiting: list[dict[str, Any]] = []
        self.state = 0

    def note(self, machine: Machine) -> bool:
        """Keep what is new; return whether something waits to be told."""
        moment: dict[str, Any] = {}
        newest = machine.triggers.acquisition_id
        if job := self._jobs.note(newest, continuous=machine.health.continuous):
            moment["job"] = job
        if self._exposing is not None and not (machine.parts.exposing and self._exposing == newest):
            moment["exposed"] = self._jobs.name(self._exposing)
        self._exposing = newest if machine.parts.exposing else None
        if (state := state_number(machine)) != self.state:
            moment["state"] = self.state = state
        if moment:
            self._waiting.append(moment | {"at": self._clock()})
        return bool(self._waiting)

    def take(self) -> list[dict[str, Any]]:
        """Return what waited."""
        waiting, self._waiting = self._waiting, []
        return waiting
