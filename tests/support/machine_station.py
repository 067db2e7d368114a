"""A station around the real handshake machine, without camera and model: for tests of the PLC's side."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from edge_service.domain.inspection import Judgement, ModelIdentity, Trigger, TriggerSource, Verdict
from edge_service.domain.signal import SignalValue
from edge_service.handshake.actions import Acquire, Action, Execute, Published
from edge_service.handshake.inputs import PlcInputs
from edge_service.handshake.machine import Machine
from edge_service.handshake.record import Result
from edge_service.handshake.settings import HandshakeSettings

MODEL = ModelIdentity("pcb", "1.0.0", "0123456789abcdef" * 4)


def good(_: Trigger) -> Judgement:
    """Call every part OK."""
    return Judgement(Verdict.OK, 0, 0.25, 1.0)


class MachineStation:
    """Implements ``Conversation``; judges each part by a function, a few milliseconds after its trigger."""

    def __init__(
        self,
        settings: HandshakeSettings | None = None,
        *,
        judge: Callable[[Trigger], Judgement] = good,
        command: Callable[[Execute], int] = lambda _: 1,
        exposure_s: float = 0.0,
        inference_s: float = 0.0,
        boot_id: int = 1,
        first_inspection_id: int = 1,
    ) -> None:
        self.machine = Machine(
            settings or HandshakeSettings(), boot_id=boot_id, first_inspection_id=first_inspection_id
        )
        self.published: list[Published] = []
        self._judge = judge
        self._command = command
        self._exposure_s = exposure_s
        self._inference_s = inference_s
        self._timers: set[asyncio.TimerHandle] = set()
        self._tick: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        healthy = replace(
            self.machine.health, starting=False, recipe=1, model=MODEL, configuration_checksum=7
        )
        self._do(self.machine.observe(healthy, self._loop.time()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for timer in self._timers | ({self._tick} if self._tick else set()):
            timer.cancel()

    def update(self, inputs: PlcInputs, writer: str, *, polled: bool = False, baseline: bool = False) -> None:
        """Conversation."""
        source = TriggerSource.CLIENT_MODE if polled else None
        now = self._loop.time()
        self._do(self.machine.update(inputs, now, writer, source=source, baseline=baseline))

    def link(self, name: str, *, there: bool) -> None:
        """Conversation."""
        self._do(self.machine.link(name, self._loop.time(), there=there))

    def heard(self, writer: str) -> None:
        """Conversation."""
        self.machine.heard(writer, self._loop.time())

    def owner(self) -> str | None:
        """Conversation."""
        return self.machine.ownership.owner

    def outputs(self) -> Mapping[str, SignalValue]:
        """Conversation."""
        return self.machine.outputs

    def _later(self, delay_s: float, call: Callable[[], tuple[Action, ...]]) -> None:
        def fire() -> None:
            self._timers.discard(timer)
            self._do(call())

        timer = self._loop.call_later(delay_s, fire)
        self._timers.add(timer)

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            match action:
                case Acquire(trigger):
                    self._later(self._exposure_s, lambda trigger=trigger: self._expose(trigger))
                case Execute():
                    self._later(0, lambda order=action: self._execute(order))
                case Published():
                    self.published.append(action)
        if self._tick is not None:
            self._tick.cancel()
        deadline = self.machine.deadline
        self._tick = None if deadline is None else self._loop.call_at(deadline, self._on_tick)

    def _on_tick(self) -> None:
        self._do(self.machine.tick(self._loop.time()))

    def _expose(self, trigger: Trigger) -> tuple[Action, ...]:
        self._later(self._inference_s, lambda: self._finish(trigger))
        return self.machine.exposed(trigger.acquisition_id, self._loop.time())

    def _finish(self, trigger: Trigger) -> tuple[Action, ...]:
        result = Result(
            trigger.acquisition_id, self._judge(trigger), trigger.recipe, MODEL, 1_700_000_000.25, 1.5, 7
        )
        return self.machine.finished(result, self._loop.time())

    def _execute(self, order: Execute) -> tuple[Action, ...]:
        code = self._command(order)
        actions: tuple[Action, ...] = ()
        if order.command == 1 and code == 1:
            health = replace(self.machine.health, recipe=order.parameters[0])
            actions = self.machine.observe(health, self._loop.time())
        return actions + self.machine.command_done(order.ticket, code, self._loop.time())
