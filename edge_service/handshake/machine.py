"""The conversation with the PLC: everything that changes its state stands here.

Theory of operation
-------------------
The machine is pure: it never waits, logs, sleeps or reads a clock. Whoever holds it calls one method for
each thing that happens, with the monotonic time in seconds, and carries out the actions it returns, in
order. ``outputs`` is what the PLC may read now, ``deadline`` when ``tick`` must be called at the latest.

* One write of the PLC is one ``update``: the whole block, evaluated once. Edges are found against the last
  image seen; the first write after the start is only the baseline, and so is, for triggers, every write
  with TriggerEnable 0 and the one that raises it. Order within a write: levels, resets, ack, command,
  trigger; so a write that takes a result makes room for the trigger it carries.
* A trigger is accepted (a ``Part`` in ``parts``, answered with TriggerAck or TRIGGER_SEQ_ACK) or refused
  (missed + 1, reason in REJECT_REASON); a refused one never fires later.
* Every accepted part gets exactly one answer: the station's result, a failure, or a time-out of ours. Once
  it has one, anything later for the same acquisition id is discarded. Answers leave in order of
  acquisition and then take their INSPECTION_ID; ``results`` hands them to the PLC by its profile.
* Nothing is OK that was not judged for this very part: a result with another recipe, a score that is not
  finite, or a verdict for a part that was to be a sample turns into an error.
* One command at a time: Ready drops, parts in flight end, then the station executes it.
* Time-outs that are due are dealt with before any event, so a late ``tick`` never changes the outcome.

The three tables (``PART_TABLE``, ``RESULT_TABLE``, ``COMMAND_TABLE``) are drawn in
``docs/reference/handshake.md``.
"""

import math
from collections.abc import Mapping
from dataclasses import replace

from edge_service.domain.codes import Code, Severity, refusal, severity
from edge_service.domain.inspection import Judgement, Trigger, TriggerSource, Verdict
from edge_service.domain.sequence import wrapped
from edge_service.domain.signal import SignalValue
from edge_service.handshake import readiness
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
from edge_service.handshake.alarms import Alarms
from edge_service.handshake.command import DONE, CommandCode, Commands, complaint
from edge_service.handshake.conditions import Conditions
from edge_service.handshake.edges import Edges, HeldBits
from edge_service.handshake.health import Health, OfflineReason
from edge_service.handshake.inputs import PlcInputs
from edge_service.handshake.outputs import snapshot
from edge_service.handshake.ownership import Ownership
from edge_service.handshake.parts import Part, PartEvent, Parts, PartState
from edge_service.handshake.plc_heartbeat import PlcHeartbeat
from edge_service.handshake.record import Result, make_record
from edge_service.handshake.results import Results
from edge_service.handshake.settings import HandshakeSettings, Profile
from edge_service.handshake.soundness import error, sound
from edge_service.handshake.statistics import Statistics
from edge_service.handshake.triggers import Triggers

_ASKED_BY_A_CALLER = frozenset({TriggerSource.OPC_UA, TriggerSource.HMI})
_SHOWN_AS_IT_IS = frozenset({Code.RECIPE_DIFFERS, Code.ABORTED, Code.UNDECIDED_BAND})


