r"""Frames of Modbus RTU on a line that other stations share: bytes in, the request that waits for us out.

After "MODBUS over Serial Line Specification and Implementation Guide V1.02" (modbus.org), clause 2.5.1, with
one liberty: bytes reach a computer in batches, so silence within a frame proves nothing. What counts is

* length and CRC. From the last frame on, each candidate of known length (request or reply of the function in
  it) whose CRC is right is one frame and is skipped, whoever it is for. Where none fits, one byte is dropped:
  after noise the next whole frame is found again. A function of unknown length ends where its CRC is right.
* the place. A request is for us only if nothing follows it: its sender waits for the reply. So a request that
  merely looks like one, inside somebody else's data, is not answered.

::

    reader = RtuReader(unit=1)
    reader.feed(bytes_from_the_line, now)
    request = reader.quiet()      # the line has been silent for t3.5: b"\x01\x03..." without CRC, or None
"""

from collections.abc import Iterator

BROADCAST = 0
_SHORTEST, _LONGEST = 4, 256  # unit, function, CRC; and the most a frame may hold
_KEPT = 2 * _LONGEST  # a frame, and the one before it
_PATIENCE_S = 0.05  # a frame whose rest stays away for so long is over
_ANSWERS_FROM = 0x80  # functions from here on are exceptions: replies

_FIXED_REQUEST = {1: 8, 2: 8, 3: 8, 4: 8, 5: 8, 6: 8, 7: 4, 8: 8, 11: 4, 12: 4, 17: 4, 22: 10, 24: 6, 43: 7}
_COUNTED_REQUEST = {
    15: (6, 9),
    16: (6, 9),
    20: (2, 5),
    21: (2, 5),
    23: (10, 13),
}  # place of count, bytes beside
_FIXED_REPLY = {5: 8, 6: 8, 7: 5, 8: 8, 11: 8, 15: 8, 16: 8, 22: 10}
_COUNTED_REPLY = frozenset({1, 2, 3, 4, 12, 17, 20, 21, 23})
_COUNTED_BESIDE = 5


def _table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC = _table()


def crc(data: bytes) -> int:
    """Return the CRC-16 of clause 6.2.2; 0 for data that ends with its own CRC."""
    value = 0xFFFF
    for octet in data:
        value = value >> 8 ^ _CRC[(value ^ octet) & 0xFF]
    return value


def framed(adu: bytes) -> bytes:
    """Return the frame of unit and PDU: with its CRC, low byte first."""
    return adu + crc(adu).to_bytes(2, "little")


class RtuReader:
    """Watches the line. ``unit``: who we are."""

    def __init__(self, unit: int) -> None:
        self._unit = unit
        self._buffer = bytearray()
        self._fed_at = 0.0
        self.dropped = 0  # bytes that belonged to no frame, for the log

    def feed(self, data: bytes, now: float) -> None:
        """Add what came from the line."""
        if now - self._fed_at > _PATIENCE_S:
            self._forget(len(self._buffer))
        self._fed_at = now
        self._buffer += data
        if len(self._buffer) > 2 * _KEPT:  # the line is never silent: keep what may still become a frame
            self._forget(len(self._buffer) - _KEPT)

    def quiet(self) -> bytes | None:
        """Return unit and PDU of the request that waits for us (or is for everybody); None: there is none.

        Call it when the line has been silent for t3.5.
        """
        at = used = 0
        request: bytes | None = None
        while at + _SHORTEST <= len(self._buffer):
            end = self._end(at, in_step=at == used)
            if end is None:
                at += 1
                continue
            request = self._request(at, end)
            self.dropped += at - used
            at = used = end
        del self._buffer[:used]
        return request if not self._buffer else None

    def _forget(self, count: int) -> None:
        self.dropped += count
        del self._buffer[:count]

    def _request(self, at: int, end: int) -> bytes | None:
        unit, function = self._buffer[at], self._buffer[at + 1]
        mine = unit in (self._unit, BROADCAST) and function < _ANSWERS_FROM
        if not mine or (end - at not in self._lengths_of_request(at) and not self._last_resort(at, end)):
            return None
        return bytes(self._buffer[at : end - 2])

    def _last_resort(self, at: int, end: int) -> bool:
        """Whether a frame is neither request nor reply of known length: a request gone wrong."""
        return end - at not in self._lengths_of_reply(at)

    def _end(self, at: int, *, in_step: bool) -> int | None:
        """Return where the frame that begins at ``at`` ends; None when none does."""
        here = bytes(self._buffer[at : at + _LONGEST])
        lengths = {*self._lengths_of_request(at), *self._lengths_of_reply(at)}
        for length in sorted(lengths):
            if length <= len(here) and crc(here[:length]) == 0:
                return at + length
        incomplete = any(len(here) < length <= _LONGEST for length in lengths)
        return None if incomplete or not in_step else self._end_of_unknown(at, here)

    @staticmethod
    def _end_of_unknown(at: int, here: bytes) -> int | None:
        value = 0xFFFF
        for length, octet in enumerate(here, 1):
            value = value >> 8 ^ _CRC[(value ^ octet) & 0xFF]
            if value == 0 and length >= _SHORTEST:
                return at + length
        return None

    def _lengths_of_request(self, at: int) -> Iterator[int]:
        function = self._buffer[at + 1]
        if function in _FIXED_REQUEST:
            yield _FIXED_REQUEST[function]
        elif function in _COUNTED_REQUEST:
            place, beside = _COUNTED_REQUEST[function]
            if at + place < len(self._buffer):
                yield self._buffer[at + place] + beside

    def _lengths_of_reply(self, at: int) -> Iterator[int]:
        function = self._buffer[at + 1]
        if function >= _ANSWERS_FROM:
            yield _COUNTED_BESIDE
        elif function in _FIXED_REPLY:
            yield _FIXED_REPLY[function]
        elif function in _COUNTED_REPLY and at + 2 < len(self._buffer):
            yield self._buffer[at + 2] + _COUNTED_BESIDE
