"""The composition root of the core, from the configuration file to the exit code."""

import asyncio
import gc
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import structlog

import edge_service
from edge_service.config import EdgeConfig, checksum, load
from edge_service.contract.trust import TrustStore
from edge_service.core.clock import BoxClock
from edge_service.core.delivery import Delivery
from edge_service.core.desk import Desk
from edge_service.core.interval import trigger_each
from edge_service.core.line_desk import LineDesk
from edge_service.core.outfitter import StoreOutfitter
from edge_service.core.pictures import PictureDesk
from edge_service.core.plc_doors import PlcDoors
from edge_service.core.posting import Posting, outbox, results_wanted
from edge_service.core.probation import Probation
from edge_service.core.quality import golden_test, quality_services
from edge_service.core.reload import Reload
from edge_service.core.residents import keep_models_ready
from edge_service.core.samples import SampleFolder
from edge_service.core.score_book import ScoreBook
from edge_service.core.services import services
from edge_service.core.settings import handshake_settings
from edge_service.core.window import Window
from edge_service.domain.inspection import Inspection
from edge_service.domain.signal import Block
from edge_service.errors import OkngError
from edge_service.fieldbus.memory import Memory
from edge_service.handshake.machine import Machine
from edge_service.inference.preprocess import keep_processors_for_the_model
from edge_service.lifecycle import (
    Notifier,
    end_with_parent,
    go_first,
    inheriting,
    only_error,
    stop_on_signals,
)
from edge_service.link import LinkServer
from edge_service.log import configure_for
from edge_service.model_store.store import ModelStore
from edge_service.simulation.ready import ready_digests
from edge_service.station import Claim, Facts, Numbers, Reserve, Site, Station

log = structlog.get_logger()

START_S = 300.0  # a cold compile of a large model on a small GPU


def run_core(path: Path) -> int:
    """Serve until SIGTERM and return 0. Raises OkngError where the station cannot start.

    Anything unexpected comes out as it is, so that the process ends non-zero and is started again.
    """
    end_with_parent()
    keep_processors_for_the_model()
    config = load(path)
    with configure_for(config.log.level, config.log.format):
        notifier = Notifier()
        try:
            notifier.extend(START_S)
            asyncio.run(Core(path, config, notifier).serve())
        except ExceptionGroup as group:
            expected, bugs = group.split(OkngError)
            if bugs is not None or expected is None:
                raise
            raise only_error(expected) from group
        finally:
            notifier.close()
    return 0


