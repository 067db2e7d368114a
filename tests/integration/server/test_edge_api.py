"""What a box and the server say to each other, over real HTTP."""

import json
from typing import Any

import httpx
import pytest

from edge_service.contract import routes
from edge_service.contract.messages import (
    EnrolmentAnswer,
    ErrorAnswer,
    HealthAnswer,
    ImageReceipt,
    ModelAssignments,
    Receipt,
    Receipts,
    ReceiptState,
    read,
)
from edge_service.contract.model_package import build_package, read_package
from edge_service.contract.trust import Trust
from tests.support.tiny_model import tiny_package
from tests.support.training_server import TrainingServer, golden, photograph


def refusal(answer: httpx.Response, status: int, error: str) -> ErrorAnswer:
    """Hold an answer to be this refusal, in the form that every refusal has."""
    assert answer.status_code == status, answer.text
    told = read(ErrorAnswer, answer.content)
    assert told.error == error
    assert told.what
    return told


def record(station: str, counter: int, **facts: object) -> dict[str, Any]:
    """Return an inspection record of this box."""
    return golden("InspectionRecord") | {"station": station, "counter": counter, "images": []} | facts


def send(box: httpx.Client, *records: object) -> Receipts:
    """Send records; return the receipts."""
    answer = box.post(routes.INSPECTIONS, json={"format_version": 1, "records": records})
    assert answer.status_code == 200, answer.text
    return read(Receipts, answer.content)


def image_of(sha256: str, size: int, **facts: object) -> dict[str, Any]:
    """Return a reference to an image."""
    return {"role": "frame", "sha256": sha256, "size_bytes": size, "media_type": "image/png", **facts}


def test_enrolling_gives_the_token_and_the_key_that_signs_models(server: TrainingServer):
    """A box shows a code and learns its token and the server's public key; the code is used up."""
    code = server.rooms.boxes.new_code("test").code
    request = golden("EnrolmentRequest") | {"code": code.lower().replace("-", ""), "station": "line-9"}
    answer = server.client().post(routes.ENROL, json=request)
    told = read(EnrolmentAnswer, answer.content)
    assert bytes.fromhex(told.public_key) == server.key.public.raw
    assert told.key_id == server.key.public.key_id
    refusal(server.client().post(routes.ENROL, json=request), 403, "wrong_code")


def test_a_code_made_for_one_station_serves_no_other(server: TrainingServer):
    """A code with a station in it is refused to another box, and still good for its own."""
    code = server.rooms.boxes.new_code("test", station="line-5").code
    request = golden("EnrolmentRequest") | {"code": code, "station": "line-6"}
    refusal(server.client().post(routes.ENROL, json=request), 403, "wrong_code")
    assert server.client().post(routes.ENROL, json=request | {"station": "line-5"}).status_code == 200


@pytest.mark.parametrize("token", ["", "okng_wrong", "okng_" + "a" * 43])
def test_without_a_good_token_nothing_is_told(server: TrainingServer, token: str):
    """No token and an unknown one are refused alike, and sending again is no use."""
    told = refusal(server.client(token).get(routes.MODELS), 401, "unauthorised")
    assert not told.retry


def test_a_revoked_token_is_refused_and_a_new_code_helps(server: TrainingServer):
    """After revoking, the box is out; enrolling again under its name lets it in with a new token."""
    box = server.box("line-out")
    assert box.get(routes.MODELS).status_code == 200
    server.rooms.boxes.revoke("line-out")
    refusal(box.get(routes.MODELS), 401, "unauthorised")
    assert server.box("line-out").get(routes.MODELS).status_code == 200


def test_a_persons_token_is_no_boxs(server: TrainingServer):
    """People and boxes cannot stand in for each other."""
    refusal(server.person().get(routes.MODELS), 401, "unauthorised")
    refusal(server.box("line-1").get("/api/v1/edges"), 401, "unauthorised")


def test_a_record_is_stored_once_however_often_it_comes(server: TrainingServer):
    """Sending again is answered as a duplicate; something else under the same id is a conflict."""
    box = server.box("line-once")
    first = record("line-once", 1)
    states = [send(box, document).receipts[0].state for document in (first, first, first | {"score": 9.0})]
    assert states == [ReceiptState.STORED, ReceiptState.DUPLICATE, ReceiptState.CONFLICT]
    kept = server.rooms.inspections.get("line-once-7-1")
    assert kept.record.score == first["score"]


def test_fields_that_the_server_does_not_know_are_kept(server: TrainingServer):
    """A record of a newer box is stored with all it said."""
    box = server.box("line-new")
    send(box, record("line-new", 1, of_the_future={"a": [1, None]}))
    kept = server.rooms.inspections.get("line-new-7-1").record
    assert kept.model_extra == {"of_the_future": {"a": [1, None]}}


def test_one_bad_record_spoils_no_other(server: TrainingServer):
    """Each record has its own receipt, in order; what cannot be read says which field is wrong."""
    box = server.box("line-mix")
    receipts = send(
        box,
        record("line-mix", 1),
        record("line-mix", 2) | {"verdict": "GREAT"},
        record("line-other", 3),
        {"nonsense": "\u0000"},
        record("line-mix", 4),
    ).receipts
    assert [receipt.state.value for receipt in receipts] == [
        "stored",
        "refused",
        "refused",
        "refused",
        "stored",
    ]
    assert "verdict" in receipts[1].reason
    assert receipts[1].id == "line-mix-7-2"
    assert "line-mix" in receipts[2].reason


