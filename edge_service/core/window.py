"""What the core lets the gateway see: the state as a snapshot, and what happens as events."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import structlog

import edge_service
from edge_service.config import EdgeConfig
from edge_service.core.jobs import Jobs
from edge_service.core.moments import Moments
from edge_service.core.past import Past
from edge_service.core.pictures import PictureDesk
from edge_service.core.plain import plain_inspection, plain_signals
from edge_service.domain.inspection import Inspection
from edge_service.domain.signal import Block
from edge_service.domain.words import decode
from edge_service.fieldbus.memory import Memory
from edge_service.handshake.readiness import state_number
from edge_service.link import Event, LinkServer, Snapshot
from edge_service.station import Done, Station

log = structlog.get_logger()

QUIET_S = 0.05  # changes of the signals are told together, so often at most


class Window:
    """Tells the link's readers; costs nothing while there are none. ``config``: the one in force."""

    def __init__(self, config: Callable[[], EdgeConfig], boot_id: int) -> None:
        self._config, self._boot_id = config, boot_id
        self._jobs = Jobs(config().station.id, boot_id)
        self._moments = Moments(self._jobs, time.time)
        self.past = Past()
        self._telling = False
        self._station: Station | None = None
        self._memory: Memory | None = None
        self._further: dict[str, dict[str, Any]] = {}
        self._pictures: PictureDesk | None = None
        self._last: dict[str, Any] | None = None
        self._due: asyncio.TimerHandle | None = None
        self.link: LinkServer | None = None
        self.modbus: str | None = None

    def look_at(self, station: Station, pictures: PictureDesk, memory: Memory) -> None:
        """Show this station."""
        self._station, self._pictures, self._memory = station, pictures, memory

    def greet(self) -> tuple[Snapshot, *tuple[Event, ...]]:
        """Return everything that is true now, and the last pictures."""
        assert self._pictures is not None, "set by the composition root"
        self._further = self._slow()
        last = self._pictures.last
        return Snapshot(self._state()), *(last.events() if last else ())

    def changed(self) -> None:
        """Tell what happened after this turn of the loop, and the signals' new values soon."""
        if self._station is not None:
            self.past.shown(self._station.machine.results.shown)
            if self._moments.note(self._station.machine) and not self._telling:
                self._telling = True
                asyncio.get_running_loop().call_soon(self._tell_moments)
        if self._due is None and self.link is not None and self.link.has_readers:
            self._due = asyncio.get_running_loop().call_later(QUIET_S, self._tell)

    def show(self, event: Event) -> None:
        """Tell of something that happened."""
        if self.link is not None:
            self.link.publish(event)

    async def inspected(self, done: Done) -> None:
        """Log and tell of an inspection: one canonical line each. A step of the aftermath.

        The signals it was made under are told before it: who hears of a part knows its model and recipe.
        """
        inspection = self.plain(done.inspection)
        self._last = inspection
        self.past.inspected(inspection)
        log.info("inspection", **{key: value for key, value in inspection.items() if key != "id"})
        if self._due is not None:
            self._due.cancel()
            self._tell()
        self.show(Event("inspection", inspection))

    def job(self, acquisition_id: int) -> str:
        """Return the name of a job by its acquisition id."""
        return self._jobs.name(acquisition_id)

    def plain(self, inspection: Inspection) -> dict[str, Any]:
        """Return an inspection as plain values, with the name of its job."""
        return plain_inspection(inspection) | {"job": self.job(inspection.trigger.acquisition_id)}

    def _tell_moments(self) -> None:
        self._telling = False
        self.show(Event("moments", {"moments": self._moments.take()}))

    def _tell(self) -> None:
        self._due = None
        assert self._station is not None, "set by the composition root"
        self.show(Event("signals", plain_signals(self._station.outputs())))
        for name, facts in self._slow().items():
            if self._further.get(name) != facts:
                self._further[name] = facts
                self.show(Event(name, facts))

    def _slow(self) -> dict[str, dict[str, Any]]:
        """Return what changes now and then: the PLC's command block, masters, errors, what bars a trigger."""
        assert self._station is not None, "set by the composition root"
        assert self._memory is not None, "set by the composition root"
        conditions = self._station.machine.conditions
        return {
            "command": plain_signals(decode(Block.COMMAND, self._memory.words(Block.COMMAND))),
            "masters": {
                "owner": self._station.machine.ownership.owner,
                "clients": list(self._memory.heard_lately()),
            },
            "conditions": {"errors": list(conditions.errors), "warnings": list(conditions.warnings)},
            "readiness": {"obstacle": int(self._station.machine.obstacle(from_plc=True))},
        }

    def _state(self) -> dict[str, Any]:
        assert self._station is not None, "set by the composition root"
        equipment, config = self._station.equipment, self._config()
        return {
            "station": config.station.id,
            "boot_id": self._boot_id,
            "software": edge_service.__version__,
            "modbus": self.modbus,
            "camera": config.camera.kind,
            "device": equipment.engine.device if equipment else None,
            "recipes": {str(recipe.number): recipe.name for recipe in config.recipes},
            "signals": plain_signals(self._station.outputs()),
            "last": self._last,
            "state": state_number(self._station.machine),
            **self._further,
        }
