"""Parts of a file, as RFC 9110 section 14 has them: one range, and the whole file for anything unusual."""

import re
from dataclasses import dataclass

from edge_service.language import say
from trainer.errors import Refusal, RequestError

_ONE_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


@dataclass(frozen=True, slots=True)
class Part:
    """``length`` bytes from ``start`` on, of ``size``."""

    start: int
    length: int
    size: int

    @property
    def content_range(self) -> str:
        """The header's value."""
        return f"bytes {self.start}-{self.start + self.length - 1}/{self.size}"


def wanted_part(ranges: str | None, if_range: str | None, etag: str, size: int) -> Part | None:
    """Return the part asked for; None for the whole file. Raises RequestError RANGE for bytes beyond it."""
    found = _ONE_RANGE.fullmatch((ranges or "").replace(" ", ""))
    if found is None or found.groups() == ("", "") or (if_range is not None and if_range != etag):
        return None
    first, last = found.groups()
    if not first:
        start, end = max(0, size - int(last)), size - 1
    else:
        start, end = int(first), min(int(last or size), size - 1)
        if last and int(last) < start:
            return None  # such a range means nothing
    if start >= size or end < start:
        raise RequestError(
            Refusal.RANGE,
            say(f"the file has {size} bytes", f"文件共 {size} 字节"),
            remedy=say("fetch it from the beginning", "请从头获取"),
        )
    return Part(start, end - start + 1, size)
