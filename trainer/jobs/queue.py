"""The queue of jobs in the database, and the only code that changes a job's state.

Whoever claims a job gets a ``Claim``, a secret that every later word about the job must show. When a worker
is lost, the job is taken from it by making its claim void: a worker that comes back from the dead finds its
claim refused (``JobLostError``) and stops. So two workers never hold one job.

Each change of state is one transaction that also writes the event by which watchers learn of it.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from edge_service.language import say
from trainer.db import Database
from trainer.db.tables import job_events, jobs, packages
from trainer.errors import Refusal, RequestError, TrainerError
from trainer.jobs.states import JobState, check

MOST_LOG = 64 * 1024
_TRAIN = "train"


class JobLostError(TrainerError):
    """The job was taken from this worker: it was silent for too long."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A wish: train a model of ``product``. ``settings`` are those of a training run."""

    product: str
    settings: Mapping[str, Any]
    made_by: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in a worker's hands."""

    job: int
    secret: str
    product: str
    version: str
    settings: Mapping[str, Any]
    tries: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a job ended. ``state``: SUCCEEDED, FAILED, CANCELLED, or QUEUED to hand it back."""

    state: JobState
    error: str = ""
    package_sha256: str | None = None
    picture_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """A job as people see it."""

    id: int
    product: str
    version: str
    state: JobState
    made_by: str
    made_at: float
    started_at: float | None
    ended_at: float | None
    tries: int
    worker: str | None
    error: str
    progress: Mapping[str, Any]
    settings: Mapping[str, Any]
    package_sha256: str | None
    picture_sha256: str | None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a job. ``id`` only grows."""

    id: int
    kind: str  # "state", "progress"
    document: Mapping[str, Any] = field(default_factory=dict)


class Jobs:
    """Asks for, hands out and ends jobs."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def add(self, wish: NewJob) -> Job:
        """Queue a job. Raises RequestError CONFLICT: a model of that version is there or on its way."""
        row = {
            "kind": _TRAIN,
            "product": wish.product,
            "settings": json.dumps(dict(wish.settings)),
            "state": JobState.QUEUED.value,
            "made_by": wish.made_by,
            "made_at": self._clock(),
            "tries": 0,
            "beats": 0,
            "progress": "{}",
            "error": "",
            "log": "",
        }
        with self._database.change() as connection:
            version = self._free_version(connection, wish)
            done = connection.execute(insert(jobs).values(version=version, **row).returning(jobs.c.id))
            number = int(done.scalar_one())
            _tell(connection, number, JobState.QUEUED)
        return self.get(number)

    def _free_version(self, connection: Connection, wish: NewJob) -> str:
        """Return the version asked for, or the date and time; never one that is taken."""
        if wish.version:
            if self._taken(connection, wish.product, wish.version):
                raise RequestError(
                    Refusal.CONFLICT,
                    say(
                        f"{wish.product} {wish.version} is there already, or on its way",
                        f"{wish.product} {wish.version} 已存在或正在训练",
                    ),
                    remedy=say("choose another version, or leave it out", "请换一个版本号，或省略"),
                )
            return wish.version
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(self._clock()))
        version, more = stamp, 1
        while self._taken(connection, wish.product, version):
            more += 1
            version = f"{stamp}-{more}"
        return version

    @staticmethod
    def _taken(connection: Connection, name: str, version: str) -> bool:
        coming = select(jobs.c.id).where(
            jobs.c.product == name,
            jobs.c.version == version,
            jobs.c.state.in_([state.value for state in JobState if not state.over]),
        )
        there = select(packages.c.sha256).where(packages.c.name == name, packages.c.version == version)
        return connection.execute(coming).first() is not None or connection.execute(there).first() is not None

    def claim(self, worker: str) -> Claim | None:
        """Take the oldest job that nobody holds; None when there is none."""
        waiting = (
            select(jobs)
            .where(jobs.c.state == JobState.QUEUED.value)
            .order_by(jobs.c.id)
            .limit(1)
            .with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer anyway
        )
        with self._database.change() as connection:
            row = connection.execute(waiting).first()
            if row is None:
                return None
            secret = secrets.token_hex(16)
            facts = {"worker": worker, "claim": secret, "tries": row.tries + 1, "log": "", "progress": "{}"}
            _move(connection, row, JobState.RUNNING, started_at=self._clock(), **facts)
        settings = json.loads(row.settings)
        return Claim(row.id, secret, row.product, row.version, settings, row.tries + 1)

    def beat(self, claim: Claim, log: str | None = None) -> JobState:
        """Give a sign of life, with the log so far; return the job's state. Raises JobLostError."""
        with self._database.change() as connection:
            row = _held(connection, claim)
            facts: dict[str, Any] = {"beats": row.beats + 1}
            if log is not None:
                facts["log"] = storable(log)[-MOST_LOG:]
            connection.execute(update(jobs).where(jobs.c.id == claim.job).values(**facts))
        return JobState(row.state)

    def progress(self, claim: Claim, document: Mapping[str, Any]) -> None:
        """Say how far it is; also a sign of life. Raises JobLostError."""
        text = json.dumps(dict(document))
        with self._database.change() as connection:
            row = _held(connection, claim)
            facts = {"beats": row.beats + 1, "progress": text}
            connection.execute(update(jobs).where(jobs.c.id == claim.job).values(**facts))
            connection.execute(insert(job_events).values(job=claim.job, kind="progress", document=text))

    def finish(self, claim: Claim, outcome: Outcome, log: str = "") -> JobState:
        """End the job, or hand it back; return the state it got. Raises JobLostError.

        A job handed back counts no try. One that was to be cancelled meanwhile is cancelled instead.
        """
        with self._database.change() as connection:
            row = _held(connection, claim)
            state = outcome.state
            facts: dict[str, Any] = {"error": storable(outcome.error), "log": storable(log)[-MOST_LOG:]}
            if state is JobState.QUEUED and JobState(row.state) is JobState.CANCELLING:
                state = JobState.CANCELLED
            if state is JobState.QUEUED:
                facts["tries"] = row.tries - 1
            facts |= {"package_sha256": outcome.package_sha256, "picture_sha256": outcome.picture_sha256}
            self._end(connection, row, state, facts)
        return state

    def cancel(self, number: int) -> Job:
        """Ask for the end of a job; one that is over stays as it is. Raises RequestError NOT_FOUND."""
        with self._database.change() as connection:
            row = _locked(connection, number)
            state = JobState(row.state)
            if state is JobState.QUEUED:
                self._end(connection, row, JobState.CANCELLED, {})
            elif state is JobState.RUNNING:
                _move(connection, row, JobState.CANCELLING)
        return self.get(number)

    def take_back(self, number: int, claim: str, beats: int, most_tries: int) -> JobState | None:
        """Take a job from a worker that gave no sign of life since ``beats``; return its state now.

        None: it gave one meanwhile, or the job is no longer its. What the worker logged is kept.
        """
        with self._database.change() as connection:
            row = _locked(connection, number)
            if not JobState(row.state).held or row.claim != claim or row.beats != beats:
                return None
            if JobState(row.state) is JobState.CANCELLING:
                self._end(connection, row, JobState.CANCELLED, {})
                return JobState.CANCELLED
            if row.tries < most_tries:
                self._end(connection, row, JobState.QUEUED, {})
                return JobState.QUEUED
            what = say(
                f"its worker died {row.tries} times; the last one was {row.worker}",
                f"其工作进程已 {row.tries} 次中断；最后一个为 {row.worker}",
            )
            self._end(connection, row, JobState.FAILED, {"error": what})
            return JobState.FAILED

    def held(self) -> list[tuple[int, str, int]]:
        """Return number, claim and beats of every job that a worker holds."""
        states = [state.value for state in JobState if state.held]
        query = select(jobs.c.id, jobs.c.claim, jobs.c.beats).where(jobs.c.state.in_(states))
        with self._database.read() as connection:
            return [(number, claim, beats) for number, claim, beats in connection.execute(query)]

    def get(self, number: int) -> Job:
        """Return one job. Raises RequestError NOT_FOUND."""
        with self._database.read() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == number)).first()
        return _job(_there(row, number))

    def log(self, number: int) -> str:
        """Return what its worker logged. Raises RequestError NOT_FOUND."""
        with self._database.read() as connection:
            row = connection.execute(select(jobs.c.log).where(jobs.c.id == number)).first()
        return str(_there(row, number).log)

    def all(self, most: int = 200) -> list[Job]:
        """Return the newest jobs, newest first."""
        with self._database.read() as connection:
            return [
                _job(row) for row in connection.execute(select(jobs).order_by(jobs.c.id.desc()).limit(most))
            ]

    def events(self, number: int, after: int = 0) -> list[Event]:
        """Return what happened to a job after the event ``after``, in order."""
        query = (
            select(job_events.c.id, job_events.c.kind, job_events.c.document)
            .where(job_events.c.job == number, job_events.c.id > after)
            .order_by(job_events.c.id)
        )
        with self._database.read() as connection:
            return [Event(id_, kind, json.loads(text)) for id_, kind, text in connection.execute(query)]

    def _end(self, connection: Connection, row: Row[Any], state: JobState, facts: Mapping[str, Any]) -> None:
        """Take the job out of its worker's hands."""
        ended_at = self._clock() if state.over else None
        _move(connection, row, state, **{**facts, "claim": None, "ended_at": ended_at})


