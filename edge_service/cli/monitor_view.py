"""What ``okng-edge monitor`` has seen so far: the live map, and what the local link tells beside it."""

import itertools
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edge_service.domain.inspection import Verdict
from edge_service.domain.signal import Block, SignalValue
from edge_service.domain.signals import MAP_VERSION, TEST_TEXT, TEST_U32
from edge_service.domain.words import decode, encode
from edge_service.fieldbus.registers import Orders, TextOrder, Wire, WordOrder
from edge_service.link import Event, Snapshot

_STILL_S = 2.0  # a heartbeat that did not move for so long stands still
_RESULTS = 20  # results that stay in view
_TEST = slice(96, 100)  # map version, test text, test number
_CANONICAL = encode(
    Block.STATION,
    {"Station.MapVersion": MAP_VERSION, "Station.TestText": TEST_TEXT, "Station.TestU32": TEST_U32},
)


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One result in view."""

    inspection_id: int
    sequence: int
    verdict: str
    code: int
    score: float | None  # normalised: 0.5 is the threshold
    recipe: int
    source: str
    took_ms: float | None
    serial: str


@dataclass(slots=True)
class View:
    """The last image, the last results, and which way the words lie. ``take`` and ``hear`` fill it."""

    place: str
    station: Mapping[str, SignalValue] = field(default_factory=dict)
    command: Mapping[str, SignalValue] = field(default_factory=dict)
    orders: Orders | None = None  # None: not this map
    results: deque[ResultRow] = field(default_factory=lambda: deque(maxlen=_RESULTS))
    trouble: str = ""
    linked: bool = False
    masters: Mapping[str, Any] = field(default_factory=dict)  # owner and clients, over the link only
    identity: str = ""
    station_beats: bool = False  # the heartbeat moved lately
    plc_beats: bool = False
    _station_moved_at: float = float("-inf")
    _plc_moved_at: float = float("-inf")

    def take(self, words: Sequence[int], command: Sequence[int], now: float) -> None:
        """Take one image of both blocks, as it came over the wire at monotonic time ``now``."""
        before, before_command = self.station, self.command
        self.orders = orders_of(words)
        wire = Wire(self.orders or Orders())
        self.station = _decoded(wire, Block.STATION, words)
        self.command = _decoded(wire, Block.COMMAND, command)
        if _moved("Status.Heartbeat", before, self.station):
            self._station_moved_at = now
        if _moved("Command.PlcHeartbeat", before_command, self.command):
            self._plc_moved_at = now
        self.station_beats = now - self._station_moved_at < _STILL_S
        self.plc_beats = now - self._plc_moved_at < _STILL_S
        whole = self.station["Result.InspectionId"] == self.station["Result.InspectionIdEnd"]
        if self.station["Status.ResultsValid"] and whole and not self.linked:
            self._add(_shown(self.station))

    def hear(self, message: Snapshot | Event) -> None:
        """Take what the core says over the local link."""
        self.linked = True
        match message:
            case Snapshot(state):
                self.masters = state.get("masters", {})
                self.identity = (
                    f"{state.get('station', '')}  {state.get('camera', '')}  {state.get('device') or ''}"
                )
                if state.get("last"):
                    self._add(_inspected(state["last"]))
            case Event("masters", facts):
                self.masters = facts
            case Event("inspection", facts):
                self._add(_inspected(facts))

    def _add(self, row: ResultRow) -> None:
        if not self.results or self.results[0] != row:
            self.results.appendleft(row)


def orders_of(words: Sequence[int]) -> Orders | None:
    """Return the order of words and bytes that the test registers show; None when they are not this map's."""
    for word_order, text_order, swap_all in itertools.product(WordOrder, TextOrder, (False, True)):
        orders = Orders(word_order, text_order, swap_all)
        if tuple(Wire(orders).to_wire(Block.STATION, _CANONICAL))[_TEST] == tuple(words[_TEST]):
            return orders
    return None


def _decoded(wire: Wire, block: Block, words: Sequence[int]) -> Mapping[str, SignalValue]:
    canonical = dict(wire.from_wire(block, address, word) for address, word in enumerate(words))
    return decode(block, [canonical[address] for address in range(block.words)])


def _moved(name: str, before: Mapping[str, SignalValue], now: Mapping[str, SignalValue]) -> bool:
    return bool(before) and before[name] != now[name]


def _shown(station: Mapping[str, SignalValue]) -> ResultRow:
    number = {name: int(station[f"Result.{name}"]) for name in ("Verdict", "TriggerSource")}
    serial = station["Result.PartSerial"]
    assert isinstance(serial, bytes), "the table says so"
    return ResultRow(
        inspection_id=int(station["Result.InspectionId"]),
        sequence=int(station["Result.TriggerSeq"]),
        verdict=Verdict(number["Verdict"]).name
        if number["Verdict"] in set(Verdict)
        else str(number["Verdict"]),
        code=int(station["Result.Code"]),
        score=int(station["Result.ScoreX10000"]) / 10_000,
        recipe=int(station["Result.Recipe"]),
        source=str(number["TriggerSource"]),
        took_ms=float(station["Result.TriggerToPublishMs"]),
        serial=serial.rstrip(b"\0").decode("latin-1"),
    )


def _inspected(facts: Mapping[str, Any]) -> ResultRow:
    return ResultRow(
        inspection_id=facts["inspection_id"],
        sequence=facts["sequence"],
        verdict=facts["verdict"],
        code=facts["code"],
        score=facts["normalised_score"],
        recipe=facts["recipe"],
        source=facts["source"].lower(),
        took_ms=facts["trigger_to_publish_ms"],
        serial=facts["serial"],
    )
