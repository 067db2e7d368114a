"""The OPC UA server on a thread and an event loop of its own, so that its clients slow down nobody else.

The gateway's loop hands over what the core tells and carries commands to the link; nothing else is shared.
The thread gives way to every other on the box: it has a lower priority, and when it wakes up it waits for
its turn instead of taking the processor from whoever has it.
Overflow rule: with ``WAITING`` messages in hand they are all dropped for one fresh snapshot.
"""

import asyncio
import concurrent.futures
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

import structlog

import edge_service
from edge_service.config import EdgeConfig
from edge_service.gateway.opcua.limits import Limits
from edge_service.gateway.opcua.server import OpcUaServer, OpcUaSettings
from edge_service.link import Answer, Event, Role, Snapshot

log = structlog.get_logger()

WAITING = 256
LOOK_S = 0.1  # how often it is seen whether the core is away
START_S = 60.0
STOP_S = 5.0
GIVES_WAY = 5  # nice levels below the gateway's other threads


class Link(Protocol):
    """What is needed of the link's client."""

    async def command(
        self, name: str, arguments: Mapping[str, Any], role: Role, timeout_s: float = 5.0
    ) -> Answer:
        """Have the core do something. Raises LinkError."""
        ...


class View(Protocol):
    """What is needed of the gateway's view of the core."""

    @property
    def away(self) -> bool:
        """Whether the core is silent."""
        ...

    @property
    def state(self) -> Mapping[str, Any]:
        """What the core told last."""
        ...


class OpcUaThread:
    """Serves from enter to exit. Raises on enter what the server raises."""

    def __init__(self, settings: OpcUaSettings, link: Link, view: View) -> None:
        self._settings, self._link, self._view = settings, link, view
        self._messages: deque[Snapshot | Event] = deque()
        self._lock = threading.Lock()
        self._gateway: asyncio.AbstractEventLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: asyncio.Event | None = None
        self._stop: asyncio.Event | None = None
        self._address: concurrent.futures.Future[str] = concurrent.futures.Future()
        self._ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, name="opcua", daemon=True)

    async def __aenter__(self) -> Self:
        logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)  # it tells what strangers send, at length
        self._gateway = asyncio.get_running_loop()
        self._thread.start()
        async with asyncio.timeout(START_S):
            await asyncio.wrap_future(self._address)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._call(self._set_stop)
        await asyncio.to_thread(self._thread.join, STOP_S)

    @property
    def address(self) -> str:
        """Where it listens: ``opc.tcp://HOST:PORT``."""
        return self._address.result(0)

    async def failed(self) -> None:
        """Wait until the server ends by itself, and raise why."""
        await asyncio.shield(asyncio.wrap_future(self._ended))

    def hear(self, message: Snapshot | Event) -> None:
        """Hand over what the core tells; never waits."""
        with self._lock:
            if len(self._messages) >= WAITING:
                self._messages.clear()
                message = Snapshot(dict(self._view.state))
            self._messages.append(message)
        self._call(self._set_wake)

    def _call(self, what: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(what)

    def _set_wake(self) -> None:
        if self._wake is not None:
            self._wake.set()

    def _set_stop(self) -> None:
        if self._stop is not None:
            self._stop.set()

    def _run(self) -> None:
        _give_way()
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - the thread's supervisor: the gateway gets it
            for future in (self._address, self._ended):
                if not future.done():
                    future.set_exception(error)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        self._wake, self._stop = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        async with OpcUaServer(self._settings, self._ask) as server:
            self._address.set_result(server.address)
            while not self._stop.is_set():
                for message in self._take():
                    await server.hear(message)
                await server.set_away(away=self._view.away)
                await self._until_something()

    async def _until_something(self) -> None:
        assert self._wake is not None, "made with the loop"
        assert self._stop is not None, "made with the loop"
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._wake, self._stop)]
        await asyncio.wait(waiting, timeout=LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()
        self._wake.clear()

    def _take(self) -> list[Snapshot | Event]:
        with self._lock:
            messages = list(self._messages)
            self._messages.clear()
        return messages

    async def _ask(self, name: str, arguments: Mapping[str, Any], role: Role, timeout_s: float) -> Answer:
        assert self._gateway is not None, "set on enter"
        command = self._link.command(name, arguments, role, timeout_s)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(command, self._gateway))


def _give_way() -> None:
    """Lower the calling thread; nobody needs a permission for that."""
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + GIVES_WAY)


def opcua_settings(config: EdgeConfig) -> OpcUaSettings:
    """Return what the server needs of the configuration."""
    section = config.gateway.opcua
    limits = section.limits
    return OpcUaSettings(
        station=config.station.id,
        folder=config.opcua_dir,
        host=section.host,
        port=section.port,
        policies=section.policies,
        allow_none=section.allow_none,
        anonymous=None if section.anonymous == "off" else Role(section.anonymous),
        names=section.names,
        results=section.results,
        shown_results=section.shown_results,
        software=edge_service.__version__,
        limits=Limits(
            connections=limits.connections,
            connections_per_address=limits.connections_per_address,
            sessions=limits.sessions,
            subscriptions=limits.subscriptions,
            monitored_items=limits.monitored_items,
            publishing_ms=limits.publishing_ms,
            operations_per_request=limits.operations_per_request,
            calls_per_request=limits.calls_per_request,
            operations_per_s=limits.operations_per_s,
            message_kib=limits.message_kib,
        ),
    )
