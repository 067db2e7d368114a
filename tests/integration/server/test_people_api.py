"""What people see over HTTP: a job's events, contact sheets, who may do what."""

import json
from collections.abc import Generator
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from tests.support.training_server import TrainingServer, photograph
from trainer.access import Role
from trainer.jobs import JobState, NewJob, Outcome

Event = tuple[int, str, dict[str, Any]]


def events(client: httpx.Client, number: int, after: int = 0) -> Generator[Event, None, None]:
    """Yield id, kind and document of a job's events as they come, until the server ends the stream."""
    head = {"Last-Event-ID": str(after)}
    with client.stream("GET", f"/api/v1/jobs/{number}/events", headers=head) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        block: dict[str, str] = {}
        for line in answer.iter_lines():
            if line:
                key, _, value = line.partition(": ")
                block[key] = value
            elif "data" in block:
                yield int(block["id"]), block["event"], json.loads(block["data"])
                block = {}


def add(client: httpx.Client, product: str, count: int) -> list[dict[str, Any]]:
    """Upload photographs as a person does."""
    path = f"/api/v1/datasets/{product}/samples"
    answers = [client.post(path, content=photograph(number)[1]) for number in range(count)]
    assert [answer.status_code for answer in answers] == [201] * count, answers[0].text
    return [dict(answer.json()) for answer in answers]


def test_a_watcher_hears_of_a_job_while_it_runs_and_to_its_end(server: TrainingServer):
    """Each event comes while the stream is open; after the last state the server closes it."""
    jobs, viewer = server.rooms.jobs, server.person(Role.VIEWER)
    number = jobs.add(NewJob("watched", {}, "anna")).id
    told = events(viewer, number)
    assert next(told)[1:] == ("state", {"state": "queued"})
    claim = jobs.claim("w1")
    assert claim is not None
    assert next(told)[2]["state"] == "running"
    jobs.progress(claim, {"phase": "train", "done": 1, "total": 2})
    assert next(told)[1:] == ("progress", {"phase": "train", "done": 1, "total": 2})
    jobs.finish(claim, Outcome(JobState.FAILED, error="no"))
    assert [document["state"] for _, _, document in told] == ["failed"]


def test_a_broken_stream_goes_on_where_it_broke(server: TrainingServer):
    """``Last-Event-ID`` leaves out what was heard; ids only grow; an unknown job is NOT_FOUND."""
    jobs, viewer = server.rooms.jobs, server.person(Role.VIEWER)
    number = jobs.add(NewJob("resumed", {}, "anna")).id
    jobs.cancel(number)
    whole = list(events(viewer, number))
    assert [document["state"] for _, _, document in whole] == ["queued", "cancelled"]
    assert whole[0][0] < whole[1][0]
    assert list(events(viewer, number, after=whole[0][0])) == whole[1:]
    assert list(events(viewer, number, after=whole[1][0])) == []
    assert viewer.get("/api/v1/jobs/999999/events").status_code == 404


def test_a_watcher_that_leaves_disturbs_nobody(server: TrainingServer):
    """Closing the stream in the middle leaves the server answering."""
    viewer = server.person(Role.VIEWER)
    number = server.rooms.jobs.add(NewJob("left", {}, "anna")).id
    told = events(viewer, number)
    next(told)
    told.close()
    assert viewer.get(f"/api/v1/jobs/{number}").json()["state"] == "queued"
    server.rooms.jobs.cancel(number)


def test_a_contact_sheet_shows_the_photographs_that_are_here(server: TrainingServer):
    """A PNG with as many of them as were asked for; asking for more than it may hold is refused."""
    engineer = server.person(Role.ENGINEER)
    add(engineer, "sheet", 3)
    path = "/api/v1/datasets/sheet/contact-sheet.png"

    def drawn(most: int) -> int:
        answer = engineer.get(path, params={"most": most})
        assert answer.headers["content-type"] == "image/png"
        pixels = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert pixels is not None
        return int((pixels != pixels[0, 0]).any(axis=2).sum())

    assert drawn(3) > 2 * drawn(1) > 0
    assert engineer.get(path, params={"most": 1000}).status_code in {400, 422}


def test_the_same_photograph_again_changes_nothing_and_one_may_be_left_out(server: TrainingServer):
    """Twice is once; left out it is no longer usable, and back it is."""
    engineer = server.person(Role.ENGINEER)
    add(engineer, "twice", 2)
    add(engineer, "twice", 2)
    samples = engineer.get("/api/v1/datasets/twice").json()
    assert len(samples) == 2
    for left_out, usable in ((True, 1), (False, 2)):
        path = f"/api/v1/datasets/twice/samples/{samples[0]['number']}"
        assert engineer.patch(path, json={"left_out": left_out}).status_code == 204
        (dataset,) = [each for each in engineer.get("/api/v1/datasets").json() if each["product"] == "twice"]
        assert dataset["usable"] == usable


@pytest.mark.parametrize(
    ("method", "path", "body", "least"),
    [
        ("GET", "/api/v1/me", None, Role.VIEWER),
        ("GET", "/api/v1/jobs", None, Role.VIEWER),
        ("GET", "/api/v1/people", None, Role.ADMIN),
        ("POST", "/api/v1/people", {"name": "x y"}, Role.ADMIN),
        ("POST", "/api/v1/edges/codes", {}, Role.ADMIN),
        ("POST", "/api/v1/jobs", {"product": "none"}, Role.ENGINEER),
        ("POST", "/api/v1/jobs/999999/cancel", None, Role.ENGINEER),
        ("DELETE", "/api/v1/assignments/nobody/1", None, Role.ENGINEER),
        ("DELETE", "/api/v1/edges/nobody/token", None, Role.ADMIN),
    ],
)
def test_each_role_may_do_what_is_its_own(
    server: TrainingServer, method: str, path: str, body: dict[str, str] | None, least: Role
):
    """Below the least role 403, from it upwards anything else; without a token 401."""
    assert server.client().request(method, path, json=body).status_code == 401
    for role in Role:
        status = server.person(role).request(method, path, json=body).status_code
        assert (status == 403) == (not role.includes(least)), (role, status)


def test_somebody_who_was_removed_is_out_at_once(server: TrainingServer):
    """A new person's token works, a second one of that name is a conflict, and removing ends it."""
    admin = server.person()
    made = admin.post("/api/v1/people", json={"name": "bea", "role": "engineer"})
    assert made.status_code == 201
    assert admin.post("/api/v1/people", json={"name": "bea"}).status_code == 409
    bea = server.client(made.json()["token"])
    assert bea.get("/api/v1/me").json()["role"] == "engineer"
    assert admin.delete("/api/v1/people/bea").status_code == 204
    assert bea.get("/api/v1/me").status_code == 401
    assert admin.delete("/api/v1/people/bea").status_code == 404
