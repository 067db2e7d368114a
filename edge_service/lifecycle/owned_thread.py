"""One thread that one object owns, so that blocking calls never stop the event loop.

A camera, an engine or a JPEG encoder keeps an ``OwnedThread`` and awaits its blocking calls there::

    self._thread = OwnedThread("camera")
    frame = await self._thread.call(self._read, allowance_s=1.0)
    ...
    self._thread.close()

Calls run one after the other, in the order they were asked for. The thread is a daemon: a call that
never returns (a driver that hangs) cannot keep the process from ending.

A ``background`` thread leaves the processor to the others where they want it (nice 10: a tenth of a core at
worst, so that it never holds anything up for long). Nothing that the next verdict waits for belongs on one,
nor does a library that starts threads of its own there: they would inherit it.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

from edge_service.lifecycle.precedence import inheriting

Result = TypeVar("Result")

BACKGROUND_NICE = 10


class OwnedThread:
    """A named daemon thread that runs calls in order and can tell whether it still turns."""

    def __init__(self, name: str, *, background: bool = False) -> None:
        self._calls: queue.SimpleQueue[_Call | None] = queue.SimpleQueue()
        self._hangs_at = float("inf")  # monotonic time after which the call in hand counts as hanging
        self._closed = False
        turn = inheriting(self._turn, at_least=BACKGROUND_NICE) if background else inheriting(self._turn)
        self._thread = threading.Thread(target=turn, name=name, daemon=True)
        self._thread.start()

    async def call(
        self, function: Callable[..., Result], *arguments: Any, allowance_s: float = 5.0
    ) -> Result:
        """Run ``function(*arguments)`` on the thread and return or raise what it does.

        ``allowance_s``: how long it may take before ``alive`` says False. Cancelling the caller
        leaves the call running; a call that has not begun is skipped.
        """
        return await self.begin(function, *arguments, allowance_s=allowance_s)

    def begin(
        self, function: Callable[..., Result], *arguments: Any, allowance_s: float = 5.0
    ) -> "asyncio.Future[Result]":
        """Like ``call``, but the thread is told at once, and the caller may do something else meanwhile."""
        if self._closed:
            raise RuntimeError(f"thread {self._thread.name} is closed")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Result] = loop.create_future()
        self._calls.put(_Call(lambda: function(*arguments), allowance_s, loop, answer))
        return answer

    def alive(self) -> bool:
        """Return False when the thread died or the call in hand is past its allowance."""
        return self._thread.is_alive() and time.monotonic() < self._hangs_at

    def close(self, wait_s: float = 2.0) -> None:
        """Finish the calls asked for so far, then end; wait at most ``wait_s`` for it."""
        if not self._closed:
            self._closed = True
            self._calls.put(None)
        self._thread.join(wait_s)

    def _turn(self) -> None:
        while (call := self._calls.get()) is not None:
            if call.answer.cancelled():
                continue
            self._hangs_at = time.monotonic() + call.allowance_s
            call.run()
            self._hangs_at = float("inf")
            del call  # keep no frame alive while waiting


class _Call:
    """One call on its way through the thread and its answer on the way back."""

    __slots__ = ("allowance_s", "answer", "function", "loop")

    def __init__(
        self,
        function: Callable[[], Any],
        allowance_s: float,
        loop: asyncio.AbstractEventLoop,
        answer: "asyncio.Future[Any]",
    ) -> None:
        self.function = function
        self.allowance_s = allowance_s
        self.loop = loop
        self.answer = answer

    def run(self) -> None:
        try:
            result = self.function()
        except BaseException as error:  # noqa: BLE001 - whatever it is, the one who asked must see it
            self._deliver(self._fail, error)
        else:
            self._deliver(self._succeed, result)

    def _succeed(self, result: Any) -> None:
        if not self.answer.done():
            self.answer.set_result(result)

    def _fail(self, error: BaseException) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)

    def _deliver(self, how: Callable[[Any], None], what: Any) -> None:
        try:
            self.loop.call_soon_threadsafe(how, what)
        except RuntimeError:  # the loop closed meanwhile: nobody waits any more
            return
