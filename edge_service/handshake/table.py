"""A transition table: the code steps through it, and the documentation is drawn from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from edge_service.errors import InternalError

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)


@dataclass(frozen=True, slots=True)
class Table(Generic[S, E]):
    """``rows[state, event]`` is the next state; a pair that is not there cannot happen."""

    title: str
    start: S
    rows: Mapping[tuple[S, E], S]

    def step(self, state: S, event: E) -> S:
        """Return the next state; raises InternalError for a pair that the table does not have."""
        try:
            return self.rows[state, event]
        except KeyError:
            raise InternalError(f"{self.title}: {event.name} in state {state.name}") from None

    def mermaid(self) -> str:
        """Return the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.start.name}"]
        for (state, event), target in self.rows.items():
            lines.append(f"    {state.name} --> {target.name}: {event.value}")
        return "\n".join(lines)
