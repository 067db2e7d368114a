"""Read Device Identification (function 43, MEI type 14): who answers here.

After "MODBUS Application Protocol Specification V1.1b3" (modbus.org), clause 6.21.
"""

from typing import ClassVar

_BASIC, _REGULAR, _EXTENDED, _INDIVIDUAL = 1, 2, 3, 4
_LAST_BASIC, _LAST_REGULAR = 2, 6
_CONFORMITY = 0x82  # regular identification, stream and individual access
_SPACE = 253 - 7  # a PDU less function, MEI, code, conformity, more follows, next object, number of objects


class DeviceIdentification:
    """The objects 0-6 as ASCII texts."""

    MEI: ClassVar[int] = 14

    def __init__(self, *, version: str, station: str) -> None:
        self._objects = tuple(
            text.encode("ascii", "replace")[:200]
            for text in ("okng", "okng-edge", version, "", "okng inspection station", "okng-edge", station)
        )

    @staticmethod
    def known_code(code: int) -> bool:
        """Whether the code is one of the four ways to read."""
        return _BASIC <= code <= _INDIVIDUAL

    def answer(self, code: int, first: int) -> bytes | None:
        """Return the reply's data from the MEI type on; None for an object that is not there."""
        if code == _INDIVIDUAL:
            return self._reply(code, [first], 0) if first < len(self._objects) else None
        last = _LAST_BASIC if code == _BASIC else _LAST_REGULAR
        start = first if first <= last else 0
        fitting: list[int] = []
        size = 0
        for number in range(start, last + 1):
            size += 2 + len(self._objects[number])
            if size > _SPACE:
                return self._reply(code, fitting, number)
            fitting.append(number)
        return self._reply(code, fitting, 0)

    def _reply(self, code: int, numbers: list[int], following: int) -> bytes:
        more = 0xFF if following else 0
        head = bytes((self.MEI, code, _CONFORMITY, more, following, len(numbers)))
        texts = (bytes((number, len(self._objects[number]))) + self._objects[number] for number in numbers)
        return head + b"".join(texts)
