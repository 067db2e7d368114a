"""What edge and server say to each other: version 1 stays readable, strangers' fields survive."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_service.contract import messages, routes
from edge_service.contract.messages import InspectionRecord, Message, read, write
from edge_service.errors import MessageError

GOLDEN = sorted((Path(__file__).parent / "golden_messages").glob("*.v1.json"))


def record() -> dict[str, object]:
    """Return the golden inspection record as a dictionary."""
    path = Path(__file__).parent / "golden_messages" / "InspectionRecord.v1.json"
    found: dict[str, object] = json.loads(path.read_text())
    return found


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_golden_messages_of_version_1_read_and_write_back_unchanged(path: Path):
    """What version 1 wrote is read for ever, and nothing of it is lost on the way."""
    kind = getattr(messages, path.name.split(".")[0])
    assert json.loads(write(read(kind, path.read_bytes()))) == json.loads(path.read_bytes())


def test_every_message_has_a_golden_file():
    """A message that is added brings its golden file."""
    assert {path.name.split(".")[0] for path in GOLDEN} == {
        kind.__name__ for kind in Message.__subclasses__()
    }


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_fields_of_a_newer_sender_are_kept(path: Path):
    """A field that this side does not know comes out again, at the top and deeper down."""
    document = json.loads(path.read_bytes())
    document["of_the_future"] = {"a": [1, None]}
    for value in document.values():
        if isinstance(value, dict):
            value["deeper"] = "kept"
    assert (
        json.loads(write(read(getattr(messages, path.name.split(".")[0]), json.dumps(document)))) == document
    )


@pytest.mark.parametrize("version", [0, 2, -1, 10**30])
def test_a_format_that_is_not_known_is_refused(version: int):
    """A newer format may mean something else, so it is refused with what to do."""
    with pytest.raises(MessageError, match="format_version") as caught:
        read(InspectionRecord, json.dumps(record() | {"format_version": version}))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("score", float("nan")),
        ("score", float("inf")),
        ("station", "../../etc"),
        ("station", "line\n"),
        ("station", ""),
        ("counter", 2**63),
        ("counter", -1),
        ("boot_id", 1.5),
        ("serial_hex", "xyz"),
        ("serial_hex", "00" * 41),
        ("captured_at", 1e300),
        ("verdict", "GREAT"),
        ("recipe", 1000),
        ("images", [{"sha256": "../x", "size_bytes": 1, "media_type": "image/jpeg"}]),
    ],
)
def test_a_wrong_value_is_refused_and_named(field: str, value: object):
    """The refusal names the field and does not echo what was sent."""
    with pytest.raises(MessageError, match=field):
        read(InspectionRecord, json.dumps(record() | {field: value}))


@given(st.binary(max_size=200))
def test_any_bytes_give_a_message_error_or_a_message(body: bytes):
    """Nonsense from the network is one kind of error."""
    with pytest.raises(MessageError):
        read(InspectionRecord, body)


def test_a_batch_with_a_bad_record_is_still_a_batch():
    """One record that cannot be read does not spoil its neighbours."""
    body = json.dumps({"format_version": 1, "records": [record(), {"station": 5}]})
    assert len(read(messages.InspectionBatch, body).records) == 2


def test_an_oversized_batch_is_refused():
    """A batch has a bound."""
    body = json.dumps({"format_version": 1, "records": [{}] * (routes.MAX_BATCH + 1)})
    with pytest.raises(MessageError, match="records"):
        read(messages.InspectionBatch, body)


def test_the_global_id_is_the_domain_s():
    """Record and inspection agree on the id."""
    assert read(InspectionRecord, json.dumps(record())).global_id == "line-3-7-12"
