"""Everything between this box and its server, from the enrolment to the last picture.

``run`` watches the enrolment: as soon as ``okng-edge enrol`` has written one, three loops begin, each with
its own patience: ``send`` (results, samples, pictures), ``health`` and ``models``. A new enrolment ends them
and begins anew. The core hears only one thing of it all: whether to show warning 651.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from edge_service.config import EdgeConfig
from edge_service.contract.trust import TrustStore
from edge_service.enrolment import Enrolment, EnrolmentFile
from edge_service.errors import LinkError, OkngError
from edge_service.gateway.uplink.courier import Courier
from edge_service.gateway.uplink.health import report
from edge_service.gateway.uplink.ledger import Deliveries
from edge_service.gateway.uplink.loop import Loop
from edge_service.gateway.uplink.mailbox import Mailbox
from edge_service.gateway.uplink.sender import Sender
from edge_service.gateway.uplink.server import Server
from edge_service.gateway.uplink.state import UplinkState
from edge_service.gateway.uplink.stock import Stock
from edge_service.gateway.view import CoreView
from edge_service.link import LinkClient, Role
from edge_service.model_store.store import ModelStore
from edge_service.simulation.ready import ready_digests

log = structlog.get_logger()

IDLE_S = 0.5  # between two looks into an empty outbox
WATCH_S = 1.0  # between two looks at the enrolment
MEGABYTE = 1_000_000

Ask = Callable[[Server], Awaitable[bool]]


class Uplink:
    """Runs in the gateway beside everything else. ``state`` is what the status page shows of it."""

    def __init__(self, config: EdgeConfig, view: CoreView, link: LinkClient) -> None:
        self._config, self._view, self._link = config, view, link
        self._file = EnrolmentFile(config.enrolment_file)
        self.state = UplinkState()
        self._mailbox = Mailbox(config.outbox_dir)
        self._sender = Sender(self._mailbox)
        self._deliveries = Deliveries(config.store_dir)
        trusted = ready_digests() if config.camera.kind == "simulated" else ()
        store = ModelStore(config.store_dir, TrustStore(config.trust_dir, digests=trusted).load)
        self._stock = Stock(store, config.recipe_table(), self._deliveries)

    async def run(self) -> None:
        """Keep in touch until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._warn_the_plc(), name="uplink-warning")
                group.create_task(self._follow_the_enrolment(), name="uplink-enrolment")
        finally:
            self._mailbox.close()

    async def _follow_the_enrolment(self) -> None:
        while True:
            stamp = self._file.stamp()
            session = asyncio.create_task(self._session(), name="uplink-session")
            changed = asyncio.create_task(self._until_changed(stamp), name="uplink-watch")
            try:
                done, _ = await asyncio.wait({session, changed}, return_when=asyncio.FIRST_COMPLETED)
                if session in done:
                    await session  # it ends only by an error that nobody expected
            finally:
                for task in (session, changed):
                    task.cancel()
                await asyncio.gather(session, changed, return_exceptions=True)

    async def _until_changed(self, stamp: tuple[int, int] | None) -> None:
        while await asyncio.to_thread(self._file.stamp) == stamp:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(WATCH_S)

    async def _session(self) -> None:
        """Talk to the server of the present enrolment; without one, wait."""
        try:
            enrolment = await asyncio.to_thread(self._file.read)
            if enrolment is None or not self._config.uplink.enabled:
                self.state.begin("")
            else:
                self.state.begin(enrolment.url)
                log.info("uplink_begins", url=enrolment.url, station=enrolment.station)
                async with self._server(enrolment) as server:
                    await self._talk(server, enrolment)
        except OkngError as error:
            log.warning("uplink_impossible", error=error.what, remedy=error.remedy)
            self.state.met("enrolment", error)
        await asyncio.Event().wait()  # until the enrolment changes

    def _server(self, enrolment: Enrolment) -> Server:
        section = self._config.uplink
        ca_file = self._config.resolve(section.ca_file) if section.ca_file else None
        return Server(enrolment.url, enrolment.token, section.timeout_s, ca_file)

    async def _talk(self, server: Server, enrolment: Enrolment) -> None:
        section = self._config.uplink
        courier = Courier(
            self._link,
            self._boot_id,
            self._config.store_dir,
            self._deliveries,
            activate=section.models == "activate",
        )
        turns: dict[str, tuple[Ask, float]] = {
            "send": (self._send, IDLE_S),
            "health": (lambda server: self._report(server, enrolment.station), section.health_s),
        }
        if section.models != "off":
            turns["models"] = (courier.turn, section.models_s)
        loops = [
            Loop(name, _with(ask, server), self.state, pause_s=pause_s, most_s=section.retry_most_s)
            for name, (ask, pause_s) in turns.items()
        ]

        def recovered() -> None:
            for loop in loops:
                loop.try_again()

        async with asyncio.TaskGroup() as group:
            for loop in loops:
                loop.recovered = recovered
                group.create_task(loop.run(), name=f"uplink-{loop.name}")

    async def _send(self, server: Server) -> bool:
        try:
            return await self._sender.turn(server)
        finally:
            self.state.counts = await self._mailbox.counts()
            self.state.sent = {
                "records": self._sender.records_sent,
                "samples": self._sender.samples_sent,
                "images": self._sender.images_sent,
            }

    async def _report(self, server: Server, station: str) -> bool:
        counts = await self._mailbox.counts()
        models = await asyncio.to_thread(self._stock.models)
        quota = self._config.outbox.quota_mb * MEGABYTE
        await server.health(report(station, self._view, counts, models, disk=(self._config.data_dir, quota)))
        return False

    def _boot_id(self) -> int | None:
        return None if self._view.away else int(self._view.state["boot_id"])

    async def _warn_the_plc(self) -> None:
        """Keep the core's warning 651 as it should be, whichever of the two was started anew."""
        told: tuple[int | None, bool] = (None, False)
        while True:
            await asyncio.sleep(WATCH_S)
            now = (self._boot_id(), self.state.away)
            if now[0] is None or now == told:
                continue
            with contextlib.suppress(LinkError):
                await self._link.command("server_away", {"away": now[1]}, Role.ENGINEER)
                told = now


def _with(ask: Ask, server: Server) -> Callable[[], Awaitable[bool]]:
    return lambda: ask(server)
