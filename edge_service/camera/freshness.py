"""How old can the light of this frame be: the rule that keeps the part before out of a verdict.

A free-running source delivers frames all the time, through buffers, and nobody tells when the light
fell that made the pixels. So it is bounded from below:

1. The reader takes every frame as soon as it can and throws away what nobody waits for, so buffers
   stay empty. It begins a read at ``s`` and has the frame at ``e``.
2. ``latency_s`` (L, configured) is the longest time from light to the frame being there for a reader
   that waits for it: exposure, transfer, decoding.
3. A read that had to wait got a frame that was not there yet at ``s``: its light fell after ``s - L``.
   A read that did not wait (less than half a frame interval) got a frame out of a buffer, because the
   reader or the network was held up. How old that frame is nobody knows: it is never judged.
4. A reader that is held up *within* a read looks as if it waited. Where the source stamps its frames
   (V4L2: the kernel, RTSP: the camera), the lag ``e - stamp`` tells: above its least value so far by
   ``d``, the frame is ``d`` older than a punctual one, so its light fell after ``e - L - d``. The two
   clocks may drift apart by ``DRIFT``, so the bound is loose by half a millisecond for each second since
   the last punctual frame; configure L with that to spare. The first ``SETTLING`` frames only find the
   least lag; one of them at least must have been punctual.

``exposure_began`` is the earlier of the two bounds, and a frame is judged only for a trigger before
it; so its read began later than trigger plus latency. Every error of these bounds costs a frame,
never a verdict on the part before.
"""

DRIFT = 500e-6  # seconds a second: as much as NTP may slew a clock (adjtimex(2))
SETTLING = 10


class Freshness:
    """Bounds the exposure of one frame after the other. Times in monotonic seconds."""

    def __init__(self, latency_s: float, rate_hz: float) -> None:
        self._latency_s = latency_s
        self._least_wait_s = 0.5 / rate_hz
        self._least_lag_s: float | None = None
        self._stamp_s = 0.0
        self._ended = 0.0
        self._settling = SETTLING

    def exposure_began(self, began: float, ended: float, stamp_s: float | None) -> float | None:
        """Return a time that the frame's light fell after; None when nothing is known.

        ``began``, ``ended``: of the read. ``stamp_s``: the source's own time of the frame, on any clock
        that runs at the rate of ours; None when it has none.
        """
        waited = ended - began >= self._least_wait_s
        excess_s = self._excess_s(ended, stamp_s, waited=waited)
        if self._settling > 0:
            self._settling -= 1
            return None
        if not waited:
            return None
        return min(began, ended - excess_s) - self._latency_s

    def _excess_s(self, ended: float, stamp_s: float | None, *, waited: bool) -> float:
        """Return by how much the frame came later than a punctual one."""
        if stamp_s is None:
            return 0.0
        lag_s = ended - stamp_s
        set_back = stamp_s < self._stamp_s and waited
        if self._least_lag_s is None or set_back:
            self._least_lag_s = lag_s
        relaxed = self._least_lag_s + DRIFT * (ended - self._ended if self._ended else 0.0)
        self._least_lag_s = min(relaxed, lag_s)
        self._stamp_s, self._ended = stamp_s, ended
        return lag_s - self._least_lag_s
