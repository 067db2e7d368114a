"""What can go wrong with a server, each with the reaction it gets.

::

    LinkError
    ├── AwayError      no answer in time, no route, or "later": wait and try again
    ├── NonsenseError  it answers, but not as a training server of okng does: wait longer, say so
    ├── TokenError     it does not let this box in: wait for a new enrolment, say so
    └── RefusalError   it will never take this very thing: set it aside, go on with the next
"""

from edge_service.errors import LinkError, MessageError
from edge_service.language import say


class AwayError(LinkError):
    """The server does not answer, or asks to come later (``retry_after_s``)."""

    def __init__(self, what: str, *, remedy: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(what, remedy=remedy)
        self.retry_after_s = retry_after_s


class NonsenseError(MessageError):
    """What came back is nothing that a training server says."""


class TokenError(LinkError):
    """The token is wrong or was revoked."""


class RefusalError(LinkError):
    """The server will not take this, now or later. ``error`` is its word for it, ``status`` HTTP's."""

    def __init__(self, what: str, *, error: str, status: int, remedy: str = "") -> None:
        super().__init__(what, remedy=remedy)
        self.error, self.status = error, status


def nonsense(what: str) -> NonsenseError:
    """Return the error that says so."""
    return NonsenseError(
        say(f"the server's answer makes no sense: {what[:300]}", f"服务器的应答无法理解：{what[:300]}"),
        remedy=say(
            "is the address that of an okng training server, and both of the same version?",
            "请确认地址是 okng 训练服务器，且两端版本一致",
        ),
    )
