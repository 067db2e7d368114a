"""What core and gateway say to each other, and its bytes.

On the wire: ``!4sIId`` (the magic ``OKL2``, length of the header, length of the payload, seconds of this
box's monotonic clock when it was said), a JSON header, then the payload's raw bytes (a JPEG), so that
pictures are never blown up by a text encoding. Both ends are on one box and see one clock: who was kept from
reading can tell that what it reads now is old.
"""

import asyncio
import json
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from edge_service.errors import LinkError

MAGIC = b"OKL2"
HEADER_LIMIT = 1 << 20  # bytes of JSON
PAYLOAD_LIMIT = 32 << 20  # bytes of picture

_PREFIX = struct.Struct("!IId")  # after the magic


class Role(StrEnum):
    """Who asks, as the gateway has established it; the core decides what each may do."""

    OBSERVER = "observer"  # reads
    OPERATOR = "operator"  # triggers, acknowledges, collects
    ENGINEER = "engineer"  # changes recipes, thresholds, models, configuration


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is true now; what was known before is void."""

    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, e.g. ``inspection``; ``payload`` are a picture's bytes."""

    name: str
    data: Mapping[str, Any]
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class Command:
    """Something that the core shall do."""

    id: int
    name: str
    arguments: Mapping[str, Any]
    role: Role


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of command ``id``: ``code`` 0 is done, else the code and sentences of the error."""

    id: int
    code: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    what: str = ""
    remedy: str = ""


Message = Snapshot | Event | Command | Answer


class Received(NamedTuple):
    """A message, and when the other end said it (``time.monotonic``)."""

    message: Message
    said_at: float


def encode(message: Message) -> bytes:
    """Return the message's bytes on the wire."""
    payload = message.payload if isinstance(message, Event) else b""
    header = json.dumps(_header(message), separators=(",", ":"), allow_nan=False).encode()
    return MAGIC + _PREFIX.pack(len(header), len(payload), time.monotonic()) + header + payload


async def receive(reader: asyncio.StreamReader) -> Received:
    """Read one message.

    Raises LinkError for bytes that are none (too long, no JSON, fields missing), and
    asyncio.IncompleteReadError at the end of the stream.
    """
    magic = await reader.readexactly(len(MAGIC))
    if magic != MAGIC:  # before more is waited for: a stranger may have said less than a prefix
        raise _stranger()
    header_length, payload_length, said_at = _PREFIX.unpack(await reader.readexactly(_PREFIX.size))
    if header_length > HEADER_LIMIT or payload_length > PAYLOAD_LIMIT:
        raise _stranger()
    header = await reader.readexactly(header_length)
    payload = await reader.readexactly(payload_length)
    try:
        return Received(_message(json.loads(header), payload), said_at)
    except (ValueError, KeyError, TypeError) as error:
        raise LinkError(f"an unreadable message came over the link: {error!r}") from error


def _stranger() -> LinkError:
    return LinkError("the other end of the link does not speak this station's language")


def _header(message: Message) -> dict[str, Any]:
    match message:
        case Snapshot(state):
            return {"kind": "snapshot", "state": dict(state)}
        case Event(name, data, _):
            return {"kind": "event", "name": name, "data": dict(data)}
        case Command(id_, name, arguments, role):
            return {"kind": "command", "id": id_, "name": name, "arguments": dict(arguments), "role": role}
        case Answer(id_, code, data, what, remedy):
            return {
                "kind": "answer",
                "id": id_,
                "code": code,
                "data": dict(data),
                "what": what,
                "remedy": remedy,
            }


def _message(header: dict[str, Any], payload: bytes) -> Message:
    match header["kind"]:
        case "snapshot":
            return Snapshot(dict(header["state"]))
        case "event":
            return Event(str(header["name"]), dict(header["data"]), payload)
        case "command":
            return Command(
                int(header["id"]), str(header["name"]), dict(header["arguments"]), Role(header["role"])
            )
        case "answer":
            return Answer(
                int(header["id"]), int(header["code"]), dict(header["data"]), header["what"], header["remedy"]
            )
        case kind:
            raise ValueError(kind)
