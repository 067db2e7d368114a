"""The server's tables and queue on a real PostgreSQL, as ``database.url`` in trainer.yaml names it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from edge_service.contract import routes
from tests.support.databases import fresh_database
from tests.support.postgres import postgres
from tests.support.training_server import golden, photograph, training_server
from trainer.db import Database
from trainer.db.migrate import migrate
from trainer.db.tables import metadata
from trainer.errors import DatabaseError
from trainer.jobs import Jobs, JobState, Lookout, NewJob, Outcome
from trainer.jobs.queue import JobLostError
from trainer.results.inspections import Filter, Inspections

RECORD = golden("InspectionRecord")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """Run one PostgreSQL for this file."""
    with postgres() as url:
        yield url


@pytest.fixture
def url(cluster: str) -> str:
    """Give the URL of a database without tables."""
    empty = Database(cluster)
    with empty.change() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    empty.close()
    return cluster


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    """Give a migrated database."""
    made = fresh_database(tmp_path, url)
    yield made
    made.close()


def test_the_migrations_make_every_table_once(url: str):
    """Two processes that start together make the tables once; those are the ones the code knows."""
    both = [Database(url), Database(url)]
    threads = [threading.Thread(target=migrate, args=(each,)) for each in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with both[0].read() as connection:
        query = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        found = set(connection.execute(query).scalars())
    assert found == {*metadata.tables, "alembic_version"}
    for each in both:
        each.close()


def test_a_record_is_stored_once_by_two_senders_at_a_time(database: Database):
    """The same record on two connections at once: one is stored, the other a duplicate."""
    results = Inspections(database)
    start, states = threading.Barrier(2), list[str]()

    def send() -> None:
        start.wait()
        states.append(results.store(RECORD["station"], [RECORD])[0].state.value)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(states) == ["duplicate", "stored"]
    (stored,) = results.find(Filter(station=RECORD["station"]))
    assert stored.record.counter == RECORD["counter"]


def test_workers_that_claim_at_once_never_hold_one_job(url: str, database: Database):
    """Two connections of two processes claim twenty jobs: every job goes to exactly one."""
    other = Database(url)
    queues = [Jobs(database), Jobs(other)]
    wanted = [queues[0].add(NewJob("pcb", {}, "anna")).id for _ in range(20)]
    start, taken = threading.Barrier(4), list[int]()

    def work(queue: Jobs) -> None:
        start.wait()
        while (claim := queue.claim(threading.current_thread().name)) is not None:
            taken.append(claim.job)

    threads = [threading.Thread(target=work, args=(queues[n % 2],), name=f"w{n}") for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert sorted(taken) == wanted


def test_a_claim_in_the_middle_is_passed_over(database: Database):
    """While one transaction holds the oldest job's row, another takes the next instead of waiting."""
    jobs = Jobs(database)
    first, second = (jobs.add(NewJob("pcb", {}, "anna")).id for _ in range(2))
    with database.change() as holding:
        holding.execute(text("SELECT id FROM jobs WHERE id = :id FOR UPDATE"), {"id": first})
        claim = jobs.claim("w2")
    assert claim is not None
    assert claim.job == second


def test_a_lost_worker_is_refused_and_the_next_ends_the_job(database: Database):
    """Taken back, claimed again, done: the old claim can say nothing more."""
    jobs, now = Jobs(database), [0.0]
    job = jobs.add(NewJob("pcb", {}, "anna"))
    old = jobs.claim("w1")
    lookout = Lookout(jobs, lost_after_s=30.0, most_tries=3, monotonic=lambda: now[0])
    lookout.turn()
    now[0] = 31.0
    lookout.turn()
    new = jobs.claim("w2")
    assert old is not None
    assert new is not None
    with pytest.raises(JobLostError):
        jobs.finish(old, Outcome(JobState.SUCCEEDED))
    assert jobs.finish(new, Outcome(JobState.FAILED, error="no"), "log\x00") is JobState.FAILED
    assert (jobs.get(job.id).tries, jobs.log(job.id)) == (2, "log")


def test_the_whole_server_runs_on_it(url: str, tmp_path: Path):
    """A box enrols and sends a picture and a sample; people see them."""
    yaml = f"storage: {{keep_free_mb: 0}}\ndatabase: {{url: '{url}'}}"
    with training_server(tmp_path, yaml) as server:
        assert server.rooms.database.kind == "postgresql"
        box = server.box()
        sha256, data = photograph()
        assert box.put(routes.image(sha256), content=data).is_success
        image = {"sha256": sha256, "size_bytes": len(data), "media_type": "image/png"}
        facts = {"sample_id": "s1", "station": "line-3", "product": "gear", "image": image}
        told = box.put(routes.sample("s1"), json=golden("SampleUpload") | facts)
        assert told.is_success, told.text
        admin = server.person()
        assert [edge["station"] for edge in admin.get("/api/v1/edges").json()] == ["line-3"]
        (dataset,) = admin.get("/api/v1/datasets").json()
        assert (dataset["product"], dataset["usable"]) == ("gear", 1)
        job = admin.post("/api/v1/jobs", json={"product": "gear"}).json()
        assert job["state"] == "queued"
        assert admin.get("/api/v1/jobs").json()[0]["id"] == job["id"]


def test_a_database_that_went_away_is_told(tmp_path: Path):
    """Its socket is gone: an error with what to do, no driver's exception."""
    gone = Database(f"postgresql://okng@/postgres?host={tmp_path}")
    with pytest.raises(DatabaseError, match="refuses"):
        migrate(gone)
    gone.close()
