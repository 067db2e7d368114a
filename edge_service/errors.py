"""Every error the station can report, as one tree.

::

    OkngError
    ├── OurError                      what we, or whoever configured us, can mend here
    │   ├── ConfigurationError   104  a YAML file or an option is wrong
    │   ├── PackageError         110  a model package cannot be used
    │   │   ├── SignatureError   111  nobody we trust signed it, or it was changed since
    │   │   └── SelfTestError    112  it does not judge its own golden images as it should
    │   ├── RecipeError          103  a recipe is unknown or cannot be used
    │   └── InternalError        901  a bug
    └── TheirError                    what the plant around us must mend
        ├── PlcError             231  the PLC's link
        │   ├── NotOwnerError    250  another master owns the registers
        │   └── RefusedError     2xx  a trigger or command is not taken now; ``reason`` says why
        ├── CameraError          302  the camera is gone
        │   ├── NoFrameError     301  no frame came in time
        │   ├── StaleFrameError  303  the frame was exposed before its trigger
        │   └── BadImageError    304  an image that is no image
        ├── InferenceError       401  the model failed on a frame
        │   └── ScoreNotFiniteError 403  it gave a score that is not a number
        ├── DiskFullError        501  no room to write
        ├── DiskFailedError      501  the disk, or the database on it, fails
        ├── ClockError           750  the box's clock cannot be set
        └── LinkError            601  the other process or server is away
            └── MessageError     601  it answers what nobody can read

Each carries the numeric ``code`` that the PLC reads (``domain/codes.py`` lists them all) and a
``remedy``: the sentence that tells a maintenance person what to do.
"""

from typing import ClassVar

from edge_service.language import say


class OkngError(Exception):
    """Root of the tree: a sentence saying what and where, and a remedy saying what to do."""

    code: ClassVar[int] = 901

    def __init__(self, what: str, *, remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  -> {self.remedy}" if self.remedy else self.what


class OurError(OkngError):
    """Something that can be mended on this box."""


class ConfigurationError(OurError):
    """A configuration file or a command-line option is wrong."""

    code = 104


class RecipeError(OurError):
    """A recipe is unknown or cannot be used."""

    code = 103


class PackageError(OurError):
    """A model package cannot be used."""

    code = 110


class SignatureError(PackageError):
    """Nobody we trust signed the package, or it was changed after signing."""

    code = 111


class SelfTestError(PackageError):
    """The model does not judge its own golden images as it should on this box."""

    code = 112


class InternalError(OurError):
    """A bug of ours."""

    code = 901


class TheirError(OkngError):
    """Something around the station that must be mended there."""


class PlcError(TheirError):
    """The link to the PLC cannot be used."""

    code = 231


class NotOwnerError(PlcError):
    """Another master owns the registers: nothing was written."""

    code = 250


class RefusedError(PlcError):
    """A trigger or command was not taken; ``reason`` is the code that says why."""

    def __init__(self, reason: int, what: str, *, remedy: str = "") -> None:
        super().__init__(
            say(f"refused, code {reason}: {what}", f"被拒绝，代码 {reason}：{what}"), remedy=remedy
        )
        self.reason = reason


class CameraError(TheirError):
    """The camera is lost or refuses."""

    code = 302


class NoFrameError(CameraError):
    """No frame arrived within the exposure time-out."""

    code = 301


class StaleFrameError(CameraError):
    """The only frame on offer was exposed before its trigger."""

    code = 303


class BadImageError(CameraError):
    """An image that is no image, or that cannot be judged."""

    code = 304


class InferenceError(TheirError):
    """The model failed on a frame."""

    code = 401


class ScoreNotFiniteError(InferenceError):
    """The model gave a score or a map that is not a finite number."""

    code = 403


class DiskFullError(TheirError):
    """There is no room to write."""

    code = 501


class DiskFailedError(TheirError):
    """The disk, or the database on it, fails."""

    code = 501


class ClockError(TheirError):
    """The box's clock cannot be set."""

    code = 750


class LinkError(TheirError):
    """The other process, or the server, is away."""

    code = 601


class MessageError(LinkError):
    """The other side answered what cannot be read."""
