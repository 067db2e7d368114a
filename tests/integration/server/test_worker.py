"""Workers as processes and as objects: jobs run in children, and whatever befalls those has its end."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_service.contract.messages import SampleUpload
from edge_service.lifecycle import OwnedThread
from tests.support.training_server import TrainingServer, golden, photograph, training_server
from trainer.jobs import JobState, NewJob
from trainer.storage import Storage
from trainer.worker.bench import Bench
from trainer.worker.stores import Stores, open_stores

SAYS = "import json,sys,time,os,signal\ndef say(**r): print(json.dumps(r), flush=True)\n"
PROGRESS = "say(progress=dict(phase='train', done=3, total=9, loss=0.5))\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TrainingServer]:
    """Run a server with one good photograph of a gear."""
    with training_server(tmp_path) as running:
        fill(running, "gear", 1)
        yield running


@pytest.fixture
def thread() -> Iterator[OwnedThread]:
    """Give the worker's database thread."""
    made = OwnedThread("database")
    yield made
    made.close()


def fill(server: TrainingServer, product: str, count: int, size: int = 64) -> None:
    """Put good photographs on the server, as a box does."""
    for number in range(count):
        sha256, data = photograph(number, size)
        with server.rooms.images.incoming() as incoming:
            incoming.write(data)
            server.rooms.images.accept(sha256, incoming)
        image = {"sha256": sha256, "size_bytes": len(data), "media_type": "image/png"}
        facts = {"sample_id": f"s{number}", "station": "line-3", "product": product, "image": image}
        server.rooms.samples.store("line-3", SampleUpload.model_validate(golden("SampleUpload") | facts))


def stores(server: TrainingServer) -> Stores:
    """Return what a worker of this server opens."""
    return open_stores(server.config, Storage(server.rooms.database, server.rooms.blobs, server.key))


def bench(server: TrainingServer, thread: OwnedThread, program: str) -> Bench:
    """Return a workbench whose child runs ``program``."""
    return Bench(stores(server), thread, (sys.executable, "-c", SAYS + program), beat_s=0.05)


async def work(server: TrainingServer, thread: OwnedThread, program: str) -> int:
    """Queue a job, let it be done by ``program``, and return its number."""
    job = server.rooms.jobs.add(NewJob("gear", {}, "anna"))
    claim = server.rooms.jobs.claim("w1")
    assert claim is not None
    await bench(server, thread, program).work(claim, asyncio.Event())
    return job.id


async def until(server: TrainingServer, number: int, kind: str) -> None:
    """Wait until a job has told ``kind`` of itself."""
    while kind not in [event.kind for event in server.rooms.jobs.events(number)]:  # noqa: ASYNC110
        await asyncio.sleep(0.01)  # the child is another process


async def test_a_child_that_fails_tells_why(server: TrainingServer, thread: OwnedThread):
    """A training that diverges ends as a failed job with the reason and the log."""
    program = (
        PROGRESS
        + "print('step 3: loss nan', file=sys.stderr)\nsay(failed='The loss left the numbers')\nsys.exit(3)"
    )
    number = await work(server, thread, program)
    job = server.rooms.jobs.get(number)
    assert (job.state, job.error) == (JobState.FAILED, "The loss left the numbers")
    assert "loss nan" in server.rooms.jobs.log(number)
    assert job.progress == {"phase": "train", "done": 3, "total": 9, "loss": 0.5}


@pytest.mark.parametrize(
    ("program", "error"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "memory"),
        ("sys.exit(7)", "ended with 7"),
        ("print('nonsense'); sys.exit(1)", "ended with 1"),
        ("say(made=dict(package='/nowhere.okng', picture='/nowhere.png'))", "nowhere"),
    ],
)
async def test_a_child_that_crashes_fails_its_job(
    server: TrainingServer, thread: OwnedThread, program: str, error: str
):
    """Killed, ended without a word, or lying about what it made: the job fails and says so."""
    job = server.rooms.jobs.get(await work(server, thread, program))
    assert job.state is JobState.FAILED
    assert error in job.error


async def test_a_package_of_a_stranger_is_not_registered(server: TrainingServer, thread: OwnedThread):
    """What a child made is verified like any package."""
    program = "open('/dev/null'); say(made=dict(package=sys.argv[1], picture=sys.argv[1]))"
    job = server.rooms.jobs.get(await work(server, thread, program))
    assert job.state is JobState.FAILED
    assert "damaged" in job.error


async def test_a_cancelled_job_ends_its_child(server: TrainingServer, thread: OwnedThread):
    """The worker hears of the wish with its next sign of life, and the child is gone."""
    job = server.rooms.jobs.add(NewJob("gear", {}, "anna"))
    claim = server.rooms.jobs.claim("w1")
    assert claim is not None
    program = PROGRESS + "open(sys.argv[1] + '.pid', 'w').write(str(os.getpid()))\ntime.sleep(600)"
    working = asyncio.create_task(bench(server, thread, program).work(claim, asyncio.Event()))
    await until(server, job.id, "progress")
    server.rooms.jobs.cancel(job.id)
    assert await working is JobState.CANCELLED
    assert not (server.config.data_dir / "work" / f"job-{job.id}").exists()


async def test_a_worker_that_ends_hands_its_job_back(server: TrainingServer, thread: OwnedThread):
    """SIGTERM to a worker: the job waits for the next one, and this was no try."""
    job = server.rooms.jobs.add(NewJob("gear", {}, "anna"))
    claim = server.rooms.jobs.claim("w1")
    assert claim is not None
    stop = asyncio.Event()
    working = asyncio.create_task(bench(server, thread, PROGRESS + "time.sleep(600)").work(claim, stop))
    await until(server, job.id, "progress")
    stop.set()
    assert await working is JobState.QUEUED
    assert server.rooms.jobs.get(job.id).tries == 0


async def test_a_worker_whose_job_was_taken_stops_its_child(server: TrainingServer, thread: OwnedThread):
    """A worker that was silent too long writes nothing more; its child is ended."""
    job = server.rooms.jobs.add(NewJob("gear", {}, "anna"))
    claim = server.rooms.jobs.claim("w1")
    assert claim is not None
    working = asyncio.create_task(
        bench(server, thread, PROGRESS + "time.sleep(600)").work(claim, asyncio.Event())
    )
    await until(server, job.id, "progress")
    while server.rooms.jobs.get(job.id).state is JobState.RUNNING:
        (held,) = server.rooms.jobs.held() or [(0, "", 0)]
        server.rooms.jobs.take_back(*held, most_tries=3)
    assert await working is None
    assert server.rooms.jobs.get(job.id).state is JobState.QUEUED


async def test_a_product_without_pictures_fails_with_what_to_do(server: TrainingServer, thread: OwnedThread):
    """Pictures that were left out after the job was asked for are missed before anything is started."""
    for sample in server.rooms.samples.of("gear"):
        server.rooms.samples.leave_out("gear", sample.id)
    job = server.rooms.jobs.get(await work(server, thread, "sys.exit(9)"))
    assert job.state is JobState.FAILED
    assert "collect" in job.error
