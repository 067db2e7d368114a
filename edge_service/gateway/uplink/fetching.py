"""A model package on its way down: into the staging folder, resumed where it broke off, whole or not there.

``SHA256.okng.part`` grows; once it has its size and its hash is right it becomes ``SHA256.okng``. Nothing is
believed but the hash: the core verifies the rest.
"""

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

from edge_service.contract.messages import ModelAssignment
from edge_service.durable import sync_folder, translated
from edge_service.gateway.uplink.server import Server
from edge_service.gateway.uplink.trouble import AwayError, nonsense
from edge_service.language import say
from edge_service.model_store.store import incoming

log = structlog.get_logger()


async def fetch(server: Server, assignment: ModelAssignment, store_dir: Path) -> Path:
    """Return the staged package's path once it is whole.

    Raises AwayError (broken off: the next call goes on there), NonsenseError (it is not what its hash says),
    DiskFullError.
    """
    path = incoming(store_dir, assignment.package_sha256)
    if path.exists():
        return path
    part = path.with_suffix(".part")
    offset = await asyncio.to_thread(_prepare, part, assignment.size_bytes)
    if offset < assignment.size_bytes:
        sha256, size = assignment.package_sha256, assignment.size_bytes
        async with server.package(sha256, size, offset) as (begin, pieces):
            await _write(part, begin, pieces)
        if part.stat().st_size < size:
            raise AwayError(say("the package broke off", "模型包传输中断"))
    await asyncio.to_thread(_finish, part, path, assignment.package_sha256)
    log.info(
        "package_fetched", model=f"{assignment.model.name} {assignment.model.version}", resumed_at=offset
    )
    return path


def forget(store_dir: Path, keep: str = "") -> None:
    """Remove everything staged but the package with SHA-256 ``keep``."""
    folder = incoming(store_dir, "0" * 64).parent
    for path in (*folder.glob("*.okng"), *folder.glob("*.part")):
        if path.stem != keep:
            path.unlink(missing_ok=True)


def _prepare(part: Path, size: int) -> int:
    """Return how many bytes are there already; what is longer than it may be is thrown away."""
    try:
        part.parent.mkdir(parents=True, exist_ok=True)
        there = part.stat().st_size if part.exists() else 0
        if there > size:
            part.unlink()
            return 0
    except OSError as error:
        raise translated(error, part) from error
    return there


async def _write(part: Path, begin: int, pieces: AsyncIterator[bytes]) -> None:
    try:
        with part.open("r+b" if begin else "wb") as file:
            file.seek(begin)
            file.truncate()
            async for piece in pieces:
                await asyncio.to_thread(file.write, piece)
    except OSError as error:
        raise translated(error, part) from error


def _finish(part: Path, path: Path, sha256: str) -> None:
    try:
        with part.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sha256:
                part.unlink()
                raise nonsense("the package is not the one that was assigned")
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise translated(error, path) from error
