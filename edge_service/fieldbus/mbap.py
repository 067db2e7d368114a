"""Frames of Modbus/TCP: bytes in, requests out, whatever way the bytes were cut.

After "MODBUS Messaging on TCP/IP Implementation Guide V1.0b" (modbus.org), clause 3.1.3: transaction,
protocol (0), length of what follows, unit, then 1 to 253 bytes of PDU. A header that breaks this cannot be
resynchronised, so it is an error and the connection must be closed.
"""

import struct
from dataclasses import dataclass

_HEADER = 7
_PROTOCOL_END, _LENGTH_END = 4, 6
_LONGEST = 254  # unit and PDU
_SHORTEST = 2


class BadHeaderError(Exception):
    """The bytes are no Modbus/TCP."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came."""

    transaction: int
    unit: int
    pdu: bytes

    def reply(self, pdu: bytes) -> bytes:
        """Return the reply's whole frame."""
        return struct.pack(">HHHB", self.transaction, 0, len(pdu) + 1, self.unit) + pdu


class MbapReader:
    """Collects bytes and gives whole requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what came from the connection."""
        self._buffer += data

    def next(self) -> Request | None:
        """Return the next whole request, None when its end is still to come. Raises BadHeaderError."""
        buffer = self._buffer
        if any(buffer[2:_PROTOCOL_END]):
            raise BadHeaderError(f"protocol id {buffer[2:_PROTOCOL_END].hex()} is not 0000")
        if len(buffer) < _LENGTH_END:
            return None
        transaction, _, length = struct.unpack_from(">HHH", buffer)
        if not _SHORTEST <= length <= _LONGEST:
            raise BadHeaderError(f"length {length} is not 2-254")
        if len(buffer) < _LENGTH_END + length:
            return None
        request = Request(transaction, buffer[_LENGTH_END], bytes(buffer[_HEADER : _LENGTH_END + length]))
        del buffer[: _LENGTH_END + length]
        return request

    @property
    def partial(self) -> bool:
        """Bytes wait that are not a whole request yet (true only after ``next`` returned None)."""
        return bool(self._buffer)
