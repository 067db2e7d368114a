"""Keeps core and gateway running as child processes, for a box without systemd and for trying out.

The rule that keeps a line safe: the gateway may die and comes back after a backoff; when the core
dies nothing restarts it quietly here, the supervisor ends non-zero and whoever started it (systemd,
a person) decides. SIGTERM goes to the core first, which finishes the part in hand, then to the gateway.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from edge_service.lifecycle.backoff import Backoff
from edge_service.lifecycle.parent import PARENT

log = structlog.get_logger()

CALM_S = 30.0  # a child that lived this long starts its backoff anew
GRACE_S = 15.0  # from SIGTERM to SIGKILL: longer than a part in hand may take


@dataclass(frozen=True, slots=True)
class Child:
    """A process to keep: its name for the log and its command line."""

    name: str
    command: Sequence[str]


async def supervise(core: Child, gateway: Child, stop: asyncio.Event, backoff: Backoff | None = None) -> int:
    """Run both until ``stop`` is set or the core ends; return the exit code to end with.

    A core that ends by itself gives its own code, or 1 where it claims success.
    """
    process = await _start(core)
    keeper = asyncio.create_task(_keep(gateway, backoff or Backoff()), name="keep-gateway")
    ended = asyncio.create_task(process.wait(), name="core-ended")
    asked = asyncio.create_task(stop.wait(), name="stop-asked")
    try:
        await asyncio.wait({keeper, ended, asked}, return_when=asyncio.FIRST_COMPLETED)
        if keeper.done():
            keeper.result()  # it only ends by an exception
        if ended.done():
            log.error("core_ended", code=ended.result(), action="stopping")
            return _failure(ended.result())
        return await _end(core, process)
    finally:
        for task in (keeper, asked, ended):
            task.cancel()
        await asyncio.gather(keeper, asked, ended, return_exceptions=True)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _keep(child: Child, backoff: Backoff) -> None:
    """Start ``child`` again whenever it ends; cancelling ends it too."""
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        process = await _start(child)
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await asyncio.shield(_end(child, process))
            raise
        if loop.time() - began > CALM_S:
            backoff.reset()
        wait_s = backoff.next_s()
        log.warning("child_ended", child=child.name, code=code, again_in_s=round(wait_s, 2))
        await asyncio.sleep(wait_s)


async def _start(child: Child) -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        *child.command, env={**os.environ, PARENT: str(os.getpid())}, start_new_session=True
    )
    log.info("child_started", child=child.name, pid=process.pid)
    return process


async def _end(child: Child, process: asyncio.subprocess.Process) -> int:
    """Ask with SIGTERM, insist with SIGKILL after ``GRACE_S``; return the exit code."""
    if process.returncode is None:
        process.terminate()
    try:
        code = await asyncio.wait_for(process.wait(), GRACE_S)
    except TimeoutError:
        log.warning("child_killed", child=child.name, waited_s=GRACE_S)
        process.kill()
        code = await process.wait()
    log.info("child_stopped", child=child.name, code=code)
    return _failure(code) if code else 0


def _failure(code: int) -> int:
    """Return a non-zero exit code: the child's own, 128 + n after signal n, 1 for a claimed success."""
    return 128 - code if code < 0 else code or 1
