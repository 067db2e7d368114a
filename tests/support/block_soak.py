"""``FB_OKNG`` against the pure handshake machine in time of its own: a bad line, restarts of either side.

Words travel in order, late or never; the station and the PLC's program start anew in the middle of parts;
triggers come when they may and when they may not. Each part has a serial of its own that says how it is
judged, so a verdict that went to another part, an OK that was never given and a trigger that fired twice or
by itself are seen at once.
"""

import contextlib
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from edge_service.domain.inspection import Judgement, ModelIdentity, Trigger, TriggerSource, Verdict
from edge_service.domain.signal import Block
from edge_service.domain.words import decode, encode
from edge_service.errors import RefusedError
from edge_service.handshake.actions import Acquire, Action, Published
from edge_service.handshake.inputs import PlcInputs
from edge_service.handshake.machine import Machine
from edge_service.handshake.record import Result
from edge_service.handshake.settings import HandshakeSettings
from edge_service.plc_code.structured_text import structured_text
from tests.support.iec61131 import Program, parse

MODEL = ModelIdentity("pcb", "1.0.0", "0123456789abcdef" * 4)
SCAN_S = 0.02
BEAT_S = 0.25
DONE_S = 8.0  # every trigger has its answer by then: ResultTime and more
_DELICATE = {10, 20, 40, 55, 60}  # short steps, where trouble should strike, too
_MORE_OFTEN = 10.0
READY_S = 20.0  # once nothing goes wrong any more, Ready comes back by then


@dataclass(slots=True)
class Pipe:
    """Words on their way, in order."""

    waiting: deque[tuple[float, list[int]]] = field(default_factory=deque)
    last_due: float = 0.0

    def put(self, words: list[int], due: float) -> None:
        """Send words that arrive at ``due``, never before those sent earlier."""
        self.last_due = max(self.last_due, due)
        self.waiting.append((self.last_due, words))

    def arrived(self, now: float) -> list[list[int]]:
        """Return what has arrived."""
        found = []
        while self.waiting and self.waiting[0][0] <= now:
            found.append(self.waiting.popleft()[1])
        return found


