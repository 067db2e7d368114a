"""The queue: legal changes only, one holder a job, workers that die are noticed."""

import itertools
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_service.errors import InternalError
from tests.support.databases import fresh_database
from trainer.db import Database
from trainer.errors import RequestError
from trainer.jobs import Claim, Jobs, JobState, Lookout, NewJob, Outcome
from trainer.jobs.queue import MOST_LOG, JobLostError
from trainer.jobs.states import FOLLOWING, check

WISH = NewJob("pcb", {"size": 64}, "anna")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """Give a fresh database."""
    made = fresh_database(tmp_path)
    yield made
    made.close()


@pytest.fixture
def jobs(database: Database) -> Jobs:
    """Give an empty queue."""
    return Jobs(database)


def claimed(jobs: Jobs, worker: str = "w1") -> Claim:
    """Queue a job and claim it."""
    jobs.add(WISH)
    claim = jobs.claim(worker)
    assert claim is not None
    return claim


def test_only_what_the_table_allows_may_follow():
    """Every pair of states is legal or raises."""
    for before, after in itertools.product(JobState, JobState):
        if after in FOLLOWING[before]:
            check(before, after)
        else:
            with pytest.raises(InternalError):
                check(before, after)


def test_a_job_from_wish_to_package(jobs: Jobs):
    """Queued, running, succeeded; the events tell it in order, progress in between."""
    claim = claimed(jobs)
    assert (claim.product, claim.settings, claim.tries) == ("pcb", {"size": 64}, 1)
    jobs.progress(claim, {"phase": "train", "done": 1, "total": 2})
    assert jobs.beat(claim, "log so far\x00") is JobState.RUNNING
    assert jobs.log(claim.job) == "log so far"
    jobs.finish(claim, Outcome(JobState.SUCCEEDED, package_sha256="a" * 64), "whole log")
    done = jobs.get(claim.job)
    assert (done.state, done.package_sha256, jobs.log(claim.job)) == (
        JobState.SUCCEEDED,
        "a" * 64,
        "whole log",
    )
    told = [event.document.get("state", event.kind) for event in jobs.events(claim.job)]
    assert told == ["queued", "running", "progress", "succeeded"]
    last = jobs.events(claim.job)[1].id
    assert len(jobs.events(claim.job, after=last)) == 2