class Machine:
    """The pure state machine between PLC and station.

    ``boot_id``: u16, one more at each start. ``first_inspection_id``: the 64-bit number of the first result,
    1 or more, never used before. ``epoch``: Unix time minus monotonic time at the start.
    """

    def __init__(
        self, settings: HandshakeSettings, *, boot_id: int, first_inspection_id: int = 1, epoch: float = 0.0
    ) -> None:
        self.settings = settings
        self.boot_id = boot_id
        self.epoch = epoch
        self.health = Health()
        self.parts = Parts(
            exposure_timeout_s=settings.exposure_timeout_s, inspection_timeout_s=settings.inspection_timeout_s
        )
        self.results = Results(size=settings.queue_size, pulse_s=settings.pulse_s, gap_s=settings.pulse_gap_s)
        if settings.profile is not None:
            self.results.profile = settings.profile
        self.triggers = Triggers()
        self.commands = Commands(settings)
        self.ownership = Ownership(settings.owner_timeout_s)
        self.plc_heartbeat = PlcHeartbeat(settings.plc_heartbeat, settings.plc_heartbeat_s)
        self.statistics = Statistics(epoch)
        self.alarms = Alarms(settings.consecutive_ng_limit)
        self.conditions = Conditions()
        self.heartbeat = 0
        self.exposure_complete = False
        self._counter = first_inspection_id
        self._sequence_mode = False
        self._lost_links: set[str] = set()
        self._last: PlcInputs | None = None
        self._held = HeldBits(settings.held_bit_s)
        self._outputs: Mapping[str, SignalValue] | None = None
        self._owed: tuple[Action, ...] = ()  # for the next call, after one that raised

    # What the world sees

    @property
    def outputs(self) -> Mapping[str, SignalValue]:
        """Every station-to-PLC signal by name; the same object until something changes."""
        if self._outputs is None:
            self._outputs = snapshot(self)
        return self._outputs

    @property
    def inputs(self) -> PlcInputs:
        """The command block as last written."""
        return self._last or PlcInputs()

    @property
    def deadline(self) -> float | None:
        """When ``tick`` must be called, in monotonic seconds; None = nothing is due by itself."""
        waiting = self._waiting_bits
        times = (
            self.parts.deadline,
            self.results.deadline,
            self.commands.deadline,
            self.ownership.deadline,
            self.plc_heartbeat.deadline,
            None if self.conditions.present(Code.NOT_ACKED) else self._ack_deadline,
            None if self.conditions.present(Code.BIT_HELD) else self._held.deadline(waiting=waiting),
        )
        if self._owed:
            return -math.inf
        return min((time for time in times if time is not None), default=None)

    @property
    def ready(self) -> bool:
        """TriggerReady: a trigger of the PLC would be accepted now."""
        bit_low = self._sequence_mode or not self.inputs.trigger
        return bit_low and self.obstacle(from_plc=True) == 0

    @property
    def free(self) -> int:
        """How many more parts the PLC's queue can take."""
        return max(0, self.settings.queue_size - self.results.queued - len(self.parts))

    @property
    def offline_reason(self) -> OfflineReason:
        """Why the station is offline; while parts are in flight it still is online."""
        return OfflineReason.ONLINE if len(self.parts) else readiness.cause(self)

    @property
    def plc_lost(self) -> bool:
        """The PLC's heartbeat stands still, or the link that the station keeps to it is down.

        A link counts while its PLC owns the block, or nobody does.
        """
        concerned = self.ownership.owner is None or self.ownership.owner in self._lost_links
        return self.plc_heartbeat.lost or (bool(self._lost_links) and concerned)

    def obstacle(self, *, from_plc: bool) -> int:
        """Return the code a trigger would be refused with now, 0 if it would not."""
        return readiness.obstacle(self, from_plc=from_plc)

    def barred(self, source: TriggerSource) -> bool:
        """Return whether that source may not trigger, because a PLC owns the station."""
        owned = self.ownership.owner is not None
        return owned and source in _ASKED_BY_A_CALLER and source not in self.settings.sources

    # The PLC

    def update(
        self,
        inputs: PlcInputs,
        now: float,
        writer: str,
        *,
        source: TriggerSource | None = None,
        baseline: bool = False,
    ) -> tuple[Action, ...]:
        """Take the command block as it stands after one write.

        ``writer`` is an address or a port's name. ``source`` replaces bit or sequence as the trigger's
        source (client mode). ``baseline``: as the first write after the start, it only sets the values
        last seen. Raises NotOwnerError, nothing applied, when another writer owns the block.
        """
        self._outputs = None
        self.ownership.expire(now)
        try:
            self.ownership.check(writer, now)
        finally:
            self._warn(now)
        actions = self._settle(now)
        took_over = self.ownership.settle(writer, enabled=inputs.trigger_enable, now=now)
        edges = Edges(None if baseline else self._last, inputs, took_over=took_over)
        self._last = inputs
        self.plc_heartbeat.seen(inputs.plc_heartbeat, now)
        if edges.mode_counts:
            self._sequence_mode = inputs.sequence_mode
        self._held.seen(inputs, now, sequence_mode=self._sequence_mode)
        self._enable(edges)
        self._reset(edges, now)
        self._ack(edges, now)
        if edges.rose("buffer_clear"):
            self.statistics.overrun += self.results.clear()
        self._command(edges, now)
        actions += self._plc_trigger(edges, now, source)
        return actions + self._settle(now)

    def link(self, name: str, now: float, *, there: bool) -> tuple[Action, ...]:
        """Note that a link which the station itself keeps is there or lost."""
        self._outputs = None
        (self._lost_links.discard if there else self._lost_links.add)(name)
        self.conditions.set(Code.LINK_LOST, on=bool(self._lost_links))
        return self._settle(now)

    def heard(self, writer: str, now: float) -> None:
        """Note any request of a master: the owner's silence ends its ownership."""
        self.ownership.heard(writer, now)

    # Other sources of triggers and commands

    def trigger(
        self, source: TriggerSource, now: float, *, serial: bytes = b"", encoder: int = 0
    ) -> tuple[Trigger, tuple[Action, ...]]:
        """Take a trigger that is not the PLC's; the result is a Published action with this trigger.

        Raises RefusedError with the reason's code. Counted as missed, as any trigger that is refused.
        """
        self._outputs = None
        actions = self._settle(now)
        code = Code.SOURCE_NOT_ALLOWED if self.barred(source) else self.obstacle(from_plc=False)
        if code:
            self.triggers.reject_reason = code
            self.statistics.missed += 1
            self._owed = actions
            raise refusal(code)
        carried = self.triggers.take_user_data(serial, encoder)
        trigger, begun = self._accept(carried, source, 0, now)
        return trigger, actions + begun + self._settle(now)

    def command(
        self, command: int, parameters: tuple[int, int, int, int], now: float
    ) -> tuple[int, tuple[Action, ...]]:
        """Take a command that is not the PLC's; return its ticket, answered by CommandAnswered.

        Raises RefusedError (215) while another one runs.
        """
        self._outputs = None
        actions = self._settle(now)
        if self.commands.running:
            self._owed = actions
            raise refusal(Code.COMMAND_RUNS)
        order = self.commands.accept(command, parameters, sequence=None, now=now)
        return order.ticket, actions + self._settle(now)

    def take_result(self, inspection_id: int, now: float) -> tuple[Action, ...]:
        """Acknowledge the shown record for a client that is not the PLC.

        Raises RefusedError: 217 while a PLC owns the station, 122 when that record is not shown.
        """
        self._outputs = None
        shown = self.results.shown
        if self.ownership.owner is not None:
            raise refusal(Code.SOURCE_NOT_ALLOWED)
        if shown is None or shown.inspection_id != inspection_id or self.results.profile is Profile.PULSE:
            raise refusal(Code.COMMAND_STATE)
        self.results.take(now, held=self._ack_held)
        return self._settle(now)

    def reset_statistics(self, now: float) -> tuple[Action, ...]:
        """Do what StatisticsReset does."""
        self._outputs = None
        self.statistics.reset(self.epoch + now)
        return self._settle(now)

    # The station's answers

    def exposed(self, acquisition_id: int, now: float) -> tuple[Action, ...]:
        """The exposure of that part ended: it may move. Ignored for a part that has its answer."""
        self._outputs = None
        actions = self._settle(now)
        part = self.parts.open(acquisition_id)
        if part is not None and part.state is PartState.EXPOSING:
            self._end_exposure(part, now)
            part.step(PartEvent.EXPOSED)
        return actions

    def finished(self, result: Result, now: float) -> tuple[Action, ...]:
        """The station has a result. Discarded when the part was answered already."""
        self._outputs = None
        actions = self._settle(now)
        part = self.parts.open(result.acquisition_id)
        if part is not None:
            part.by_station = True
            told = replace(result, clock_unsynchronised=self.health.clock_unsynchronised)
            self._answer(part, PartEvent.FINISHED, sound(part.trigger, told), now)
        return actions + self._settle(now)

    def failed(self, acquisition_id: int, code: int, now: float) -> tuple[Action, ...]:
        """Exposure or inference failed: verdict 4 with that code."""
        verdict = Verdict.TIMEOUT if code == Code.INSPECTION_TIMEOUT else Verdict.ERROR
        return self.finished(Result(acquisition_id, Judgement(verdict, code), self.health.recipe), now)

    def command_done(self, ticket: int, code: int, now: float) -> tuple[Action, ...]:
        """A command has its answer: 1 done, else a code. Discarded when it ran out of time before."""
        self._outputs = None
        actions = self._settle(now)
        order = self.commands.executing
        if order is None or order.ticket != ticket:
            return actions
        if code == DONE and order.command == CommandCode.COLLECT:
            self.triggers.collecting = order.parameters[0]
        return (*actions, *self._end_command(code, now), *self._settle(now))

    # The station's condition

    def observe(self, health: Health, now: float) -> tuple[Action, ...]:
        """Take the station's condition as it is now (``dataclasses.replace(machine.health, ...)``)."""
        self._outputs = None
        self.health = health
        self.conditions.set(Code.CAMERA_LOST, on=health.camera_lost)
        self.conditions.set(Code.ON_CPU, on=health.cpu_fallback)
        self.conditions.set(Code.GOLDEN_DUE, on=health.golden_test_due)
        clock = health.clock_unsynchronised and self.settings.clock_warning
        self.conditions.set(Code.CLOCK_UNSYNCHRONISED, on=clock)
        self.conditions.set(Code.GOLDEN_FAILED, on=health.golden_test_failed)
        return self._settle(now)

    def raise_condition(self, code: int, now: float, *, lasting: bool = True) -> tuple[Action, ...]:
        """Raise an error or a warning; ``lasting`` False: its cause is gone already."""
        self._outputs = None
        self.conditions.raise_(code, lasting=lasting)
        return self._settle(now)

    def clear_condition(self, code: int, now: float) -> tuple[Action, ...]:
        """Say that a cause is gone: a warning goes with it, an error after ClearError."""
        self._outputs = None
        self.conditions.gone(code)
        return self._settle(now)

    def clear_errors(self, now: float) -> tuple[Action, ...]:
        """Do what ClearError does, for a person at a screen."""
        self._outputs = None
        self.conditions.clear_errors()
        return self._settle(now)

    def acknowledge_alarm(self, now: float) -> tuple[Action, ...]:
        """Do what AlarmAck does."""
        self._outputs = None
        self.alarms.acknowledge()
        return self._settle(now)

    def abort(self, now: float) -> tuple[Action, ...]:
        """Answer every part in flight with verdict 4, code 220 (Abort, Halt, Reset)."""
        self._outputs = None
        actions = self._settle(now)
        for part in self.parts.unanswered():
            actions += self._give_up(part, PartEvent.FINISHED, Verdict.ERROR, Code.ABORTED, now)
        return actions + self._settle(now)

    def beat(self) -> None:
        """One turn of the inspection loop's watchdog: the station's heartbeat."""
        self._outputs = None
        self.heartbeat = (self.heartbeat + 1) & 0xFFFF

    def tick(self, now: float) -> tuple[Action, ...]:
        """Deal with everything that is due."""
        self._outputs = None
        return self._settle(now)

    # Rules, one a method

    @property
    def _ack_held(self) -> bool:
        ignored = self._sequence_mode or self.results.profile is Profile.PULSE
        return self.inputs.results_ack and not ignored

    @property
    def _ack_deadline(self) -> float | None:
        since = self.results.shown_since
        return None if since is None else since + self.settings.ack_warn_s

    @property
    def _waiting_bits(self) -> frozenset[str]:
        return frozenset({"execute_command"} if self.commands.running else ())

    def _enable(self, edges: Edges) -> None:
        inputs = edges.inputs
        if edges.enabling and self.settings.profile is None:
            buffered = inputs.buffer_results_enable
            self.results.profile = Profile.BUFFERED if buffered else Profile.UNBUFFERED
        if not inputs.trigger_enable:
            self.triggers.disable()
        if self._sequence_mode or not inputs.trigger:
            self.triggers.release()

    def _reset(self, edges: Edges, now: float) -> None:
        if edges.rose("clear_error"):
            self.conditions.clear_errors()
        if edges.rose("clear_exposure_complete"):
            self.exposure_complete = False
        if edges.rose("statistics_reset"):
            self.statistics.reset(self.epoch + now)
        if edges.rose("ng_latch_reset"):
            self.alarms.ng_latch = False
        if edges.rose("alarm_ack"):
            self.alarms.acknowledge()
        if edges.rose("set_user_data"):
            self.triggers.latch_user_data(edges.inputs.part_serial, edges.inputs.encoder)
        if not edges.inputs.set_user_data:
            self.triggers.user_data_ack = False

    def _ack(self, edges: Edges, now: float) -> None:
        shown = self.results.shown
        if shown is None or self.results.profile is Profile.PULSE:
            return
        wanted = edges.inputs.result_ack_id
        if self._sequence_mode:
            taken = edges.renewed("result_ack_id") and wanted == shown.inspection_id
        else:
            taken = edges.rose("results_ack") and wanted in (0, shown.inspection_id)
        if taken:
            self.results.take(now, held=self._ack_held)

    def _command(self, edges: Edges, now: float) -> None:
        if not self._sequence_mode and edges.fell("execute_command"):
            self.commands.release()
        asked = edges.renewed("command_seq") if self._sequence_mode else edges.rose("execute_command")
        if not asked:
            return
        if self.commands.running:
            self.triggers.refuse_command()
            return
        inputs = edges.inputs
        parameters = (inputs.param1, inputs.param2, inputs.param3, inputs.param4)
        self.commands.accept(inputs.command, parameters, sequence=inputs.command_seq, now=now)

    def _plc_trigger(self, edges: Edges, now: float, source: TriggerSource | None) -> tuple[Action, ...]:
        asked = edges.renewed("trigger_seq") if self._sequence_mode else edges.rose("trigger")
        if not asked or not edges.trigger_counts:
            return ()
        inputs = edges.inputs
        code = self.obstacle(from_plc=True)
        if not code and self.settings.require_part_present and not inputs.part_present:
            code = Code.NO_PART
        self.triggers.answer_plc(inputs.trigger_seq, code=code, bit_mode=not self._sequence_mode)
        if code:
            self.statistics.missed += 1
            return (Refused(code, inputs.trigger_seq),)
        by_mode = TriggerSource.SEQUENCE if self._sequence_mode else TriggerSource.BIT
        return self._accept(inputs, source or by_mode, inputs.trigger_seq, now)[1]

    def _accept(
        self, inputs: PlcInputs, source: TriggerSource, sequence: int, now: float
    ) -> tuple[Trigger, tuple[Action, ...]]:
        trigger = self.triggers.accept(inputs, source, sequence, self.health.recipe, now)
        self.exposure_complete = False
        part = Part(trigger)
        self.parts.add(part)
        if trigger.expected_recipe not in (0, trigger.recipe):
            self._answer(part, PartEvent.FINISHED, error(trigger, Code.RECIPE_DIFFERS), now)
            return trigger, ()
        return trigger, (Acquire(trigger),)

    def _end_exposure(self, part: Part, now: float) -> None:
        part.exposure_ms = (now - part.trigger.accepted_at) * 1000
        self.exposure_complete = True

    def _answer(self, part: Part, event: PartEvent, result: Result, now: float) -> None:
        if part.state is PartState.EXPOSING:
            self._end_exposure(part, now)
        part.result = result
        part.step(event)

    def _give_up(
        self, part: Part, event: PartEvent, verdict: Verdict, code: int, now: float
    ) -> tuple[Action, ...]:
        self._answer(part, event, error(part.trigger, code, verdict), now)
        return (Abandon(part.trigger.acquisition_id),)

    def _settle(self, now: float) -> tuple[Action, ...]:
        """Deal with what is due, publish what is ready, start what may start."""
        actions, self._owed = self._owed, ()
        for part, event in self.parts.expired(now):
            late_exposure = event is PartEvent.EXPOSURE_TIMEOUT
            verdict = Verdict.ERROR if late_exposure else Verdict.TIMEOUT
            code = Code.NO_FRAME if late_exposure else Code.INSPECTION_TIMEOUT
            actions += self._give_up(part, event, verdict, code, now)
        while (part_out := self.parts.leave()) is not None:
            actions += (self._publish(part_out, now),)
        actions += self._run_command(now)
        self.ownership.expire(now)
        self.plc_heartbeat.expire(now)
        self.results.settle(now, held=self._ack_held)
        self._warn(now)
        return actions

    def _publish(self, part: Part, now: float) -> Published:
        assert part.result is not None, "a part leaves only with its answer"
        counter, self._counter = self._counter, self._counter + 1
        publish_ms = (now - part.trigger.accepted_at) * 1000
        record = make_record(
            wrapped(counter), part.trigger, part.result, exposure_ms=part.exposure_ms, publish_ms=publish_ms
        )
        self.statistics.count(record.verdict, publish_ms)
        self.alarms.judge(record.verdict)
        failed = record.verdict in (Verdict.ERROR, Verdict.TIMEOUT)
        if failed and record.code not in _SHOWN_AS_IT_IS and severity(record.code) is not Severity.WARNING:
            self._note_failure(record.code)
        for_plc, overrun = self.results.add(record, now, held=self._ack_held)
        self.statistics.overrun += overrun
        return Published(
            counter=counter,
            trigger=part.trigger,
            record=record,
            result=part.result if part.by_station else None,
            trigger_to_exposure_ms=part.exposure_ms,
            trigger_to_publish_ms=publish_ms,
            for_plc=for_plc,
        )

    def _note_failure(self, code: int) -> None:
        if not self.conditions.present(code):
            self.conditions.raise_(code, lasting=False)

    def _run_command(self, now: float) -> tuple[Action, ...]:
        if (deadline := self.commands.deadline) is not None and now >= deadline:
            executing = self.commands.executing
            cancel: tuple[Action, ...] = (CancelCommand(executing.ticket),) if executing else ()
            return cancel + self._end_command(Code.COMMAND_TIMEOUT, now)
        order = self.commands.draining
        if order is None:
            return ()
        if code := complaint(order.command, order.parameters):
            return self._end_command(code, now)
        if len(self.parts):
            return ()
        self.commands.start()
        return (Execute(order.ticket, order.command, order.parameters, order.from_plc),)

    def _end_command(self, code: int, now: float) -> tuple[Action, ...]:
        order = self.commands.order
        assert order is not None, "only a command in hand ends"
        self.commands.answer(code)
        self._held.answered("execute_command", now)
        return (CommandAnswered(order.ticket, code),)

    def _warn(self, now: float) -> None:
        unacked = self._ack_deadline is not None and now >= self._ack_deadline
        warnings = {
            Code.SECOND_WRITER: self.ownership.second_writer,
            Code.NOT_ACKED: unacked,
            Code.BIT_HELD: self._held.held(now, waiting=self._waiting_bits),
            Code.OVERRUN: self.results.overrun,
            Code.NG_IN_A_ROW: self.alarms.consecutive_ng,
        }
        for code, on in warnings.items():
            self.conditions.set(code, on=on)
