"""What can go wrong while a model is made or served, as one tree under the station's own root.

::

    OkngError
    └── TrainerError              the trainer stopped; its remedy says what to do
        ├── DatasetError          the photographs cannot be trained from
        │   └── PhotographError   this one file is not a photograph
        ├── WeightsError          the teacher's weights are missing, damaged or of another network
        ├── DivergedError         the loss left the numbers
        ├── ExportError           the exported graph does not do what the trained network does
        ├── SettingError          an option of the run is out of range
        ├── DatabaseError         the server's database is away or refuses
        └── RequestError          the server does not carry out a request; ``refusal`` says why
"""

from enum import StrEnum

from edge_service.errors import OurError


class TrainerError(OurError):
    """The trainer stopped."""


class DatasetError(TrainerError):
    """The photographs cannot be trained from."""


class PhotographError(DatasetError):
    """One of the files is not a photograph."""


class WeightsError(TrainerError):
    """The teacher's weights are missing, damaged or of another network."""


class DivergedError(TrainerError):
    """The loss left the numbers."""


class ExportError(TrainerError):
    """The exported graph does not do what the trained network does."""


class SettingError(TrainerError):
    """An option of the run is out of range."""


class DatabaseError(TrainerError):
    """The server's database is away or refuses."""


class Refusal(StrEnum):
    """Why a request is not carried out, in the word that programs compare."""

    UNAUTHORISED = "unauthorised"  # no token, an unknown one, or one that was revoked
    FORBIDDEN = "forbidden"  # a token that may not do this
    WRONG_CODE = "wrong_code"  # an enrolment code that is unknown, used or expired
    WRONG_STATION = "wrong_station"  # a box speaks for another one
    WRONG_HOST = "wrong_host"
    NOT_FOUND = "not_found"
    NOT_ALLOWED = "not_allowed"  # this address does not take that method
    CONFLICT = "conflict"  # something else stands there already
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"  # the sender stopped in the middle
    WRONG_TYPE = "wrong_type"  # not a picture or package that is taken here
    WRONG_DIGEST = "wrong_digest"  # the bytes are not those that were announced
    UNREADABLE = "unreadable"
    RANGE = "range"  # bytes that the file does not have
    DISK_FULL = "disk_full"
    AWAY = "away"  # the database, for now
    BUSY = "busy"
    BUG = "bug"


class RequestError(TrainerError):
    """The server does not carry out a request."""

    def __init__(self, refusal: Refusal, what: str, *, remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.refusal = refusal
