"""What the outbox holds, and the states that letters and pictures pass through.

::

    letter   WAITING --answered--> SENT --old--> (row removed)
                |  ^
         refused|  |asked for again
                v  |
               REFUSED             kept and shown until somebody decides

    picture  WAITING --answered--> SENT        file removed
                |  ^
         refused|  |asked for again
                v  |
               REFUSED
             any of them --no room, no file--> DROPPED   file removed, the server is told

A picture is sent only after the letter that speaks of it: the server must know what it shows.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Literal

MediaType = Literal["image/jpeg", "image/png"]
Role = Literal["frame", "heat_map"]


class Kind(StrEnum):
    """What a letter is."""

    INSPECTION = "inspection"  # messages.InspectionRecord
    SAMPLE = "sample"  # messages.SampleUpload


class State(IntEnum):
    """Where a letter or a picture stands on its way to the server."""

    WAITING = 0
    SENT = 1  # the server answered that it has it
    REFUSED = 2  # the server will never take it as it is: set aside, shown, blocks nobody
    DROPPED = 3  # pictures only: given up, for want of room or because the file is gone


class Purpose(IntEnum):
    """Why a picture is kept. When room runs out the spot checks go first."""

    SPOT_CHECK = 0  # one in N of the OK parts: nice to have
    NOT_OK = 1
    SAMPLE = 2  # a good part to learn from


class Counter(StrEnum):
    """What went missing, counted since the outbox was made."""

    RECORDS_LOST = "records_lost"  # could not be written: the disk was full or failed
    RECORDS_DROPPED = "records_dropped"  # removed unsent for the quota, when no picture was left to remove
    SPOT_CHECKS_DROPPED = "spot_checks_dropped"  # pictures of OK parts, removed unsent for the quota
    PICTURES_DROPPED = "pictures_dropped"  # other pictures, removed unsent for the quota
    PICTURES_NOT_KEPT = "pictures_not_kept"  # wanted, but never written: no room


@dataclass(frozen=True, slots=True)
class NewPicture:
    """A picture to keep; ``data`` is a whole JPEG or PNG file of ``width`` x ``height`` pixels."""

    data: bytes
    sha256: str  # hex
    media_type: MediaType
    purpose: Purpose
    width: int
    height: int
    role: Role = "frame"


@dataclass(frozen=True, slots=True)
class NewLetter:
    """A message to keep with its pictures; ``body`` is its JSON, which names each picture's SHA-256."""

    kind: Kind
    id: str
    body: str
    pictures: tuple[NewPicture, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to send."""

    sequence: int  # grows in the order in which the station put them
    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on disk. ``file``: its name below the outbox's ``pictures`` folder."""

    number: int
    id: str  # of its letter
    file: str
    size: int  # bytes
    sha256: str  # hex
    media_type: MediaType


@dataclass(frozen=True, slots=True)
class SetAside:
    """Something that the server refused for good, and why."""

    id: str
    what: str  # "inspection", "sample" or "picture"
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What lies in the outbox now, and what ever went missing."""

    inspections_waiting: int
    samples_waiting: int
    pictures_waiting: int
    set_aside: int
    used_bytes: int
    oldest_waiting_at: float | None  # Unix seconds at which the oldest waiting letter was put
    missing: dict[Counter, int]
