"""The decoder, so that a few bytes cannot ask for endless memory or time.

asyncua believes the length of an array or a string before it looks at what is there. Two lengths need no
bytes behind them: an array of Nulls (2**31 of them is 16 GB of list), and a negative length, which moves
the reader backwards, so that an array is read from the same bytes again and again.
"""

from collections.abc import Callable
from typing import Any

from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua import ua_binary

_read: Callable[[Any, int], bytes] = Buffer.read


class _ArrayOfNulls:
    """Takes the place of a decoder that makes as many Nulls as it is told."""

    def unpack_array(self, _: Any, length: int) -> tuple[Any, ...]:
        """Read an array of Nulls: only an empty one makes sense."""
        if length > 0:
            raise NotEnoughData(f"an array of {length} Nulls")
        return ()

    def pack_array(self, data: Any) -> bytes:
        """Write an array of Nulls."""
        length: bytes = ua_binary.Primitives.Int32.pack(-1 if data is None else len(data))
        return length


def mend_decoding() -> None:
    """Mend asyncua's decoder in this process; doing it twice changes nothing."""
    if Buffer.read is not _strict_read:
        ua_binary.Primitives1.Null = _ArrayOfNulls()
        ua_binary._create_uatype_array_deserializer.cache_clear()  # else the old one stays
        Buffer.read = _strict_read


def _strict_read(self: Buffer, size: int) -> bytes:
    if size < 0:
        raise NotEnoughData(f"a length of {size}")
    return _read(self, size)
