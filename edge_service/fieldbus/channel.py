"""What lies between a socket and Modbus: nothing, or TLS; and what the other end may do."""

from enum import IntEnum
from typing import Protocol

_WRITING = frozenset({5, 6, 15, 16, 22, 23})


class Access(IntEnum):
    """What a master may do; each includes the ones before."""

    NOTHING = 0
    READ = 1
    WRITE = 2

    def allows(self, function: int) -> bool:
        """Whether a request with that function code may be carried out."""
        return self >= (Access.WRITE if function in _WRITING else Access.READ)


class ChannelError(Exception):
    """The channel cannot go on; ``send(b"")`` may still give bytes that tell the other end why."""


class Channel(Protocol):
    """One connection's way from wire to plain bytes and back; never waits."""

    @property
    def established(self) -> bool:
        """Whether plain bytes may flow."""
        ...

    @property
    def access(self) -> Access:
        """What the other end may do."""
        ...

    @property
    def who(self) -> str:
        """What the other end proved to be, for the log."""
        ...

    def receive(self, data: bytes) -> bytes:
        """Take bytes from the wire, return plain ones. Raises ChannelError."""
        ...

    def send(self, plain: bytes) -> bytes:
        """Take plain bytes (none: only what waits), return what must go onto the wire."""
        ...


class PlainChannel:
    """No TLS: everybody who may connect may write."""

    established = True
    access = Access.WRITE
    who = ""

    def receive(self, data: bytes) -> bytes:
        """Return the bytes as they are."""
        return data

    def send(self, plain: bytes) -> bytes:
        """Return the bytes as they are."""
        return plain
