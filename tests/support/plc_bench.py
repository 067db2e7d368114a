"""A PLC's hands on the pure machine: an image of the command block, a clock, and the station's answers."""

from dataclasses import replace
from typing import Any

from edge_service.domain.inspection import Judgement, ModelIdentity, Verdict
from edge_service.domain.signal import SignalValue
from edge_service.handshake.actions import Abandon, Acquire, Action, Execute, Published
from edge_service.handshake.inputs import PlcInputs
from edge_service.handshake.machine import Machine
from edge_service.handshake.record import Result
from edge_service.handshake.settings import HandshakeSettings

MODEL = ModelIdentity("pcb", "1.0.0", "0123456789abcdef" * 4)
OK = Judgement(Verdict.OK, 0, 0.25, 1.0)
NG = Judgement(Verdict.NG, 0, 3.0, 1.0)


class Bench:
    """One machine, ready to judge with recipe 1, and what it asked for so far."""

    def __init__(
        self, settings: HandshakeSettings | None = None, *, healthy: bool = True, **options: Any
    ) -> None:
        self.machine = Machine(settings or HandshakeSettings(), boot_id=1, **options)
        self.image = PlcInputs()
        self.now = 100.0
        self.actions: list[Action] = []
        if healthy:
            self.observe(starting=False, recipe=1, model=MODEL)

    def observe(self, **changes: Any) -> None:
        """Change the station's condition."""
        self._keep(self.machine.observe(replace(self.machine.health, **changes), self.now))

    def write(self, writer: str = "plc", **changes: Any) -> tuple[Action, ...]:
        """Write the command block with these changes."""
        image = replace(self.image, **changes)
        done = self.machine.update(image, self.now, writer)
        self.image = image
        return self._keep(done)

    def start(self, *, sequence: bool = True, buffered: bool = True, **changes: Any) -> "Bench":
        """Start as a PLC program does: zeros, then TriggerEnable with its mode and profile."""
        self.write()
        self.write(trigger_enable=True, sequence_mode=sequence, buffer_results_enable=buffered, **changes)
        return self

    def wait(self, seconds: float) -> tuple[Action, ...]:
        """Let time pass, ticking whenever the machine asks for it."""
        end = self.now + seconds
        done: tuple[Action, ...] = ()
        while (deadline := self.machine.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            done += self._keep(self.machine.tick(self.now))
            assert self.machine.deadline is None or self.machine.deadline > self.now, (
                "a tick settles what is due"
            )
        self.now = end
        return done

    def expose(self, acquisition_id: int | None = None) -> None:
        """End the exposure of that part (the last accepted one by default)."""
        number = self.machine.triggers.acquisition_id if acquisition_id is None else acquisition_id
        self._keep(self.machine.exposed(number, self.now))

    def judge(self, judgement: Judgement = OK, acquisition_id: int | None = None, recipe: int = 1) -> None:
        """Bring the result of that part."""
        number = self.machine.triggers.acquisition_id if acquisition_id is None else acquisition_id
        self._keep(self.machine.finished(Result(number, judgement, recipe, MODEL), self.now))

    def inspect(self, sequence: int, judgement: Judgement = OK) -> None:
        """Trigger, expose and judge one part in sequence mode."""
        self.write(trigger_seq=sequence)
        self.expose()
        self.judge(judgement)

    def done(self, code: int = 1) -> None:
        """Answer the last command that was to be executed."""
        self._keep(self.machine.command_done(self.of(Execute)[-1].ticket, code, self.now))

    def of(self, kind: type[Any]) -> list[Any]:
        """Return the actions of one kind, oldest first."""
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def acquired(self) -> list[int]:
        """Acquisition ids that the station was asked for."""
        return [action.trigger.acquisition_id for action in self.of(Acquire)]

    @property
    def abandoned(self) -> list[int]:
        """Acquisition ids that the station was told to leave."""
        return [action.acquisition_id for action in self.of(Abandon)]

    @property
    def answers(self) -> list[tuple[int, Verdict, int]]:
        """Acquisition id, verdict and code of every answered part."""
        return [(a.record.acquisition_id, a.record.verdict, a.record.code) for a in self.of(Published)]

    def __getitem__(self, name: str) -> SignalValue:
        """Return a signal's value by its short name (``TriggerReady``) where only one group has it."""
        if "." in name:
            return self.machine.outputs[name]
        (value,) = (v for k, v in self.machine.outputs.items() if k.split(".")[1] == name)
        return value

    def _keep(self, actions: tuple[Action, ...]) -> tuple[Action, ...]:
        self.actions += actions
        return actions