def storable(text: str) -> str:
    """Return text that every database takes."""
    return text.replace("\x00", "")


def _move(connection: Connection, row: Row[Any], state: JobState, **facts: Any) -> None:
    check(JobState(row.state), state)
    connection.execute(update(jobs).where(jobs.c.id == row.id).values(state=state.value, **facts))
    _tell(connection, row.id, state, error=facts.get("error", ""), worker=facts.get("worker", ""))


def _tell(connection: Connection, number: int, state: JobState, **facts: Any) -> None:
    told = {"state": state.value} | {key: value for key, value in facts.items() if value}
    document = json.dumps(told, ensure_ascii=False)
    connection.execute(insert(job_events).values(job=number, kind="state", document=document))


def _locked(connection: Connection, number: int) -> Row[Any]:
    row = connection.execute(select(jobs).where(jobs.c.id == number).with_for_update()).first()
    return _there(row, number)


def _held(connection: Connection, claim: Claim) -> Row[Any]:
    row = _locked(connection, claim.job)
    if row.claim != claim.secret:
        raise JobLostError(
            say(
                f"job {claim.job} was taken from this worker, which was silent for too long",
                f"任务 {claim.job} 已被收回：本工作进程无响应时间过长",
            )
        )
    return row


def _there(row: Row[Any] | None, number: int) -> Row[Any]:
    if row is None:
        raise RequestError(
            Refusal.NOT_FOUND,
            say(f"there is no job {number}", f"没有任务 {number}"),
            remedy=say("okng-trainer jobs list shows those there are", "okng-trainer jobs list 可查看任务"),
        )
    return row


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        product=row.product,
        version=row.version,
        state=JobState(row.state),
        made_by=row.made_by,
        made_at=row.made_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        tries=row.tries,
        worker=row.worker,
        error=row.error,
        progress=json.loads(row.progress),
        settings=json.loads(row.settings),
        package_sha256=row.package_sha256,
        picture_sha256=row.picture_sha256,
    )
