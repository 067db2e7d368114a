"""The composition root of a worker, from the configuration to the exit code."""

import asyncio
import os
import socket

import structlog

from edge_service.errors import OkngError
from edge_service.lifecycle import (
    Backoff,
    Notifier,
    OwnedThread,
    Watchdog,
    end_with_parent,
    only_error,
    stop_on_signals,
)
from edge_service.log import configure_for
from trainer.config import TrainerConfig
from trainer.errors import DatabaseError
from trainer.storage import open_storage
from trainer.worker.bench import Bench
from trainer.worker.stores import Stores, open_stores

log = structlog.get_logger()

POLL_S = 1.0
_DATABASE_S = 60.0


def run_worker(config: TrainerConfig) -> int:
    """Work until SIGTERM and return 0. Raises ConfigurationError, SettingError, DatabaseError."""
    end_with_parent()
    with configure_for(config.log.level, config.log.format):
        storage = open_storage(config)
        try:
            asyncio.run(_live(open_stores(config, storage)))
        except ExceptionGroup as group:
            expected, bugs = group.split(OkngError)
            if bugs is not None or expected is None:
                raise
            raise only_error(expected) from group
        finally:
            storage.database.close()
    return 0


async def _live(stores: Stores) -> None:
    notifier = Notifier()
    thread = OwnedThread("database")
    name = f"{socket.gethostname()}-{os.getpid()}"
    watchdog = Watchdog({"database": thread.alive}, (notifier.alive,), period_s=1.0)
    try:
        with stop_on_signals() as stop:
            async with asyncio.TaskGroup() as group:
                beating = group.create_task(watchdog.run(), name="watchdog")
                print(f"ready worker={name}", flush=True)
                notifier.ready()
                await _work(stores, thread, name, stop)
                notifier.stopping()
                beating.cancel()
    finally:
        thread.close()
        notifier.close()


async def _work(stores: Stores, thread: OwnedThread, name: str, stop: asyncio.Event) -> None:
    """Take one job after the other; while the database is away, wait for it."""
    bench, backoff = Bench(stores, thread), Backoff()
    while not stop.is_set():
        try:
            claim = await thread.call(stores.jobs.claim, name, allowance_s=_DATABASE_S)
            if claim is not None:
                await bench.work(claim, stop)
            backoff.reset()
            pause_s = 0.0 if claim is not None else POLL_S
        except DatabaseError as error:
            pause_s = backoff.next_s()
            log.warning("database_away", what=error.what, again_in_s=round(pause_s, 1))
        await _pause(stop, pause_s)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
