"""How long to wait before the next try: doubling, capped, jittered."""

import random
from collections.abc import Callable


class Backoff:
    """Seconds to wait before each next try; ``reset`` after a success.

    >>> waits = Backoff(0.5, 4.0, jitter=0.0)
    >>> [waits.next_s() for _ in range(5)]
    [0.5, 1.0, 2.0, 4.0, 4.0]
    """

    def __init__(
        self,
        first_s: float = 0.5,
        most_s: float = 10.0,
        *,
        jitter: float = 0.2,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._first_s, self._most_s, self._jitter, self._chance = first_s, most_s, jitter, chance
        self._s = first_s

    def next_s(self) -> float:
        """Return the wait before the next try; it varies by ``jitter`` so that many do not try at once."""
        wait_s, self._s = self._s, min(2.0 * self._s, self._most_s)
        return wait_s * (1.0 + self._jitter * (2.0 * self._chance() - 1.0))

    def reset(self) -> None:
        """Begin again with the shortest wait."""
        self._s = self._first_s
