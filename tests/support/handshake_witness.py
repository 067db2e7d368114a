"""A witness beside the handshake machine: whatever a PLC and a station do to it, what must always hold.

Each part's raw score is its acquisition id and each serial is used once, so a result paired with another
part is seen at once. ``hypothesis`` drives it in the tests, a seeded generator in
``benchmarks/handshake_soak.py``.
"""

from dataclasses import replace
from typing import Any

from edge_service.domain.inspection import Judgement, ModelIdentity, Trigger, TriggerSource, Verdict
from edge_service.errors import NotOwnerError, RefusedError
from edge_service.handshake.actions import (
    Abandon,
    Acquire,
    Action,
    CommandAnswered,
    Execute,
    Published,
)
from edge_service.handshake.inputs import PlcInputs
from edge_service.handshake.machine import Machine
from edge_service.handshake.record import Result
from edge_service.handshake.settings import HandshakeSettings

MODEL = ModelIdentity("pcb", "1.0.0", "0123456789abcdef" * 4)
_PAIRS = (Verdict.OK, Verdict.NG, Verdict.UNDECIDED)


class Witness:
    """Plays PLC and station by explicit steps, and checks every answer of the machine."""

    def __init__(self, settings: HandshakeSettings) -> None:
        self.machine = Machine(settings, boot_id=1)
        self.now = 0.0
        self.image = PlcInputs()
        self.accepted: dict[int, Trigger] = {}  # by acquisition id, unanswered
        self.acquired: set[int] = set()  # the station was asked for a frame and may still answer
        self.honest: dict[int, Verdict] = {}  # what the station said in time
        self.orders: dict[int, Execute] = {}
        self.published = 0
        self.last_published = 0
        self._serial = 0
        self.observe(starting=False, recipe=1, model=MODEL)

    # Steps of the PLC

    def write(self, writer: str = "plc", **changes: Any) -> None:
        """Write the block; a trigger in it carries a serial of its own."""
        self._serial += 1
        image = replace(self.image, part_serial=b"%d" % self._serial, **changes)
        missed = self.machine.statistics.missed
        before = self.machine.triggers.acquisition_id
        try:
            actions = self.machine.update(image, self.now, writer)
        except NotOwnerError:
            assert self.machine.triggers.acquisition_id == before, "a refused write triggers nothing"
            return
        self.image = image
        accepted = self.machine.triggers.acquisition_id - before
        assert accepted in (0, 1, -65534), "one write is at most one trigger"
        reset = changes.get("statistics_reset", False)
        assert not accepted or not self.machine.statistics.missed > missed or reset, (
            "taken or missed, not both"
        )
        if accepted:
            self._accept(image, actions)
        self._take(actions)

    def repeat(self, writer: str = "plc") -> None:
        """Write the same image again, as after a lost reply: nothing may come of it."""
        self.wait(0)
        before, owner, lost = dict(self.machine.outputs), self.machine.ownership.owner, self.machine.plc_lost
        try:
            actions = self.machine.update(self.image, self.now, writer)
        except NotOwnerError:
            return
        assert actions == (), "a repeated write does nothing"
        newcomer = self.machine.ownership.owner != owner
        if newcomer and lost != self.machine.plc_lost:
            return  # with another owner it is another's link that counts
        if self.machine.ownership.owner == writer or not self.image.trigger_enable:
            assert dict(self.machine.outputs) == before, "a repeated write changes nothing"

    def trigger(self) -> None:
        """Trigger properly in either mode: TriggerReady is a promise."""
        self.write(trigger=False)
        ready = self.machine.ready and (
            self.image.part_present or not self.machine.settings.require_part_present
        )
        owned = self.machine.ownership.owner == "plc"
        before = self.machine.triggers.acquisition_id
        self.write(trigger=True, trigger_seq=self.image.trigger_seq % 65535 + 1)
        if ready and owned:
            assert self.machine.triggers.acquisition_id != before, (
                "TriggerReady, and the trigger was not taken"
            )

    def take(self) -> None:
        """Acknowledge the shown record properly."""
        shown = self.machine.results.shown
        if shown is None:
            return
        self.write(result_ack_id=0, results_ack=False)
        self.write(result_ack_id=shown.inspection_id, results_ack=True)
        self.write(results_ack=False)

    # Steps of the station

    def observe(self, **changes: Any) -> None:
        """Change the station's condition."""
        self._take(self.machine.observe(replace(self.machine.health, **changes), self.now))

    def foreign(self, source: TriggerSource) -> None:
        """Trigger from elsewhere."""
        self._serial += 1
        serial = b"%d" % self._serial
        try:
            trigger, actions = self.machine.trigger(source, self.now, serial=serial)
        except RefusedError:
            return
        assert trigger.serial == serial
        self.accepted[trigger.acquisition_id] = trigger
        self._take(actions)

    def expose(self, acquisition_id: int) -> None:
        """End an exposure, perhaps of a part long gone."""
        self._take(self.machine.exposed(acquisition_id, self.now))

    def finish(self, acquisition_id: int, verdict: Verdict) -> None:
        """Bring a result, perhaps late or twice."""
        trigger = self.accepted.get(acquisition_id)
        if trigger is not None and trigger.collect:
            verdict = Verdict.SAMPLE
        result = Result(acquisition_id, Judgement(verdict, 0, float(acquisition_id), 1e6), 1, MODEL)
        late = trigger is not None and self.now >= trigger.accepted_at + 2.0
        if acquisition_id in self.acquired and not late:
            self.honest.setdefault(acquisition_id, verdict)
        self._take(self.machine.finished(result, self.now))

    def fail(self, acquisition_id: int) -> None:
        """Say that a part failed."""
        if acquisition_id in self.acquired:
            self.honest.setdefault(acquisition_id, Verdict.ERROR)
        self._take(self.machine.failed(acquisition_id, 401, self.now))

    def link(self, *, there: bool) -> None:
        """Lose, or find again, a link that the station keeps to the PLC."""
        self._take(self.machine.link("plc", self.now, there=there))

    def answer_command(self, code: int) -> None:
        """Answer the newest order, perhaps too late."""
        for ticket in list(self.orders):
            self._take(self.machine.command_done(ticket, code, self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass with ticks where the machine asked for them."""
        end = self.now + seconds
        while (deadline := self.machine.deadline) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self._take(self.machine.tick(self.now))
            assert self.machine.deadline is None or self.machine.deadline > self.now, (
                "a tick settles what is due"
            )
        self.now = end

    def recover(self) -> None:
        """Remove every cause: all parts get their answer, and the station becomes ready again."""
        self.observe(starting=False, maintenance=False, camera_lost=False, recipe=1, model=MODEL)
        self.link(there=True)
        self.answer_command(1)
        self.wait(130.0)  # longer than any command and any owner's silence
        assert not self.accepted, "every accepted trigger has an answer"
        zeros = dict.fromkeys(("trigger", "results_ack", "execute_command", "set_offline"), False)
        self.write(trigger_enable=False, clear_error=False, buffer_clear=False, **zeros)
        self.write(clear_error=True, buffer_clear=True, plc_heartbeat=self.image.plc_heartbeat ^ 1)
        self.write(clear_error=False, buffer_clear=False, sequence_mode=True, trigger_seq=0)
        self.wait(1.0)
        self.write(trigger_enable=True, buffer_results_enable=True)
        assert self.machine.ready, f"not ready: {self.machine.obstacle(from_plc=True)}"

    # What must hold

    def check(self) -> None:
        """Check everything that holds at all times."""
        machine, outputs = self.machine, self.machine.outputs
        shown = machine.results.shown
        assert len(machine.parts) <= machine.settings.in_flight_limit
        assert machine.results.queued <= machine.settings.queue_size
        assert outputs["Status.ResultsValid"] is (shown is not None)
        assert outputs["Status.Ok"] is (shown is not None and shown.verdict is Verdict.OK)
        assert outputs["Status.NotOk"] is (shown is not None and shown.verdict is not Verdict.OK)
        assert outputs["Result.InspectionId"] == outputs["Result.InspectionIdEnd"]
        assert shown is not None or (outputs["Result.Verdict"], outputs["Result.InspectionId"]) == (0, 0)
        assert outputs["Status.TriggerReady"] is False or outputs["Status.Online"] is True

    def _accept(self, image: PlcInputs, actions: tuple[Action, ...]) -> None:
        number = self.machine.triggers.acquisition_id
        for action in actions:
            if isinstance(action, Acquire) and action.trigger.acquisition_id == number:
                assert action.trigger.serial == image.part_serial
                self.accepted[number] = action.trigger
                return
        published = (action for action in actions if isinstance(action, Published))
        answer = next((a for a in published if a.trigger.acquisition_id == number), None)
        if answer is None:  # waits, unjudged, for the part before it
            self.accepted[number] = Trigger(
                number, TriggerSource.SEQUENCE, self.now, serial=image.part_serial
            )
        else:
            self.accepted[number] = answer.trigger

    def _take(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            match action:
                case Acquire(trigger):
                    self.acquired.add(trigger.acquisition_id)
                case Abandon(number):
                    self.acquired.discard(number)
                    self.honest.pop(number, None)
                case Published():
                    self._check_published(action)
                case Execute():
                    assert len(self.machine.parts) == 0, "commands wait until nothing is in flight"
                    self.orders[action.ticket] = action
                case CommandAnswered(ticket):
                    self.orders.pop(ticket, None)
        self.check()

    def _check_published(self, action: Published) -> None:
        record, number = action.record, action.record.acquisition_id
        trigger = self.accepted.pop(number, None)
        assert trigger is not None, "answered once, and only what was accepted"
        assert record.part_serial == action.trigger.serial == trigger.serial
        self.published += 1
        assert action.counter == self.published, "numbers without gap or repetition"
        assert number == self.last_published % 65535 + 1, "in order of acquisition"
        self.last_published = number
        said = self.honest.pop(number, None)
        if record.verdict in _PAIRS:
            assert record.verdict is said, "a verdict only from this part's own result"
            assert record.score == float(number), "never another part's score"
        self.acquired.discard(number)
