"""Parts for commissioning: a simulated PLC inspects them one after the other, and a tally says how it went.

A refused trigger, a time-out or a restart of the station costs that part, not the run; the run ends when the
same trouble has struck several parts in a row::

    tally = await play(plc, Plan(parts=20), print)
"""

import asyncio
import statistics
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from edge_service.domain.inspection import Verdict
from edge_service.domain.sequence import LAST
from edge_service.errors import PlcError, RefusedError
from edge_service.simulation.plc import PlcResult, SimulatedPlc

IN_A_ROW = 5  # so many parts without an answer end the run
_SERIAL_BYTES = 40


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be inspected. ``parts`` 0 goes on for ever, ``per_minute`` 0 as fast as it goes."""

    parts: int = 20
    per_minute: float = 0.0
    recipe: int = 0  # 0 = whichever is active
    serial: str = "SIM"


@dataclass(frozen=True, slots=True)
class Part:
    """One part and its answer; without a result, why there is none."""

    number: int
    serial: str
    result: PlcResult | None = None
    trouble: PlcError | None = None

    @property
    def mixed_up(self) -> bool:
        """The record echoes another serial than this part's: a result went to the wrong part."""
        wanted = self.serial.encode().ljust(_SERIAL_BYTES, b"\0")
        return self.result is not None and self.result.part_serial != wanted


@dataclass(slots=True)
class Tally:
    """What came of the parts."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    refused: int = 0
    unanswered: int = 0
    mixed_up: int = 0
    unseen: int = 0  # gaps in INSPECTION_ID
    round_trips_ms: list[float] = field(default_factory=list)
    publish_ms: list[int] = field(default_factory=list)
    _last_id: int = 0

    @property
    def parts(self) -> int:
        """How many parts there were."""
        return self.verdicts.total() + self.refused + self.unanswered

    @property
    def sound(self) -> bool:
        """Every part got an answer, and its own."""
        return not (self.refused or self.unanswered or self.mixed_up)

    def count(self, part: Part) -> None:
        """Take one part in."""
        result = part.result
        if result is None:
            self.refused += isinstance(part.trouble, RefusedError)
            self.unanswered += not isinstance(part.trouble, RefusedError)
            return
        self.verdicts[result.verdict] += 1
        self.mixed_up += part.mixed_up
        if self._last_id:
            self.unseen += (result.inspection_id - self._last_id - 1) % LAST
        self._last_id = result.inspection_id
        self.round_trips_ms.append(result.round_trip_ms)
        self.publish_ms.append(result.trigger_to_publish_ms)

    def round_trip(self, percent: int) -> float:
        """Return that percentile of the round trips, in milliseconds; nan without any."""
        return _percentile(self.round_trips_ms, percent)

    def publish(self, percent: int) -> float:
        """Return that percentile of the station's own trigger to record, in milliseconds; nan without any."""
        return _percentile([float(value) for value in self.publish_ms], percent)


async def play(plc: SimulatedPlc, plan: Plan, show: Callable[[Part], None], tally: Tally) -> None:
    """Inspect the plan's parts, show each, count it in ``tally``.

    Raises RefusedError when the recipe cannot be selected, PlcError when ``IN_A_ROW`` parts went without
    an answer.
    """
    if plan.recipe:
        await plc.select_recipe(plan.recipe)
    loop = asyncio.get_running_loop()
    due, number, in_a_row = loop.time(), 0, 0
    while not plan.parts or number < plan.parts:
        number += 1
        part = await _inspect(plc, plan, number)
        tally.count(part)
        show(part)
        in_a_row = in_a_row + 1 if part.trouble is not None else 0
        if part.trouble is not None and in_a_row >= IN_A_ROW:
            raise part.trouble
        if plan.per_minute:
            due = max(due + 60.0 / plan.per_minute, loop.time())
            await asyncio.sleep(due - loop.time())


async def _inspect(plc: SimulatedPlc, plan: Plan, number: int) -> Part:
    serial = f"{plan.serial}-{number:05d}"
    try:
        return Part(number, serial, await plc.inspect(serial.encode(), plan.recipe, encoder=number))
    except RefusedError as error:
        return Part(number, serial, trouble=error)
    except PlcError as error:
        try:
            await plc.restart()  # whatever is left of this part must not become the next one's
        except PlcError as worse:
            return Part(number, serial, trouble=worse)
        return Part(number, serial, trouble=error)


def _percentile(values: list[float], percent: int) -> float:
    if len(values) < 2:  # one value has no percentiles
        return values[0] if values else float("nan")
    return statistics.quantiles(values, n=100, method="inclusive")[min(max(percent, 1), 99) - 1]
