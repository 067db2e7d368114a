"""One job on the workbench: photographs laid out, the child started, heard, stopped, its work judged.

The worker keeps saying "alive" to the queue while the child works. Three things end the child early:
somebody cancels the job, the job was taken away (then nothing is written any more), the worker itself ends
(then the job goes back to the queue).
"""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import structlog
from pydantic import ValidationError

from edge_service.contract.model_package import load_bytes
from edge_service.durable import LocalDisk
from edge_service.errors import OkngError
from edge_service.language import say
from edge_service.lifecycle import OwnedThread
from edge_service.lifecycle.parent import PARENT
from trainer.errors import DatabaseError
from trainer.jobs import Claim, JobState, Outcome
from trainer.jobs.queue import MOST_LOG, JobLostError
from trainer.worker.errand import Advance, Errand, Report
from trainer.worker.stores import Stores

log = structlog.get_logger()

BEAT_S = 1.0
GRACE_S = 5.0  # from SIGTERM to SIGKILL
CHILD = (sys.executable, "-m", "trainer.worker.child")
_LONGEST_LINE = 1 << 20
_DATABASE_S = 60.0

Result = TypeVar("Result")


@dataclass(slots=True)
class _Heard:
    """What the child said so far."""

    advance: Advance | None = None
    told: Advance | None = None  # of it, to the queue
    last: Report = field(default_factory=Report)


class Bench:
    """Runs claimed jobs one after the other. ``child``: the command that gets the errand's file."""

    def __init__(
        self, stores: Stores, thread: OwnedThread, child: Sequence[str] = CHILD, beat_s: float = BEAT_S
    ) -> None:
        self._stores, self._thread, self._child, self._beat_s = stores, thread, child, beat_s

    async def work(self, claim: Claim, stop: asyncio.Event) -> JobState | None:
        """Run the job to its end and return its state; None when it was taken away. Raises DatabaseError."""
        folder = self._stores.work_dir / f"job-{claim.job}"
        try:
            return await self._work(claim, stop, folder)
        except JobLostError as error:
            log.warning("job_lost", job=claim.job, what=error.what)
            return None
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _work(self, claim: Claim, stop: asyncio.Event, folder: Path) -> JobState:
        try:
            errand = await self._ask(self._lay_out, claim, folder)
        except (JobLostError, DatabaseError):
            raise
        except OkngError as error:
            return await self._ask(
                self._stores.jobs.finish, claim, Outcome(JobState.FAILED, error=str(error))
            )
        outcome = await self._run(claim, errand, folder, stop)
        text = _tail(folder / "log")
        state = await self._ask(self._stores.jobs.finish, claim, outcome, text)
        log.info("job_ended", job=claim.job, state=state.value, error=outcome.error or None)
        return state

    def _lay_out(self, claim: Claim, folder: Path) -> Path:
        """Write photographs and errand; what an earlier try left there goes."""
        shutil.rmtree(folder, ignore_errors=True)
        photographs = folder / "photographs"
        self._stores.samples.lay_out(claim.product, photographs, self._stores.images.read)
        errand = Errand(
            product=claim.product,
            version=claim.version,
            settings=dict(claim.settings),
            photographs=str(photographs),
            out=str(folder / "out"),
            key=str(self._stores.key_file),
        )
        path = folder / "errand.json"
        LocalDisk().write(path, errand.model_dump_json().encode())
        return path

    async def _run(self, claim: Claim, errand: Path, folder: Path, stop: asyncio.Event) -> Outcome:
        heard = _Heard()
        with (folder / "log").open("wb") as child_log:
            child = await asyncio.create_subprocess_exec(
                *self._child,
                str(errand),
                stdout=asyncio.subprocess.PIPE,
                stderr=child_log,
                env={**os.environ, PARENT: str(os.getpid())},
                limit=_LONGEST_LINE,
                start_new_session=True,
            )
        log.info("job_started", job=claim.job, product=claim.product, child=child.pid, tries=claim.tries)
        listening = asyncio.create_task(_listen(child, heard), name="listen-to-child")
        try:
            early = await self._wait(claim, child, heard, folder / "log", stop)
            if early is None:
                await listening
        finally:
            await asyncio.shield(_end(child))
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if early is not None:
            return early
        return await self._judge(claim, heard.last, child.returncode or 0)

    async def _wait(
        self,
        claim: Claim,
        child: asyncio.subprocess.Process,
        heard: _Heard,
        log_path: Path,
        stop: asyncio.Event,
    ) -> Outcome | None:
        """Say "alive" until the child ends; return the outcome that ends it early."""
        ended = asyncio.create_task(child.wait(), name="child-ended")
        asked = asyncio.create_task(stop.wait(), name="worker-stops")
        try:
            while True:
                await asyncio.wait({ended, asked}, timeout=self._beat_s, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    await self._tell_progress(claim, heard)
                    return None
                if asked.done():
                    return Outcome(JobState.QUEUED)
                await self._tell_progress(claim, heard)
                state = await self._ask(self._stores.jobs.beat, claim, _tail(log_path))
                if state is JobState.CANCELLING:
                    return Outcome(JobState.CANCELLED)
        finally:
            for task in (ended, asked):
                task.cancel()
            await asyncio.gather(ended, asked, return_exceptions=True)

    async def _tell_progress(self, claim: Claim, heard: _Heard) -> None:
        if heard.advance is not None and heard.advance != heard.told:
            heard.told = heard.advance
            await self._ask(self._stores.jobs.progress, claim, heard.advance.model_dump(exclude_none=True))

    async def _judge(self, claim: Claim, last: Report, code: int) -> Outcome:
        """Return the outcome of a child that ended by itself."""
        if last.made is None or code:
            return Outcome(JobState.FAILED, error=last.failed or _crash(code))
        try:
            package, picture = await self._ask(self._register, claim, last)
        except DatabaseError:
            raise
        except OkngError as error:
            return Outcome(JobState.FAILED, error=str(error))
        return Outcome(JobState.SUCCEEDED, package_sha256=package, picture_sha256=picture)

    def _register(self, claim: Claim, report: Report) -> tuple[str, str]:
        assert report.made is not None
        stored = self._stores.packages.register(load_bytes(Path(report.made.package)), claim.job)
        return stored.sha256, self._stores.blobs.put(load_bytes(Path(report.made.picture)))

    async def _ask(self, function: Callable[..., Result], *arguments: object) -> Result:
        return await self._thread.call(function, *arguments, allowance_s=_DATABASE_S)


async def _listen(child: asyncio.subprocess.Process, heard: _Heard) -> None:
    """Take in what the child reports until it closes its end."""
    assert child.stdout is not None
    async for line in child.stdout:
        try:
            report = Report.model_validate_json(line)
        except ValidationError:
            log.warning("child_said_nonsense", line=line[:200].decode(errors="replace"))
            continue
        if report.progress is not None:
            heard.advance = report.progress
        else:
            heard.last = report


async def _end(child: asyncio.subprocess.Process) -> None:
    """Ask the child with SIGTERM, insist with SIGKILL."""
    if child.returncode is not None:
        return
    child.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(child.wait(), GRACE_S)
    except TimeoutError:
        child.kill()
        await child.wait()


def _crash(code: int) -> str:
    if code == -signal.SIGKILL:
        return say(
            "the training process was killed; the machine may have run out of memory",
            "训练进程被终止；可能是内存不足",
        )
    return say(f"the training process ended with {code} and no word", f"训练进程以 {code} 结束，没有说明原因")


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MOST_LOG))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
