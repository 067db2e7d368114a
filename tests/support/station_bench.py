"""A station on a table: fake camera, engine and outfitter, and a PLC that writes by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_service.handshake.inputs import PlcInputs
from edge_service.handshake.machine import Machine
from edge_service.handshake.settings import HandshakeSettings
from edge_service.station import Done, Facts, Numbers, Reserve, Site, Station
from tests.support.fakes import FakeCamera, FakeEngine, FakeOutfitter

if TYPE_CHECKING:
    from edge_service.errors import ConfigurationError, DiskFullError

SETTINGS = HandshakeSettings(exposure_timeout_s=5.0, inspection_timeout_s=8.0)


class Bench:
    """A station on a table: its fakes, its PLC's command block, and what it handed over."""

    def __init__(self, tmp_path: Path, settings: HandshakeSettings = SETTINGS) -> None:
        self.camera, self.engine = FakeCamera(), FakeEngine()
        self.outfitter = FakeOutfitter(self.engine)
        self.reload_fault: ConfigurationError | None = None
        self.done: list[Done] = []
        self.step_fault: DiskFullError | None = None
        self.stop = asyncio.Event()
        self.started = asyncio.Event()
        self.inputs = PlcInputs(sequence_mode=True, buffer_results_enable=True)
        self._changed = asyncio.Event()
        claim = Numbers(tmp_path).claim()
        self.station = Station(
            Machine(settings, boot_id=claim.boot_id, first_inspection_id=claim.first),
            Facts("line-1", claim.boot_id, watchdog_s=60.0),
            make_camera=lambda: self.camera,
            outfitter=self.outfitter,
            site=Site(self._reload, lambda _: None),
            steps=(self._keep,),
            reserve=Reserve(Numbers(tmp_path), claim),
            changed=self._changed.set,
        )

    async def _keep(self, done: Done) -> None:
        if self.step_fault is not None:
            raise self.step_fault
        self.done.append(done)
        self._changed.set()

    async def _reload(self) -> None:
        if self.reload_fault is not None:
            raise self.reload_fault

    def write(self, **changes: Any) -> None:
        """Write the command block once, as a PLC does."""
        self.inputs = replace(self.inputs, **changes)
        self.station.update(self.inputs, "plc")

    def __getitem__(self, signal: str) -> Any:
        return self.station.outputs()[signal]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a state, looking whenever the station says that something changed."""
        async with asyncio.timeout(10):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def shows(self, signal: str, value: Any) -> None:
        """Wait until a signal has a value."""
        await self.until(lambda: self[signal] == value)

    async def enable(self) -> None:
        """Baseline, then TriggerEnable, then wait for Ready."""
        self.write()
        self.write(trigger_enable=True)
        await self.shows("Status.TriggerReady", True)

    async def part(self, sequence: int) -> dict[str, Any]:
        """Trigger a part, return the record, acknowledge it."""
        self.write(trigger_seq=sequence)
        await self.shows("Result.TriggerSeq", sequence)
        record = {name: value for name, value in self.station.outputs().items() if name.startswith("Result.")}
        self.write(result_ack_id=record["Result.InspectionId"])
        return record

    async def order(self, command: int, param1: int = 0) -> int:
        """Have the PLC order a command and return COMMAND_RESULT."""
        sequence = self["Status.CommandSeqAck"] + 1
        self.write(command=command, param1=param1, command_seq=sequence)
        await self.until(
            lambda: self["Status.CommandSeqAck"] == sequence and not self["Status.CommandExecuting"]
        )
        return int(self["Status.CommandResult"])


@asynccontextmanager
async def running(bench: Bench, recipe: int = 1) -> AsyncIterator[Bench]:
    """Run the station around a test and stop it as SIGTERM does."""
    task = asyncio.create_task(bench.station.run(bench.stop, recipe, bench.started.set), name="station")
    waiting = asyncio.create_task(bench.started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield bench
    finally:
        bench.stop.set()
        bench.write(trigger_enable=False)
        await task