class Core:
    """Everything the core consists of, built from one configuration."""

    def __init__(self, path: Path, config: EdgeConfig, notifier: Notifier) -> None:
        self._config, self._notifier = config, notifier
        claim = Numbers(config.data_dir).claim()
        trusted = ready_digests() if config.camera.kind == "simulated" else ()
        trust = TrustStore(config.trust_dir, digests=trusted)
        self._store = ModelStore(config.store_dir, trust.load)
        self._outfitter = StoreOutfitter(config, self._store)
        self._golden = golden_test(config, self._outfitter)
        self._scores = ScoreBook(config.data_dir, lambda: self.station.equipment)
        self._probation = Probation(
            self._outfitter,
            lambda: self.station.equipment,
            lambda code: self.station.command(code, (0, 0, 0, 0)),
        )
        self._reload = Reload(path, config, self._outfitter)
        self._window = Window(lambda: self._reload.config, claim.boot_id)
        self._pictures = PictureDesk(self._window.show)
        self._samples = SampleFolder(config.data_dir / "samples", results_wanted(config))
        self._posting = Posting(outbox(config, self._reload.product), self._reload.product, self._warn)
        self.station = self._reload.station = self._station(config, claim)
        self._memory = Memory(self.station)
        self._golden.station = self.station
        self._window.look_at(self.station, self._pictures, self._memory)
        self._announced = False
        self._under_way = asyncio.Event()
        self._failure: asyncio.Future[None] | None = None

    def _station(self, config: EdgeConfig, claim: Claim) -> Station:
        clock = BoxClock()
        machine = Machine(
            handshake_settings(config),
            boot_id=claim.boot_id,
            first_inspection_id=claim.first,
            epoch=time.time() - time.monotonic(),
        )
        return Station(
            machine,
            Facts(config.station.id, claim.boot_id, config.handshake.timeouts.station_heartbeat_ms / 1000),
            make_camera=self._reload.camera,
            outfitter=self._outfitter,
            site=Site(self._reload, clock.set, clock.good, self._golden),
            steps=(
                self._posting,
                self._samples,
                self._window.inspected,
                self._pictures,
                self._scores,
                self._probation,
            ),
            reserve=Reserve(Numbers(config.data_dir), claim),
            changed=self._changed,
            answered=self._answered,
            beats=(self._notifier.alive,),
        )

    async def serve(self) -> None:
        """Serve until SIGTERM; then finish the part in hand."""
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._unexpected)
        loop.set_default_executor(ThreadPoolExecutor(initializer=inheriting(_nothing)))
        self._failure = loop.create_future()
        with stop_on_signals() as stop:
            async with AsyncExitStack() as stack:
                stack.push_async_callback(self._outfitter.close)
                stack.callback(self._samples.close)
                stack.callback(self._posting.close)
                stack.callback(self._scores.close)
                async with asyncio.TaskGroup() as group:
                    await self._serve(group, stop)
        log.info("stopped")

    async def _serve(self, group: asyncio.TaskGroup, stop: asyncio.Event) -> None:
        config = self._config
        self.station.note_configuration(checksum(config))
        station = group.create_task(
            self.station.run(stop, config.first_recipe, self._started), name="station"
        )
        assert self._failure is not None, "set by serve"
        others = [group.create_task(self._pictures.run(self.station.rest), name="pictures")]
        group.create_task(self._posting.recover(), name="outbox-recover")
        others.append(group.create_task(_raised_by(self._failure), name="failure"))
        others.append(group.create_task(self._keep_models_ready(), name="models"))
        others.append(group.create_task(self._golden.run(self.station.command), name="golden"))
        await self.station.running.wait()
        _answer_first()
        async with AsyncExitStack() as stack:
            stack.callback(lambda: [task.cancel() for task in others])
            doors = await PlcDoors.open(config, self._memory, stack, group)
            self._window.modbus = doors.address
            others += doors.tasks
            if config.trigger.interval_ms is not None:
                interval = trigger_each(self.station, config.trigger.interval_ms / 1000)
                others.append(group.create_task(interval, name="interval-trigger"))
            line = LineDesk(self.station, self._memory, self._window)
            delivery = Delivery(self.station, self._outfitter, config.store_dir)
            further = {
                **line.handlers,
                **self._window.past.handlers,
                **services(self.station, delivery, self._posting, config),
            }
            further |= quality_services(self.station, self._outfitter, self._golden, config.data_dir)
            desk = Desk(self.station, further, self._window.plain)
            link = LinkServer(config.link_socket, self._window.greet, desk.handle)
            await stack.enter_async_context(link)
            self._window.link = link
            self._changed()
            await asyncio.wait({station, *others}, return_when=asyncio.FIRST_COMPLETED)
            self._notifier.stopping()

    async def _keep_models_ready(self) -> None:
        """Begin once the first recipe is ready: until then nothing else may take the processor."""
        await self._under_way.wait()
        await keep_models_ready(self._outfitter, self._store)

    def _answered(self, inspection: Inspection) -> None:
        """Write the part down, and have the PLC's words at hand before it asks for them."""
        self._posting.note(inspection)
        asyncio.get_running_loop().call_soon(self._memory.words, Block.STATION)

    def _warn(self, code: int, there: bool) -> None:  # noqa: FBT001 - a callback with one meaning
        self.station.warn(code, there=there)

    def _started(self) -> None:
        gc.collect()
        gc.freeze()  # what is here now stays; later collections have less to walk through
        self._notifier.ready()
        self._under_way.set()
        log.info("started", version=edge_service.__version__, boot_id=self.station.facts.boot_id)

    def _changed(self) -> None:
        self._window.changed()
        if not self._announced and self._window.link and not self.station.machine.obstacle(from_plc=False):
            self._announced = True
            self._notifier.status("ready")
            print(f"ready modbus={self._window.modbus or '-'}", flush=True)

    def _unexpected(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """End the process for an exception that nobody awaits, unless it is some connection's end."""
        error = context.get("exception")
        if error is None or isinstance(error, OSError):
            log.warning("event_loop", message=context.get("message"), error=repr(error))
        elif self._failure is not None and not self._failure.done():
            self._failure.set_exception(error)


def _answer_first() -> None:
    """From now on somebody may wait for an answer: the event loop's thread goes before all others."""
    loop = asyncio.get_running_loop()

    def lost() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(partial(log.error, "real_time_lost", why="the event loop did not rest"))

    reason = go_first(lost)
    log.info("real_time", thread="event loop", taken=reason is None, **({"reason": reason} if reason else {}))


def _nothing() -> None:
    """Nothing but being run."""


async def _raised_by(failure: "asyncio.Future[None]") -> None:
    await failure