def test_images_come_before_or_after_their_record(server: TrainingServer):
    """A receipt names the images still missing; one that is here, or was given up, is not named."""
    box = server.box("line-img")
    (early, early_png), (late, late_png), (lost, lost_png) = (photograph(n) for n in (1, 2, 3))
    assert box.put(routes.image(early), content=early_png).status_code == 200
    loss = {"format_version": 1, "losses": [{"sha256": lost, "reason": "quota\u0000"}]}
    assert box.post(routes.IMAGE_LOSSES, json=loss).status_code == 204
    images = [image_of(early, len(early_png)), image_of(late, len(late_png)), image_of(lost, len(lost_png))]
    document = record("line-img", 1, images=images)
    assert send(box, document).receipts[0].missing_images == (late,)
    assert read(ImageReceipt, box.put(routes.image(late), content=late_png).content).duplicate is False
    assert read(ImageReceipt, box.put(routes.image(late), content=late_png).content).duplicate is True
    assert send(box, document).receipts[0].missing_images == ()
    fates = server.rooms.inspections.get("line-img-7-1").pictures
    assert fates == {early: "here", late: "here", lost: "lost"}
    assert server.rooms.images.read(late) == late_png


def test_a_sample_joins_its_products_set_when_its_picture_is_here(server: TrainingServer):
    """The sample's record and its picture come apart; with both it is one to learn from."""
    box = server.box("line-col")
    sha256, data = photograph(11)
    upload = golden("SampleUpload") | {
        "sample_id": "line-col-7-1",
        "station": "line-col",
        "product": "gear",
        "image": image_of(sha256, len(data)),
    }
    receipt = read(Receipt, box.put(routes.sample("line-col-7-1"), json=upload).content)
    assert (receipt.state, receipt.missing_images) == (ReceiptState.STORED, (sha256,))
    assert server.rooms.samples.usable("gear") == []
    box.put(routes.image(sha256), content=data)
    assert len(server.rooms.samples.usable("gear")) == 1
    again = read(Receipt, box.put(routes.sample("line-col-7-1"), json=upload).content)
    assert (again.state, again.missing_images) == (ReceiptState.DUPLICATE, ())
    other = read(Receipt, box.put(routes.sample("line-col-7-1"), json=upload | {"product": "nut"}).content)
    assert other.state is ReceiptState.CONFLICT
    refusal(box.put(routes.sample("another"), json=upload), 422, "unreadable")


def test_health_is_kept_and_answered_with_the_models_tag(server: TrainingServer):
    """The server shows a box's last words, and answers with its clock and the tag to poll by."""
    box = server.box("line-3")
    answer = read(HealthAnswer, box.post(routes.HEALTH, json=golden("HealthReport")).content)
    assert answer.models_etag == box.get(routes.MODELS).headers["ETag"]
    kept = server.rooms.boxes.get("line-3")
    assert kept.health is not None
    assert kept.health.state == "ready"
    other = golden("HealthReport") | {"station": "line-4"}
    refusal(box.post(routes.HEALTH, json=other), 403, "wrong_station")


def test_a_box_learns_of_its_model_and_fetches_it_with_resume(server: TrainingServer):
    """Assigning changes the tag; the package comes whole, in parts, and is the one that was signed."""
    box = server.box("line-mod")
    before = box.get(routes.MODELS)
    assert box.get(routes.MODELS, headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
    data = build_package(*tiny_package("pcb", "1"), server.key)
    person = server.person()
    assert person.post("/api/v1/models", content=data).status_code == 201
    done = person.put("/api/v1/assignments/line-mod/1", json={"name": "pcb"})
    assert done.status_code == 200, done.text
    after = box.get(routes.MODELS, headers={"If-None-Match": before.headers["ETag"]})
    wanted = read(ModelAssignments, after.content)
    assert after.headers["ETag"] == wanted.etag
    (assignment,) = wanted.assignments
    whole = box.get(assignment.url)
    assert whole.content == data
    assert len(data) == assignment.size_bytes
    etag = whole.headers["ETag"]
    rest = box.get(assignment.url, headers={"Range": "bytes=100-", "If-Range": etag})
    assert (rest.status_code, rest.content) == (206, data[100:])
    assert rest.headers["Content-Range"] == f"bytes 100-{len(data) - 1}/{len(data)}"
    changed = box.get(assignment.url, headers={"Range": "bytes=100-", "If-Range": '"other"'})
    assert (changed.status_code, changed.content) == (200, data)
    refusal(box.get(assignment.url, headers={"Range": f"bytes={len(data)}-"}), 416, "range")
    package = read_package(whole.content, Trust.of(server.key.public))
    assert package.digest == assignment.model.digest


def test_every_refusal_is_an_error_answer(server: TrainingServer):
    """An unknown address, a wrong method and nonsense are answered in the one form too."""
    box = server.box("line-err")
    refusal(box.get("/api/v1/edge/nothing"), 404, "not_found")
    refusal(box.get(routes.ENROL), 405, "not_allowed")
    refusal(box.post(routes.INSPECTIONS, content=b"\xff{"), 422, "unreadable")
    refusal(box.put(routes.image("../../etc/passwd"), content=b"x"), 404, "not_found")
    refusal(box.put(routes.image("A" * 64), content=b"x"), 422, "unreadable")
    refusal(box.put(routes.image("..%2f..%2fetc"), content=b"x"), 404, "not_found")
    refusal(box.get(routes.package("0" * 64)), 404, "not_found")
    newer = json.dumps(golden("InspectionBatch") | {"format_version": 2})
    assert "format_version" in refusal(box.post(routes.INSPECTIONS, content=newer), 422, "unreadable").what
    elsewhere = server.client().get("/api/v1/edges", headers={"Host": "evil.example"})
    refusal(elsewhere, 400, "wrong_host")
