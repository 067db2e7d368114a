"""The composition root of the server, from the configuration to the exit code."""

import asyncio
from pathlib import Path

import structlog
from fastapi import FastAPI

from edge_service.contract.keys import fingerprint
from edge_service.contract.trust import Trust
from edge_service.durable import LocalDisk
from edge_service.http_server import HttpServer, listen
from edge_service.lifecycle import Notifier, end_with_parent, stay_alive, stop_on_signals
from edge_service.log import configure_for
from trainer.access import Boxes, People
from trainer.access.tokens import new_token
from trainer.api import Rooms, build_app
from trainer.config import TrainerConfig
from trainer.datasets.samples import Samples
from trainer.errors import DatabaseError
from trainer.images import Bounds, ImageShelf
from trainer.jobs import Jobs, Lookout
from trainer.registry import Assignments, Packages
from trainer.results import Inspections
from trainer.storage import Storage, open_storage

log = structlog.get_logger()


def run_server(config: TrainerConfig) -> int:
    """Serve until SIGTERM and return 0. Raises ConfigurationError, SettingError, DatabaseError."""
    end_with_parent()
    with configure_for(config.log.level, config.log.format):
        storage = open_storage(config)
        try:
            rooms = furnish(config, storage)
            keep_admin_token(config, rooms.people)
            asyncio.run(_serve(config, build_app(rooms, config.server.http.host), rooms))
        finally:
            storage.database.close()
    return 0


def furnish(config: TrainerConfig, storage: Storage) -> Rooms:
    """Put the rooms together."""
    database, blobs, uploads = storage.database, storage.blobs, config.uploads
    bounds = Bounds(uploads.image_mb * 2**20, uploads.image_megapixels * 1_000_000)
    return Rooms(
        server=config.server.name,
        key=storage.key.public,
        database=database,
        people=People(database),
        boxes=Boxes(database),
        images=ImageShelf(database, blobs, bounds),
        samples=Samples(database),
        inspections=Inspections(database),
        jobs=Jobs(database),
        blobs=blobs,
        packages=Packages(database, blobs, Trust.of(storage.key.public)),
        assignments=Assignments(database),
        most_package_bytes=uploads.package_mb * 2**20,
        silence_s=uploads.silence_s,
        at_once=config.server.http.at_once,
        large_at_once=uploads.at_once,
    )


def keep_admin_token(config: TrainerConfig, people: People) -> None:
    """Make the local admin's token at the first start; whoever may read the file is the admin."""
    path = config.admin_token
    if not path.exists():
        LocalDisk().write(path, new_token("okngp").encode() + b"\n", mode=0o600)
    people.keep_admin(path.read_text("ascii").strip())


async def _serve(config: TrainerConfig, app: FastAPI, rooms: Rooms) -> None:
    notifier = Notifier()
    http = config.server.http
    listener = listen(
        http.host, http.port, waiting=256, who=("the server", "服务器"), setting="server.http.port"
    )
    server = HttpServer(app, most_at_once=2 * http.at_once)  # connections, those that never ask included
    address, port = listener.getsockname()[:2]
    with stop_on_signals() as stop:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(server.serve(sockets=[listener]), name="http")
            _write_address(config.address_file, address, port)
            print(f"ready http={address}:{port}", flush=True)
            log.info("listening", address=f"{address}:{port}", key=fingerprint(rooms.key.key_id))
            notifier.ready()
            side = [
                group.create_task(stay_alive(notifier), name="watchdog"),
                group.create_task(_look_out(config, rooms.jobs), name="lookout"),
            ]
            await stop.wait()
            notifier.stopping()
            for each in side:
                each.cancel()
            server.should_exit = True
            await task
    notifier.close()


def _write_address(path: Path, address: str, port: int) -> None:
    """Tell commands on this machine where the server listens."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104 - not what we listen on
    shown = f"[{host}]" if ":" in host else host
    LocalDisk().write(path, f"http://{shown}:{port}\n".encode())


async def _look_out(config: TrainerConfig, jobs: Jobs) -> None:
    """Notice workers that died; while the database is away, nobody can tell."""
    lookout = Lookout(jobs, config.jobs.lost_after_s, config.jobs.most_tries)
    while True:
        try:
            await asyncio.to_thread(lookout.turn)
        except DatabaseError as error:
            log.warning("database_away", what=error.what)
        await asyncio.sleep(1.0)
