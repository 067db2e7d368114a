"""The box's clock: is it right, as far as anybody can tell, and setting it when the PLC knows the time.

The kernel knows whether NTP keeps the clock (adjtimex(2), STA_UNSYNC). Where there is no NTP, a clock that
was set by command 8 counts as right for a day.
"""

import ctypes
import time
from collections.abc import Callable

from edge_service.errors import ClockError
from edge_service.language import say

_STA_UNSYNC = 0x0040
_GOOD_FOR_S = 86_400.0
_LOOK_EACH_S = 10.0


class _Timex(ctypes.Structure):
    """The beginning of ``struct timex``, and room for the rest."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


def kept_by_ntp() -> bool:
    """Return whether the kernel takes the clock for synchronised; True where it cannot be asked."""
    timex = _Timex()
    library = ctypes.CDLL(None)
    if not hasattr(library, "adjtimex") or library.adjtimex(ctypes.byref(timex)) < 0:
        return True
    return not timex.status & _STA_UNSYNC


class BoxClock:
    """What the station needs of the clock: ``set`` and ``good``."""

    def __init__(
        self,
        kept: Callable[[], bool] = kept_by_ntp,
        settime: Callable[[int, float], None] = time.clock_settime,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kept, self._settime, self._monotonic = kept, settime, monotonic
        self._set_at: float | None = None
        self._seen: tuple[float, bool] | None = None

    def set(self, seconds: int) -> None:
        """Set the clock (Unix seconds). Raises ClockError where this process may not."""
        try:
            self._settime(time.CLOCK_REALTIME, seconds)
        except PermissionError as error:
            raise ClockError(
                say("this process may not set the clock", "本进程无权设置时钟"),
                remedy=say(
                    "use NTP, or give the service CAP_SYS_TIME", "请使用 NTP，或授予服务 CAP_SYS_TIME"
                ),
            ) from error
        self._set_at = self._monotonic()
        self._seen = None

    def good(self) -> bool:
        """Whether the clock is right as far as anybody can tell; looked up every ten seconds."""
        now = self._monotonic()
        if self._seen is None or now - self._seen[0] >= _LOOK_EACH_S:
            fresh = self._set_at is not None and now - self._set_at < _GOOD_FOR_S
            self._seen = (now, fresh or self._kept())
        return self._seen[1]
