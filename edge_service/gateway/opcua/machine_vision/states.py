"""The standard's state machine as a view of the core's state: which transitions lead to what is so now.

A state here is its number: 1 Preoperational, 2 Halted, 3 Error, and within Operational 5 Initialized,
6 Ready, 7 SingleExecution, 8 ContinuousExecution. The core tells where it is; ``steps`` says by which
transitions of the standard it got there, a method's own ones first when a method was the cause::

    [step.number for step in steps(6, 7)]           # [670]
    [step.number for step in steps(2, 6, "Reset")]  # [211, 150, 560]
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from edge_service.gateway.opcua.machine_vision.table import TABLE, Fact

PREOPERATIONAL, HALTED, ERROR, OPERATIONAL = 1, 2, 3, 4
INITIALIZED, READY, SINGLE, CONTINUOUS = 5, 6, 7, 8
_INSIDE = (INITIALIZED, READY, SINGLE, CONTINUOUS)


@dataclass(frozen=True, slots=True)
class Step:
    """One transition; ``source`` and ``target`` are numbers of states as the standard has them."""

    fact: Fact
    number: int
    source: int
    target: int
    causes: tuple[str, ...]
    effects: tuple[str, ...]

    @property
    def enters(self) -> int:
        """The state the system is in afterwards: Operational is entered by its first state."""
        return INITIALIZED if self.target == OPERATIONAL else self.target

    def leaves(self, state: int) -> bool:
        """Whether it can be taken in that state."""
        return self.source == state or (self.source == OPERATIONAL and state in _INSIDE)


def _number(node: int | None) -> int:
    state = TABLE[node].state if node is not None else None
    assert state is not None, "transitions lie between states"
    return state[1]


def _steps() -> Iterator[Step]:
    for fact in TABLE.values():
        if fact.source is not None and fact.state is not None:
            yield Step(
                fact,
                fact.state[1],
                _number(fact.source),
                _number(fact.target),
                tuple(TABLE[cause].name for cause in fact.causes),
                tuple(TABLE[effect].name for effect in fact.effects),
            )


STEPS = tuple(sorted(_steps(), key=lambda step: step.number))
_TAKEN = sorted(
    (step for step in STEPS if (step.source, step.target) != (PREOPERATIONAL, OPERATIONAL)),
    key=lambda step: step.source <= OPERATIONAL,
)
"""Within the mode first; without those that leave the mode open: there is one, entered by 150 or 151."""
STATES = {
    fact.state[1]: fact
    for fact in TABLE.values()
    if fact.kind == "O" and fact.state is not None and fact.source is None and fact.rule == "-"
}
"""The states of the standard's types, by number."""


def steps(state: int, target: int, cause: str | None = None) -> list[Step]:
    """Return the transitions from one state to another: the cause's own first, then automatic ones."""
    caused = next((step for step in _TAKEN if cause in step.causes and step.leaves(state)), None)
    if caused is not None:
        return [caused, *_automatic(caused.enters, target)]
    return _automatic(state, target)


def _automatic(state: int, target: int) -> list[Step]:
    ways: deque[tuple[int, list[Step]]] = deque([(state, [])])
    seen = {state}
    while ways:
        here, way = ways.popleft()
        if here == target:
            return way
        for step in _TAKEN:
            if not step.causes and step.leaves(here) and step.enters not in seen:
                seen.add(step.enters)
                ways.append((step.enters, [*way, step]))
    return []
