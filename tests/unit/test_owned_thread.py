"""A thread that one object owns."""

import asyncio
import os
import threading

import pytest

from edge_service.lifecycle import OwnedThread
from edge_service.lifecycle.owned_thread import BACKGROUND_NICE


@pytest.fixture
def thread():
    """A thread that ends with the test."""
    thread = OwnedThread("test")
    yield thread
    thread.close()


async def test_calls_run_in_order_on_the_one_thread(thread: OwnedThread) -> None:
    """Whatever is asked for together runs one after the other on the same named thread."""
    seen: list[int] = []
    names = await asyncio.gather(
        *(thread.call(lambda n=n: (seen.append(n), threading.current_thread().name)[1]) for n in range(5))
    )
    assert seen == [0, 1, 2, 3, 4]
    assert set(names) == {"test"}


async def test_an_error_reaches_who_asked(thread: OwnedThread) -> None:
    """An exception on the thread is raised where the call was awaited, and the thread lives on."""
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 / 0)
    assert await thread.call(lambda: "still here") == "still here"


async def test_a_call_past_its_allowance_shows_as_not_alive(thread: OwnedThread) -> None:
    """A call that outlives its allowance makes the thread count as hanging until it returns."""
    begun, release = threading.Event(), threading.Event()
    call = asyncio.ensure_future(
        thread.call(lambda: (begun.set(), release.wait(5)), allowance_s=0.0),
    )
    await asyncio.to_thread(begun.wait, 5)
    assert not thread.alive()
    release.set()
    await call
    assert await thread.call(thread.alive)


async def test_what_is_begun_runs_before_anyone_waits_for_it(thread: OwnedThread) -> None:
    """The thread takes a call up at once, while the caller, who has not awaited it, blocks the loop."""
    begun = threading.Event()
    answer = thread.begin(lambda: (begun.set(), "done")[1])
    assert begun.wait(5)
    assert not answer.done()
    assert await answer == "done"


async def test_a_closed_thread_refuses(thread: OwnedThread) -> None:
    """After close nothing can be asked any more, and the thread is gone."""
    thread.close()
    assert not thread.alive()
    with pytest.raises(RuntimeError, match="closed"):
        await thread.call(lambda: None)


async def test_a_cancelled_caller_leaves_the_thread_usable(thread: OwnedThread) -> None:
    """Cancelling who waits does not disturb the calls after it."""
    release = threading.Event()
    waiting = asyncio.ensure_future(thread.call(release.wait, 5))
    await asyncio.sleep(0)
    waiting.cancel()
    release.set()
    assert await thread.call(lambda: 7) == 7


async def test_a_background_thread_gives_way() -> None:
    """It is nicer than the thread that started it, which stays as it was."""
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    background = OwnedThread("test-background", background=True)
    try:
        its_own = await background.call(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    finally:
        background.close()
    assert its_own == max(ours, BACKGROUND_NICE)
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == ours
