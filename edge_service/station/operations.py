"""What somebody who is not the PLC may do to the station beside triggers and commands, at once.

Halt and Reset, Abort and Stop are those of OPC 40100-1 (clause 8.2); the machine stays the only one that
decides. Continuous execution takes a part whenever the station is ready for one, without a trigger for
each, until it is stopped or something stands in its way.
"""

from collections.abc import Callable
from typing import Protocol

from edge_service.domain.codes import Code, refusal
from edge_service.domain.inspection import Trigger, TriggerSource
from edge_service.handshake.actions import Action
from edge_service.handshake.machine import Machine
from edge_service.handshake.readiness import state_number

_PREOPERATIONAL = 1
_PASSES_BY = frozenset({Code.EXPOSING, Code.IN_FLIGHT_FULL, Code.COMMAND_RUNS})


class Observe(Protocol):
    """Changes the station's condition (``Health``)."""

    def __call__(self, **changes: object) -> None:
        """Take these fields of ``Health`` as they are now."""
        ...


class Operations:
    """Asks the machine and has its actions carried out (``do``). Every method may raise RefusedError."""

    def __init__(
        self,
        machine: Machine,
        do: Callable[[tuple[Action, ...]], None],
        observe: Observe,
        clock: Callable[[], float],
    ) -> None:
        self._machine, self._do, self._observe, self._clock = machine, do, observe, clock
        self._source = TriggerSource.OPC_UA
        self._serial = b""

    def begin(self, source: TriggerSource, *, serial: bytes = b"") -> Trigger:
        """Take one part and return at once; its result comes as an inspection like any other."""
        trigger, actions = self._machine.trigger(source, self._clock(), serial=serial)
        self._do(actions)
        return trigger

    def begin_continuous(self, source: TriggerSource, *, serial: bytes = b"") -> Trigger:
        """Take parts from now on, one after the other; refused (122) when that is so already."""
        if self._machine.health.continuous:
            raise refusal(Code.COMMAND_STATE)
        self._source, self._serial = source, serial
        trigger, actions = self._machine.trigger(source, self._clock(), serial=serial)
        self._observe(continuous=True)
        self._do(actions)
        return trigger

    def go_on(self) -> None:
        """Take the next part of a continuous execution, or end it; called after every event."""
        if not self._machine.health.continuous:
            return
        obstacle = self._machine.obstacle(from_plc=False)
        if obstacle in _PASSES_BY:
            return
        if obstacle or self._machine.barred(self._source):
            self._observe(continuous=False)
        else:
            self.begin(self._source, serial=self._serial)

    def stop(self) -> None:
        """Begin no further part; parts in flight are judged. Refused (122) when nothing runs."""
        self._working()
        self._observe(continuous=False)

    def abort(self) -> None:
        """Answer the parts in flight with verdict 4, code 220. Refused (122) when nothing runs."""
        self._working()
        self._give_up()

    def halt(self) -> None:
        """Take no more parts until Reset; refused (122) when that is so already."""
        if self._machine.health.halted:
            raise refusal(Code.COMMAND_STATE)
        self._observe(halted=True)
        self._give_up()

    def reset(self) -> None:
        """End Halt, clear errors whose cause is gone; refused (122) where the station is not operational."""
        if state_number(self._machine) == _PREOPERATIONAL:
            raise refusal(Code.COMMAND_STATE)
        self._give_up()
        self._do(self._machine.clear_errors(self._clock()))
        self._observe(halted=False)

    def take_result(self, inspection_id: int) -> None:
        """Acknowledge the record that is shown: 217 while a PLC owns the station, 122 for another one."""
        self._do(self._machine.take_result(inspection_id, self._clock()))

    def reset_statistics(self) -> None:
        """Do what StatisticsReset does."""
        self._do(self._machine.reset_statistics(self._clock()))

    def acknowledge_alarm(self) -> None:
        """Do what AlarmAck does."""
        self._do(self._machine.acknowledge_alarm(self._clock()))

    def _working(self) -> None:
        if not len(self._machine.parts) and not self._machine.health.continuous:
            raise refusal(Code.COMMAND_STATE)

    def _give_up(self) -> None:
        if self._machine.health.continuous:
            self._observe(continuous=False)
        self._do(self._machine.abort(self._clock()))
