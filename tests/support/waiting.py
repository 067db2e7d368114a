"""Waiting for what has no event of its own: another process, a file, a state far behind an interface."""

import asyncio
from collections.abc import Callable


async def until(holds: Callable[[], bool], timeout_s: float = 10.0) -> None:
    """Return once it holds. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 - that is what this is for
            await asyncio.sleep(0.005)
