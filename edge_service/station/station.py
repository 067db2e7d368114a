"""The station: the machine's hands and feet, and the PLC's partner in conversation.

Rules it keeps:

- The PLC's answer comes first. Whatever else an inspection sets off waits in ``aftermath``.
- It blocks nowhere: camera, engine and disk work on threads that they own.
- The heartbeat comes from ``Watchdog``, which asks every thread and this loop whether they turn.
- An exception that nobody expected ends ``run``, and with it the process.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from edge_service.domain.codes import Code
from edge_service.domain.inspection import Inspection, Judgement, TriggerSource, Verdict
from edge_service.domain.signal import SignalValue
from edge_service.errors import OkngError
from edge_service.handshake.actions import (
    Abandon,
    Acquire,
    Action,
    CancelCommand,
    CommandAnswered,
    Execute,
    Published,
    Refused,
)
from edge_service.handshake.inputs import PlcInputs
from edge_service.handshake.machine import Machine
from edge_service.handshake.record import Result
from edge_service.lifecycle import Watchdog
from edge_service.ports import Camera
from edge_service.station.aftermath import Aftermath, Done, Step
from edge_service.station.camera_keeper import CameraKeeper
from edge_service.station.equipment import Equipment, Outfitter
from edge_service.station.inspector import Answers, Inspector
from edge_service.station.operations import Operations
from edge_service.station.orders import Orders, Site
from edge_service.station.reserve import Reserve

log = structlog.get_logger()

LATE_S = 1.0  # a deadline of the machine may be dealt with so late before the loop counts as stuck
TAKE_S = 2.0  # at the end the PLC may take its last results for so long
GOODBYE_S = 0.5  # and may see that they are taken and that the station is going
FLUSH_S = 5.0  # and disk and link may take theirs


@dataclass(frozen=True, slots=True)
class Facts:
    """What never changes while the station runs."""

    station: str
    boot_id: int
    watchdog_s: float = 0.25


class Station:
    """Implements ``ports.Conversation``. ``changed`` is called whenever a signal may have changed.

    ``answered`` is told of each inspection at once; it must not wait for anything.
    """

    def __init__(
        self,
        machine: Machine,
        facts: Facts,
        *,
        make_camera: Callable[[], Camera],
        outfitter: Outfitter,
        site: Site,
        steps: Sequence[Step],
        reserve: Reserve,
        changed: Callable[[], None] = lambda: None,
        answered: Callable[[Inspection], None] = lambda _: None,
        beats: tuple[Callable[[], None], ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.machine, self.facts = machine, facts
        self.equipment: Equipment | None = None
        self._missing: int | None = None  # the code that says why there is no equipment
        self._changed, self._answered, self._clock = changed, answered, clock
        self.camera = CameraKeeper(make_camera, self._camera_changed)
        self._inspector = Inspector(
            self.camera,
            Answers(
                exposed=lambda number: self._do(machine.exposed(number, clock())),
                finished=self._finished,
                failed=lambda number, code: self._do(machine.failed(number, code, clock())),
            ),
            machine.settings.exposure_timeout_s,
        )
        self._orders = Orders(self, outfitter, site)
        self.operations = Operations(machine, self._do, self._observe, clock)
        self._outfitter = outfitter
        self._order: tuple[int, asyncio.Task[None]] | None = None
        self._clock_good = site.clock_good
        self._reserve = reserve
        self.aftermath = Aftermath(steps, self._trouble, self._fine, self.rest)
        self._watchdog = Watchdog(
            {"camera": self.camera.alive, "engine": self._engine_alive, "loop": self._loop_alive},
            (self._beat, *beats),
            facts.watchdog_s,
        )
        self._group: asyncio.TaskGroup | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._callers: dict[int, asyncio.Future[Inspection]] = {}
        self._tickets: dict[int, asyncio.Future[int]] = {}
        self.running = asyncio.Event()  # set while triggers and commands may come
        self._settled = asyncio.Event()  # set after every event, for whoever waits for a state

    # The PLC's side: ports.Conversation

    def update(self, inputs: PlcInputs, writer: str, *, polled: bool = False, baseline: bool = False) -> None:
        """Take the command block after one write. Raises NotOwnerError."""
        source = TriggerSource.CLIENT_MODE if polled else None
        now = self._clock()
        self._do(self.machine.update(inputs, now, writer, source=source, baseline=baseline))

    def link(self, name: str, *, there: bool) -> None:
        """Note that a link which the station itself keeps is there or lost."""
        self._do(self.machine.link(name, self._clock(), there=there))

    def heard(self, writer: str) -> None:
        """Note a sign of life of ``writer``."""
        self.machine.heard(writer, self._clock())

    def owner(self) -> str | None:
        """Who owns the command block."""
        return self.machine.ownership.owner

    def outputs(self) -> Mapping[str, SignalValue]:
        """Every signal that the PLC may read now."""
        return self.machine.outputs

    # Everybody else's side

    async def trigger(self, source: TriggerSource, *, serial: bytes = b"", encoder: int = 0) -> Inspection:
        """Inspect one part for a caller that is not the PLC. Raises RefusedError."""
        trigger, actions = self.machine.trigger(source, self._clock(), serial=serial, encoder=encoder)
        caller: asyncio.Future[Inspection] = asyncio.get_running_loop().create_future()
        self._callers[trigger.acquisition_id] = caller
        self._do(actions)
        return await caller

    async def command(self, command: int, parameters: tuple[int, int, int, int] = (0, 0, 0, 0)) -> int:
        """Carry out a command for a caller that is not the PLC; return 1 or a code. Raises RefusedError."""
        ticket, actions = self.machine.command(command, parameters, self._clock())
        caller: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._tickets[ticket] = caller
        self._do(actions)
        return await caller

    def clear_errors(self) -> None:
        """Do what the PLC's ClearError does."""
        self._do(self.machine.clear_errors(self._clock()))

    async def change_over(self, equipment: Equipment) -> None:
        """Set the camera up for a recipe, then judge by it. Raises RecipeError, CameraError."""
        await self.camera.set_up(equipment.recipe.camera)
        self.fit(equipment)

    def fit(self, equipment: Equipment) -> None:
        """Judge with ``equipment`` from the next part on; no part is in flight."""
        self.equipment = equipment
        if self._missing is not None:
            self._do(self.machine.clear_condition(self._missing, self._clock()))
            self._missing = None
        self._observe(
            recipe=equipment.recipe.number,
            model=equipment.model,
            cpu_fallback=bool(equipment.engine.fallback_reason),
        )
        self.warn(Code.MODEL_ROLLED_BACK, there=equipment.retreated)
        log.info(
            "recipe_active",
            recipe=equipment.recipe.number,
            model=equipment.model.name,
            version=equipment.model.version,
            device=equipment.engine.device,
            threshold=equipment.threshold,
        )

    def warn(self, code: int, *, there: bool) -> None:
        """Show a warning while its cause is ``there``."""
        if there != self.machine.conditions.present(code):
            change = self.machine.raise_condition if there else self.machine.clear_condition
            self._do(change(code, self._clock()))

    def note_golden_test(self, *, due: bool, failed: bool) -> None:
        """Show that the golden test is due, and take no part while it stands failed."""
        health = self.machine.health
        if (due, failed) != (health.golden_test_due, health.golden_test_failed):
            self._observe(golden_test_due=due, golden_test_failed=failed)

    def note_configuration(self, checksum: int) -> None:
        """State the checksum of the configuration that is in force from now on."""
        self._observe(configuration_checksum=checksum)

    async def rest(self, patience_s: float, calm_s: float = 0.0) -> None:
        """Return once no part has been in hand for ``calm_s``, at the latest after ``patience_s``."""
        until = self._clock() + patience_s
        while (left_s := until - self._clock()) > 0:
            await self._until(lambda: not len(self.machine.parts), left_s)
            if calm_s:
                await self._until(lambda: bool(len(self.machine.parts)), calm_s)
            if not len(self.machine.parts):
                return

    # Its life

    async def run(
        self,
        stop: asyncio.Event,
        first_recipe: int,
        started: Callable[[], None] = lambda: None,
    ) -> None:
        """Start, inspect until ``stop`` is set, finish the part in hand, hand everything over, return.

        ``started`` is called once recipe and camera are there or known to be missing. What fails comes out
        in an ExceptionGroup: OurError where the configuration does not do (an empty camera folder).
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            self.running.set()
            settled = asyncio.Event()
            tasks = [
                group.create_task(self.camera.run(settled), name="camera-keeper"),
                group.create_task(self.aftermath.run(), name="aftermath"),
                group.create_task(self._watchdog.run(), name="watchdog"),
                group.create_task(self._reserve.run(self._reserved), name="numbers"),
            ]
            start = group.create_task(self._start(first_recipe, settled, started), name="start")
            await stop.wait()
            start.cancel()  # a stop need not wait for a cold compile
            await self._finish()
            for task in tasks:
                task.cancel()
        if self._timer is not None:
            self._timer.cancel()

    async def _start(self, recipe: int, camera_settled: asyncio.Event, started: Callable[[], None]) -> None:
        await self._equip(recipe)
        await camera_settled.wait()
        self._observe(starting=False)
        started()

    async def _equip(self, recipe: int) -> None:
        """Fit the first recipe; without it, or its model, the station runs and says so (reason 5)."""
        try:
            equipment = await self._outfitter.equip(recipe)
            if self.equipment is None:  # else the PLC chose another recipe meanwhile
                await self.camera.set_up(equipment.recipe.camera)
            if self.equipment is None:
                self.fit(equipment)
            else:
                await self.camera.set_up(self.equipment.recipe.camera)
        except OkngError as error:
            log.warning("no_equipment", recipe=recipe, error=error.what, remedy=error.remedy)
            self._missing = error.code
            self._trouble(error)

    async def _finish(self) -> None:
        """Take no more parts, answer those in flight, let the PLC take its results, empty the aftermath."""
        log.info("stopping", in_flight=len(self.machine.parts))
        self._observe(maintenance=True)
        await self._until(
            lambda: not len(self.machine.parts), self.machine.settings.inspection_timeout_s + LATE_S
        )
        if self.machine.ownership.owner is not None:
            await self._until(lambda: not self.machine.results.queued, TAKE_S)
            await self._until(lambda: self.machine.ownership.owner is None, GOODBYE_S)
        try:
            async with asyncio.timeout(FLUSH_S):
                await self.aftermath.drain()
        except TimeoutError:
            log.warning("aftermath_cut_short", waited_s=FLUSH_S)

    async def _until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._settled.clear()
                    await self._settled.wait()
        except TimeoutError:
            return

    # What the machine orders

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            match action:
                case Acquire(trigger):
                    assert self._group is not None, "parts come only while the station runs"
                    checksum = self.machine.health.configuration_checksum
                    self._inspector.take(self._group, trigger, self.equipment, checksum)
                case Published():
                    self._publish(action)
                case Abandon(acquisition_id):
                    self._inspector.abandon(acquisition_id)
                case Refused(code, sequence):
                    asyncio.get_running_loop().call_soon(_log_refused, code, sequence)
                case Execute():
                    self._execute(action)
                case CancelCommand(ticket):
                    if self._order is not None and self._order[0] == ticket:
                        self._order[1].cancel()
                case CommandAnswered(ticket, code):
                    self._answer_caller(ticket, code)
        self._settled.set()
        self._schedule()
        self._changed()
        self.operations.go_on()

    def _execute(self, order: Execute) -> None:
        assert self._group is not None, "commands come only while the station runs"
        task = self._group.create_task(self._carry_out(order), name=f"command-{order.command}")
        self._order = (order.ticket, task)

    async def _carry_out(self, order: Execute) -> None:
        code = await self._orders.carry_out(order)
        self._do(self.machine.command_done(order.ticket, code, self._clock()))

    def _answer_caller(self, ticket: int, code: int) -> None:
        log.info("command", ticket=ticket, result=code)
        caller = self._tickets.pop(ticket, None)
        if caller is not None and not caller.done():
            caller.set_result(code)

    def _finished(self, result: Result) -> None:
        self._do(self.machine.finished(result, self._clock()))

    def _publish(self, published: Published) -> None:
        evidence = self._inspector.evidence(published.trigger.acquisition_id)
        inspection = self._inspection(published)
        self._reserve.used(published.counter)
        if self._reserve.used_up:
            self._observe(numbers_used_up=True)
        self.aftermath.put(Done(inspection, evidence.frame, evidence.raw))
        self._answered(inspection)
        caller = self._callers.pop(published.trigger.acquisition_id, None)
        if caller is not None and not caller.done():
            caller.set_result(inspection)

    def _inspection(self, published: Published) -> Inspection:
        result, record, trigger = published.result, published.record, published.trigger
        return Inspection(
            station=self.facts.station,
            boot_id=self.facts.boot_id,
            counter=published.counter,
            trigger=trigger,
            judgement=result.judgement if result else Judgement(Verdict(record.verdict), record.code),
            recipe=result.recipe if result else trigger.recipe,
            model=result.model if result else None,
            captured_at=result.captured_at if result else None,
            trigger_to_exposure_ms=published.trigger_to_exposure_ms,
            inference_ms=result.inference_ms if result else 0.0,
            trigger_to_publish_ms=published.trigger_to_publish_ms,
            configuration_checksum=self.machine.health.configuration_checksum,
            simulated=record.simulated,
            on_cpu=record.on_cpu,
        )

    # Time and condition

    def _schedule(self) -> None:
        """Have the machine ticked when it asks for it."""
        if self._timer is not None:
            self._timer.cancel()
        deadline = self.machine.deadline
        loop = asyncio.get_running_loop()
        self._timer = (
            None if deadline is None else loop.call_later(max(0.0, deadline - self._clock()), self._tick)
        )

    def _tick(self) -> None:
        self._do(self.machine.tick(self._clock()))

    def _observe(self, **changes: object) -> None:
        health = replace(self.machine.health, **changes)  # type: ignore[arg-type]  # names are Health's
        self._do(self.machine.observe(health, self._clock()))

    def _camera_changed(self, there: bool) -> None:  # noqa: FBT001 - a callback with one meaning
        self._observe(camera_lost=not there, simulation=self.camera.simulated)

    def _reserved(self, error: OkngError | None) -> None:
        """Take parts only while there are numbers for them; an error shows as long as the disk refuses."""
        if error is None:
            self._fine()
        else:
            self._trouble(error)
        self._observe(numbers_used_up=self._reserve.used_up)

    def _trouble(self, error: OkngError) -> None:
        self._do(self.machine.raise_condition(error.code, self._clock()))

    def _fine(self) -> None:
        if self.machine.conditions.present(Code.DISK_FULL):
            self._do(self.machine.clear_condition(Code.DISK_FULL, self._clock()))

    def _beat(self) -> None:
        self.machine.beat()
        fallback = self.equipment is not None and bool(self.equipment.engine.fallback_reason)
        if fallback != self.machine.health.cpu_fallback:  # a device gave out between two parts
            self._observe(cpu_fallback=fallback)
        unsynchronised = not self._clock_good()
        if unsynchronised != self.machine.health.clock_unsynchronised:
            self._observe(clock_unsynchronised=unsynchronised)
        self._changed()

    def _engine_alive(self) -> bool:
        return self.equipment is None or self.equipment.engine.alive()

    def _loop_alive(self) -> bool:
        deadline = self.machine.deadline
        return deadline is None or self._clock() < deadline + LATE_S


def _log_refused(code: int, sequence: int) -> None:
    log.warning("trigger_refused", code=code, sequence=sequence)