class BlockSoak:
    """One run; ``scan`` is one cycle of the PLC. Raises AssertionError when something is wrong."""

    def __init__(self, seed: int, *, trouble: float = 1.0) -> None:
        self.dice = random.Random(seed)
        self.trouble = trouble
        self.now = 1.0
        self.counts: Counter[str] = Counter()
        self.codes: Counter[int] = Counter()
        self._program = Program(parse(structured_text()), lambda: self.now)
        self._boot = 0
        self._silent_until = 0.0
        self._triggered: set[bytes] = set()
        self._acquired: Counter[bytes] = Counter()
        self._judged_ok: set[bytes] = set()
        self._part_of: dict[int, bytes] = {}  # by INSPECTION_ID
        self._open: tuple[bytes, float] | None = None
        self._number = 0
        self._start_station()
        self._start_plc()

    # The two sides

    def _start_plc(self) -> None:
        self.block = self._program.new("FB_OKNG")
        self.block.values["ENABLE"] = True
        self._must_fall = True  # a Trigger that is TRUE from the start, or never fell, does not count
        self._open = None
        self._words = [0] * Block.STATION.words

    def _start_station(self) -> None:
        self._boot += 1
        self._reads, self._writes = Pipe(), Pipe()
        first = 1 + 1000 * (self._boot - 1)
        self.machine = Machine(HandshakeSettings(), boot_id=self._boot, first_inspection_id=first)
        self._due: list[tuple[float, Callable[[], tuple[Action, ...]]]] = []
        self._beat_at = self.now
        self._later(0.5 * self.dice.random(), self._healthy)

    def _healthy(self) -> tuple[Action, ...]:
        return self.machine.observe(
            replace(self.machine.health, starting=False, recipe=1, model=MODEL), self.now
        )

    def _later(self, delay_s: float, call: Callable[[], tuple[Action, ...]]) -> None:
        self._due.append((self.now + delay_s, call))

    def _do(self, actions: tuple[Action, ...]) -> None:
        for action in actions:
            match action:
                case Acquire(trigger):
                    self._acquire(trigger)
                case Published():
                    self.counts["published"] += 1
                    serial = action.trigger.serial.rstrip(b"\0")
                    self._part_of[action.record.inspection_id] = serial
                    if action.record.verdict is Verdict.OK:
                        self._judged_ok.add(serial)

    def _acquire(self, trigger: Trigger) -> None:
        serial = trigger.serial.rstrip(b"\0")
        self._acquired[serial] += 1
        assert self._acquired[serial] == 1, f"{serial!r} fired twice"
        by_plc = trigger.source is TriggerSource.SEQUENCE
        assert (serial in self._triggered) == by_plc, f"{serial!r} fired by itself"
        machine, number = self.machine, trigger.acquisition_id
        exposed_s = 0.02 + 0.1 * self.dice.random()
        slow = self.dice.random() < 0.05 * self.trouble
        judged_s = exposed_s + (3.0 if slow else 0.4) * self.dice.random()
        verdict = Verdict.OK if serial.startswith(b"good") else Verdict.NG
        result = Result(number, Judgement(verdict, 0, 0.5 if verdict is Verdict.OK else 3.0, 1.0), 1, MODEL)
        self._later(exposed_s, lambda: machine.exposed(number, self.now))
        self._later(judged_s, lambda: machine.finished(result, self.now))

    # One cycle

    def scan(self) -> None:
        """Let time pass, words travel, both sides work, and look at what the block says."""
        self.now += SCAN_S
        self._station()
        self._faults()
        self._carry()
        self._trigger()
        values = self.block.values
        values["FROMSTATION"] = list(self._words)
        self.block()
        self._must_fall = bool(values["TRIGGER"])
        values["TRIGGER"] = False
        if not self._lost():
            self._writes.put(list(values["TOSTATION"]), self.now + self._delay())
        self._look()

    def _station(self) -> None:
        for entry in sorted((e for e in self._due if e[0] <= self.now), key=lambda e: e[0]):
            self._due.remove(entry)
            self._do(entry[1]())
        deadline = self.machine.deadline
        if deadline is not None and deadline <= self.now:
            self._do(self.machine.tick(self.now))
        if self.dice.random() < 0.005 * self.trouble:
            self._trigger_beside()
        while self._beat_at <= self.now:
            self._beat_at += BEAT_S
            self.machine.beat()

    def _trigger_beside(self) -> None:
        """Let another source trigger a good part: its result is nobody's here."""
        self.counts["other sources"] += 1
        serial = b"good, another's %d" % self.counts["other sources"]
        with contextlib.suppress(RefusedError):
            self._do(self.machine.trigger(TriggerSource.INTERVAL, self.now, serial=serial)[1])

    def _faults(self) -> None:
        draw = self.dice.random() / self.trouble if self.trouble else 1.0
        if self.block.values["STATE"] in _DELICATE:
            draw /= _MORE_OFTEN
        if draw < 0.0008:
            self.counts["station restarts"] += 1
            self._start_station()
            self._silent_until = self.now + 4.0 * self.dice.random()
        elif draw < 0.0020:
            self.counts["PLC restarts"] += 1
            self._start_plc()
        elif draw < 0.0030:
            self.counts["silences"] += 1
            self._silent_until = self.now + 4.0 * self.dice.random()
        elif draw < 0.0050:
            self.counts["connections lost"] += 1
            self._reads, self._writes = Pipe(), Pipe()

    def _lost(self) -> bool:
        return self.now < self._silent_until or self.dice.random() < 0.1 * self.trouble

    def _delay(self) -> float:
        late = self.dice.random() < 0.05 * self.trouble
        return (0.4 if late else 0.03) * self.dice.random()

    def _carry(self) -> None:
        for words in self._writes.arrived(self.now):
            inputs = PlcInputs.of(decode(Block.COMMAND, words))
            self._do(self.machine.update(inputs, self.now, "plc"))
        if not self._lost():
            self.machine.heard("plc", self.now)
            self._reads.put(list(encode(Block.STATION, self.machine.outputs)), self.now + self._delay())
        arrived = self._reads.arrived(self.now)
        if arrived:
            self._words = arrived[-1]

    def _trigger(self) -> None:
        values = self.block.values
        blind = self.dice.random() < 0.002 * self.trouble
        if (
            self._open is not None
            or self._must_fall
            or not (blind or (values["READY"] and self.dice.random() < 0.3))
        ):
            return
        self._number += 1
        serial = b"%s-%d" % (b"good" if self.dice.random() < 0.5 else b"bad", self._number)
        octets = serial.ljust(40, b"\0")
        values["PARTSERIAL"] = [int.from_bytes(octets[at : at + 2]) for at in range(0, 40, 2)]
        values["TRIGGER"] = True
        self._triggered.add(serial)
        self._open = (serial, self.now)
        self.counts["parts"] += 1

    def _look(self) -> None:
        values: dict[str, Any] = self.block.values
        if self._open is None:
            assert not values["NEWRESULT"], "news without a part"
            return
        serial, since = self._open
        assert self.now - since < DONE_S, f"{serial!r} without an answer, state {values['STATE']}"
        if not values["NEWRESULT"]:
            assert not values["OK"], "OK before its time"
            return
        self._open = None
        self.codes[values["CODE"]] += 1
        self.counts["passed"] += values["OK"]
        if values["VERDICT"]:
            owner = self._part_of[values["RESULT"]["INSPECTIONID"]]
            assert owner == serial, f"{serial!r} has the verdict of {owner!r}"
        assert not values["OK"] or serial in self._judged_ok, f"{serial!r} passed without an OK of its own"

    def calm(self) -> None:
        """Let nothing go wrong any more: Ready must come back, and the next parts must be judged."""
        self.trouble = 0.0
        until = self.now + READY_S
        while not self.block.values["READY"]:
            assert self.now < until, f"never Ready again, state {self.block.values['STATE']}"
            self.scan()
        for _ in range(2):
            before = self.codes.total()
            while self.codes.total() == before:
                self.scan()
            assert self.block.values["CODE"] == 0, f"not judged, code {self.block.values['CODE']}"