def test_many_workers_never_hold_one_job(database: Database):
    """Eight workers claim from twenty jobs at once: every job goes to exactly one."""
    jobs = Jobs(database)
    wanted = {jobs.add(WISH).id for _ in range(20)}
    taken: list[int] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        while (claim := jobs.claim(threading.current_thread().name)) is not None:
            taken.append(claim.job)

    threads = [threading.Thread(target=work, name=f"w{number}") for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(wanted)


def test_a_silent_worker_loses_its_job_and_can_say_nothing_more(jobs: Jobs):
    """After the time allowed the job goes back; the old claim is refused, the new one holds."""
    old = claimed(jobs)
    now = [100.0]
    lookout = Lookout(jobs, lost_after_s=30.0, most_tries=3, monotonic=lambda: now[0])
    lookout.turn()
    now[0] += 29.0
    jobs.beat(old)
    lookout.turn()
    now[0] += 29.0
    lookout.turn()
    assert jobs.get(old.job).state is JobState.RUNNING
    now[0] += 2.0
    lookout.turn()
    assert jobs.get(old.job).state is JobState.QUEUED
    new = jobs.claim("w2")
    assert new is not None
    assert new.tries == 2
    for word in (
        lambda: jobs.beat(old),
        lambda: jobs.progress(old, {}),
        lambda: jobs.finish(old, Outcome(JobState.SUCCEEDED)),
    ):
        with pytest.raises(JobLostError):
            word()
    assert jobs.beat(new) is JobState.RUNNING


def test_a_job_that_kills_its_workers_fails_with_its_log(jobs: Jobs):
    """The last worker's log stays with the job, and the error names it."""
    now = [0.0]
    lookout = Lookout(jobs, lost_after_s=1.0, most_tries=2, monotonic=lambda: now[0])
    jobs.add(WISH)
    for worker in ("w1", "w2"):
        claim = jobs.claim(worker)
        assert claim is not None
        jobs.beat(claim, f"log of {worker}")
        lookout.turn()
        now[0] += 2.0
        lookout.turn()
    failed = jobs.get(claim.job)
    assert failed.state is JobState.FAILED
    assert "w2" in failed.error
    assert jobs.log(claim.job) == "log of w2"
    assert jobs.claim("w3") is None


def test_wall_clock_jumps_take_no_job_away(database: Database):
    """Workers are timed by the lookout's own monotonic clock: a wall clock may jump years, both ways."""
    wall = [2e9]
    jobs = Jobs(database, clock=lambda: wall[0])
    claim = claimed(jobs)
    lookout = Lookout(jobs, lost_after_s=30.0, most_tries=3, monotonic=lambda: 5.0)
    for jump in (1e9, -2.5e9, 3e9):
        lookout.turn()
        wall[0] += jump
    assert jobs.beat(claim) is JobState.RUNNING
    jobs.finish(claim, Outcome(JobState.SUCCEEDED))
    assert jobs.get(claim.job).state is JobState.SUCCEEDED


def test_cancelling(jobs: Jobs):
    """A queued job is cancelled at once, a running one when its worker hears of it; twice is once."""
    queued = jobs.add(WISH)
    assert jobs.cancel(queued.id).state is JobState.CANCELLED
    claim = claimed(jobs)
    assert jobs.cancel(claim.job).state is JobState.CANCELLING
    assert jobs.cancel(claim.job).state is JobState.CANCELLING
    assert jobs.beat(claim) is JobState.CANCELLING
    jobs.finish(claim, Outcome(JobState.CANCELLED))
    assert jobs.cancel(claim.job).state is JobState.CANCELLED


def test_a_dead_workers_cancelled_job_is_cancelled(jobs: Jobs):
    """Nobody is there to hear the wish: the lookout carries it out."""
    claim = claimed(jobs)
    jobs.cancel(claim.job)
    now = [0.0]
    lookout = Lookout(jobs, lost_after_s=1.0, most_tries=3, monotonic=lambda: now[0])
    lookout.turn()
    now[0] = 2.0
    lookout.turn()
    assert jobs.get(claim.job).state is JobState.CANCELLED


def test_a_job_handed_back_counts_no_try(jobs: Jobs):
    """A worker that ends properly gives its job to the next."""
    claim = claimed(jobs)
    assert jobs.finish(claim, Outcome(JobState.QUEUED)) is JobState.QUEUED
    again = jobs.claim("w2")
    assert again is not None
    assert again.tries == 1
    jobs.cancel(again.job)
    assert jobs.finish(again, Outcome(JobState.QUEUED)) is JobState.CANCELLED


def test_versions_are_never_given_twice(jobs: Jobs, database: Database):
    """Without a version the time is taken, and made different; a version asked for twice is a conflict."""
    jobs = Jobs(database, clock=lambda: 1.8e9)
    versions = [jobs.add(WISH).version for _ in range(3)]
    assert versions == ["20270115-080000", "20270115-080000-2", "20270115-080000-3"]
    named = NewJob("pcb", {}, "anna", version="7")
    first = jobs.add(named)
    with pytest.raises(RequestError, match="pcb 7"):
        jobs.add(named)
    jobs.cancel(first.id)
    assert jobs.add(named).version == "7"


def test_a_long_log_keeps_its_end(jobs: Jobs):
    """What matters stands at the end of a log."""
    claim = claimed(jobs)
    jobs.beat(claim, "x" * MOST_LOG + "the end")
    assert len(jobs.log(claim.job)) == MOST_LOG
    assert jobs.log(claim.job).endswith("the end")


def test_an_unknown_job_is_named(jobs: Jobs):
    """Asking for a job that never was says so."""
    with pytest.raises(RequestError, match="no job 99"):
        jobs.get(99)
