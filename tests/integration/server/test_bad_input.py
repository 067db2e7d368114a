"""What is sent wrong, too large, too slowly or with evil in mind: each has its answer."""

import hashlib
import io
import json
import re
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from edge_service.contract import routes
from edge_service.contract.messages import ErrorAnswer, read
from edge_service.contract.model_package import build_package
from tests.integration.server.test_edge_api import record, refusal
from tests.support.tiny_model import tiny_package
from tests.support.training_server import TrainingServer, photograph, training_server
from tests.support.trust import signed_package
from trainer.access import Role

BOUNDS = (
    "storage: {keep_free_mb: 0}\nuploads: {image_mb: 1, image_megapixels: 1, package_mb: 1, silence_s: 1}\n"
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingServer]:
    """Run a server with small bounds."""
    with training_server(tmp_path_factory.mktemp("server"), BOUNDS) as running:
        yield running


@pytest.fixture(scope="module")
def box(server: TrainingServer) -> httpx.Client:
    """Give one box's client."""
    return server.box("line-bad")


def put(box: httpx.Client, data: bytes) -> httpx.Response:
    """Send an image's bytes under their true name."""
    return box.put(routes.image(hashlib.sha256(data).hexdigest()), content=data)


def bomb(width: int, height: int) -> bytes:
    """Return a PNG of a few bytes that claims to unpack to width x height pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


def jpeg(size: int = 400) -> bytes:
    """Return a JPEG with something in it."""
    written = io.BytesIO()
    Image.effect_noise((size, size), 80).convert("RGB").save(written, "JPEG", quality=90)
    return written.getvalue()


def test_a_decompression_bomb_is_refused_unopened(server: TrainingServer, box: httpx.Client):
    """A few bytes that claim a huge picture are refused by their head."""
    for width, height in ((60_000, 60_000), (2**31 - 1, 2**31 - 1), (40_000, 10)):
        refusal(put(box, bomb(width, height)), 413, "too_large")
    assert server.rooms.images.count() == 0


def test_only_pictures_come_in(box: httpx.Client):
    """Text, a GIF, a zip and an SVG are refused, whatever they are called."""
    gif = io.BytesIO()
    Image.new("P", (8, 8)).save(gif, "GIF")
    for data in (b"", b"hello", gif.getvalue(), b"PK\x03\x04" + b"\0" * 100, b"<svg onload='alert(1)'/>"):
        told = refusal(put(box, data), 415, "wrong_type")
        assert not told.retry


def test_a_picture_whose_data_stop_early_is_refused(box: httpx.Client):
    """A file that was cut on the box before its SHA-256 was taken is no picture."""
    whole = jpeg()
    refusal(put(box, whole[: len(whole) // 2]), 422, "unreadable")
    _, png = photograph(5)
    refusal(put(box, png[:-40]), 422, "unreadable")
    spoilt = bytearray(png)
    spoilt[len(png) // 2] ^= 0xFF
    refusal(put(box, bytes(spoilt)), 422, "unreadable")
    assert put(box, whole).status_code == 200


def test_other_bytes_than_announced_are_refused(server: TrainingServer, box: httpx.Client):
    """What comes under a SHA-256 must have it."""
    (name, _), (_, other) = photograph(6), photograph(7)
    refusal(box.put(routes.image(name), content=other), 422, "wrong_digest")
    assert server.rooms.images.find(name) is None


def test_an_upload_that_is_too_large_is_refused_at_its_head(server: TrainingServer):
    """The announced length alone is enough; one that comes in chunks is cut off at the bound."""
    token = server.box("line-huge").headers["Authorization"]
    host, port = server.url.removeprefix("http://").split(":")
    path = routes.image("0" * 64)
    head = f"PUT {path} HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: {token}\r\n"
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(f"{head}Content-Length: 99999999999\r\n\r\n".encode())
        assert _answer(line).error == "too_large"
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        piece = b"%x\r\n" % 65536 + b"x" * 65536 + b"\r\n"
        for _ in range(17):
            line.sendall(piece)
        assert _answer(line).error == "too_large"


def test_a_sender_that_stops_in_the_middle_is_cut_off(server: TrainingServer):
    """After silence_s the server answers and forgets; a sender that hangs up leaves nothing behind."""
    token = server.box("line-slow").headers["Authorization"]
    host, port = server.url.removeprefix("http://").split(":")
    head = f"PUT {routes.image('0' * 64)} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n"
    begun = f"{head}Content-Length: 1000\r\n\r\nonly this".encode()
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(begun)
        told = _answer(line)
    assert told.error == "too_slow"
    assert told.retry
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(begun)
    assert server.box("line-next").get(routes.MODELS).status_code == 200
    assert list((server.config.blobs_dir / "incoming").iterdir()) == []


def test_more_large_uploads_than_there_is_room_for_hear_later(tmp_path: Path):
    """One in hand, one place: the next is asked to come again, small requests go on; then there is room."""
    with training_server(tmp_path, "storage: {keep_free_mb: 0}\nuploads: {at_once: 1}") as server:
        box = server.box("line-crowd")
        host, port = server.url.removeprefix("http://").split(":")
        token = box.headers["Authorization"]
        head = f"PUT {routes.image('0' * 64)} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {token}\r\n"
        sha256, data = photograph(1, size=700)
        assert len(data) > 2**20
        with socket.create_connection((host, int(port)), timeout=20) as line:
            line.sendall(f"{head}Content-Length: 2000000\r\n\r\nonly this".encode())
            while not list((server.config.blobs_dir / "incoming").iterdir()):
                time.sleep(0.01)
            told = refusal(box.put(routes.image(sha256), content=data), 503, "busy")
            assert (told.retry, told.retry_after_s) == (True, 1.0)
            assert put(box, photograph(2)[1]).status_code == 200
        while (answer := box.put(routes.image(sha256), content=data)).status_code == 503:
            time.sleep(0.01)
        assert answer.status_code == 200


def _answer(line: socket.socket) -> ErrorAnswer:
    """Read a whole answer from a raw connection."""
    data = b""
    while b"\r\n\r\n" not in data or len(data.partition(b"\r\n\r\n")[2]) < _length(data):
        piece = line.recv(65536)
        assert piece, data
        data += piece
    return read(ErrorAnswer, data.partition(b"\r\n\r\n")[2])


def _length(data: bytes) -> int:
    found = re.search(rb"(?i)content-length: (\d+)", data)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'{"records": []}',
        b'{"records": [{}], "format_version": 1e999}',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        "\ufeff{}".encode("utf-16"),
    ],
)
def test_nonsense_is_unreadable_and_nothing_more(box: httpx.Client, body: bytes):
    """Any body that is no batch is answered as such, deep nesting included."""
    refusal(box.post(routes.INSPECTIONS, content=body), 422, "unreadable")


def test_too_much_json_is_refused(box: httpx.Client):
    """A message has a bound too."""
    refusal(box.post(routes.INSPECTIONS, content=b" " * (routes.MAX_JSON_BYTES + 1)), 413, "too_large")


def test_numbers_that_no_database_takes_are_refused_by_the_record(box: httpx.Client):
    """Counters beyond 63 bits and numbers that are not finite never reach the tables."""
    bad = [
        record("line-bad", 2**63),
        record("line-bad", 1) | {"boot_id": -1},
        record("line-bad", 1) | {"captured_at": 1e300},
    ]
    body = json.dumps({"format_version": 1, "records": bad})[:-2] + ', {"score": NaN}, {"score": Infinity}]}'
    answer = box.post(routes.INSPECTIONS, content=body).json()
    assert [receipt["state"] for receipt in answer["receipts"]] == ["refused"] * 5


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "x" * 200, "line 1", "a\u0000b", ""])
def test_names_that_lead_elsewhere_are_refused(server: TrainingServer, box: httpx.Client, name: str):
    """Products, samples and stations never become paths."""
    upload = {
        "format_version": 1,
        "sample_id": name,
        "station": "line-bad",
        "product": "gear",
        "image": {"sha256": "0" * 64, "size_bytes": 1, "media_type": "image/png"},
    }
    refusal(box.put(routes.sample("x"), content=json.dumps(upload)), 422, "unreadable")
    upload |= {"sample_id": "x", "product": name}
    refusal(box.put(routes.sample("x"), content=json.dumps(upload)), 422, "unreadable")
    request = {"format_version": 1, "code": "AAAA-BBBB", "station": name, "software": {"okng": "1"}}
    refusal(server.client().post(routes.ENROL, content=json.dumps(request)), 422, "unreadable")


def test_packages_are_verified_before_they_are_stored(server: TrainingServer):
    """A stranger's, a changed, a cut and a huge package are refused; another one of that version too."""
    person = server.person(Role.ENGINEER)
    good = build_package(*tiny_package("pcb", "1"), server.key)
    refusal(person.post("/api/v1/models", content=signed_package()), 422, "unreadable")
    refusal(person.post("/api/v1/models", content=good[: len(good) // 2]), 422, "unreadable")
    refusal(
        person.post("/api/v1/models", content=good.replace(b"golden/good-1", b"golden/good-2")),
        422,
        "unreadable",
    )
    refusal(person.post("/api/v1/models", content=b"\0" * (2**20 + 1)), 413, "too_large")
    assert person.post("/api/v1/models", content=good).status_code == 201
    assert person.post("/api/v1/models", content=good).status_code == 201
    other = build_package(*tiny_package("pcb", "1", threshold=0.2), server.key)
    refusal(person.post("/api/v1/models", content=other), 409, "conflict")
    refusal(server.person(Role.VIEWER).post("/api/v1/models", content=good), 403, "forbidden")


def test_models_are_assigned_to_boxes_that_exist(server: TrainingServer):
    """An unknown model, an unknown box and a recipe that cannot be are refused by name."""
    person = server.person()
    person.post("/api/v1/models", content=build_package(*tiny_package("nut", "1"), server.key))
    refusal(person.put("/api/v1/assignments/nobody/1", json={"name": "nut"}), 404, "not_found")
    refusal(person.put("/api/v1/assignments/line-bad/1", json={"name": "bolt"}), 404, "not_found")
    refusal(person.put("/api/v1/assignments/line-bad/1000", json={"name": "nut"}), 422, "unreadable")
    refusal(person.put("/api/v1/assignments/line-bad/1", json={"nam": "nut"}), 422, "unreadable")


def test_a_full_disk_is_told_with_when_to_come_back(tmp_path: Path):
    """Pictures are refused before the disk is full, and the box tries again; records still come."""
    with training_server(tmp_path, "storage: {keep_free_mb: 10000000}") as server:
        box = server.box("line-full")
        sha256, data = photograph(1)
        told = refusal(box.put(routes.image(sha256), content=data), 507, "disk_full")
        assert told.retry
        assert told.retry_after_s == 60.0
        body = {"format_version": 1, "records": [record("line-full", 1)]}
        assert box.post(routes.INSPECTIONS, json=body).json()["receipts"][0]["state"] == "stored"


def test_a_database_that_refuses_is_told_as_away(tmp_path: Path):
    """While the database cannot be used, a box hears "later" and keeps what it has."""
    with training_server(tmp_path) as server:
        box = server.box("line-away")
        with server.rooms.database.change() as connection:
            connection.exec_driver_sql("ALTER TABLE inspections RENAME TO elsewhere")
        body = {"format_version": 1, "records": [record("line-away", 1)]}
        told = refusal(box.post(routes.INSPECTIONS, json=body), 503, "away")
        assert told.retry


def test_the_servers_clock_may_jump(tmp_path: Path):
    """Results are listed as they came, tokens stay good, codes end by the clock in force."""
    now = [1.8e9]
    with training_server(tmp_path) as server:
        rooms = server.rooms
        for part in (rooms.boxes, rooms.inspections, rooms.images, rooms.samples):
            part._clock = lambda: now[0]
        box = server.box("line-clock")
        for counter, jump in enumerate((0.0, 1e8, -3e8, 5e7)):
            now[0] += jump
            send = {"format_version": 1, "records": [record("line-clock", counter, captured_at=now[0])]}
            assert box.post(routes.INSPECTIONS, json=send).json()["receipts"][0]["state"] == "stored"
        listed = server.person().get("/api/v1/results", params={"station": "line-clock"}).json()
        assert [each["record"]["counter"] for each in listed] == [3, 2, 1, 0]
        code = rooms.boxes.new_code("test").code
        now[0] += 48 * 3600.0
        request = {"format_version": 1, "code": code, "station": "late", "software": {"okng": "1"}}
        refusal(server.client().post(routes.ENROL, json=request), 403, "wrong_code")
