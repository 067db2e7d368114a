"""The station as the gateway knows it: the last snapshot and what happened since."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from edge_service.link import Event, Snapshot


class Connection(Protocol):
    """What the view needs of the link."""

    @property
    def away(self) -> bool:
        """Whether the core is silent."""
        ...


@dataclass(slots=True)
class CoreView:
    """State, last inspection and last pictures. None of it counts while ``away``."""

    link: Connection | None = None
    uplink: Callable[[], Mapping[str, Any]] = lambda: {"standing": "off"}
    state: dict[str, Any] = field(default_factory=dict)
    frame: bytes = b""
    heat_map: bytes = b""
    picture_counter: int = 0

    @property
    def away(self) -> bool:
        """Whether the core is silent, so that nothing known of it is true any more."""
        return self.link is None or self.link.away or not self.state

    def hear(self, message: Snapshot | Event) -> None:
        """Take in what the core says; events this gateway does not know are passed over."""
        match message:
            case Snapshot(state):
                self.state = dict(state)
                self.frame = self.heat_map = b""
                self.picture_counter = 0
            case Event("signals", signals):
                self.state["signals"] = signals
            case Event("command" | "conditions" | "readiness", facts):
                self.state[message.name] = facts
            case Event("moments", facts):
                for moment in facts["moments"]:
                    self.state["state"] = moment.get("state", self.state.get("state"))
            case Event("inspection", inspection):
                self.state["last"] = inspection
            case Event("frame", data, payload):
                self.frame, self.picture_counter = payload, int(data["counter"])
            case Event("heat_map", _, payload):
                self.heat_map = payload

    def status(self) -> Mapping[str, Any]:
        """Return what ``/api/status`` answers while the core is there."""
        return {**self.state, "picture_counter": self.picture_counter, "uplink": self.uplink()}
