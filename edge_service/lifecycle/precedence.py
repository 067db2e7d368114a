"""Who comes first on the box's processor: the thread that answers the PLC, before everything else.

``go_first`` gives the calling thread real-time scheduling (SCHED_RR at the lowest priority): the kernel then
runs it the moment a PLC's request is there, whoever else is at work. Its rules:

- It is for that one thread. Threads and children that it starts are ordinary again (SCHED_RESET_ON_FORK).
- The kernel takes a negative nice level from them too. Who starts a thread hands on its own with
  ``inheriting``, and where that is not permitted ``go_first`` leaves everything as it was.
- A thread that does not sleep for ``LONGEST_TURN_S`` loses its precedence for good, and one that cannot even
  hear that is ended by the kernel after ``LAST_TURN_S``: a bug must not take the box. sched(7), getrlimit(2).

::

    loop.set_default_executor(ThreadPoolExecutor(initializer=inheriting(bool)))
    reason = go_first(lost)  # None, or why everything stays as it was
"""

import contextlib
import os
import resource
import signal
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

PRIORITY = 1  # of 99: before every ordinary thread, after whatever else is real-time on the box
LONGEST_TURN_S, LAST_TURN_S = 1, 3
_MOST_FAVOURABLE = -20


def go_first(lost: Callable[[], None]) -> str | None:
    """Let the calling thread, the process's main one, go first; return why not, or None.

    ``lost`` is called, as a signal handler is, when it has kept the processor too long and lost its place.
    """
    if not hasattr(os, "SCHED_RESET_ON_FORK"):
        return "not Linux"
    if not _may_hand_on_its_nice():
        return "its threads would lose their nice level: LimitNICE= is missing"

    def step_back(*_: object) -> None:
        os.sched_setscheduler(0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))
        lost()

    signal.signal(signal.SIGXCPU, step_back)
    try:
        _limit_turns()
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(PRIORITY))
    except OSError as error:
        return f"not permitted: {error.strerror}"
    return None


def inheriting(
    run: Callable[Arguments, Result], *, at_least: int = _MOST_FAVOURABLE
) -> Callable[Arguments, Result]:
    """Return ``run`` for another thread, to run there with the nice level of whoever calls this.

    ``at_least``: a thread that gives way is never less nice than that.
    """
    nice = max(at_least, _nice())

    def ranked(*arguments: Arguments.args, **named: Arguments.kwargs) -> Result:
        if _nice() != nice:
            with contextlib.suppress(OSError):  # then it competes like any other
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
        return run(*arguments, **named)

    return ranked


def _nice() -> int:
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


def _may_hand_on_its_nice() -> bool:
    """Try on a thread of no importance, since there would be no way back."""
    nice = _nice()
    refused: list[OSError] = []

    def there_and_back() -> None:
        me = threading.get_native_id()
        try:
            os.setpriority(os.PRIO_PROCESS, me, 0)
            os.setpriority(os.PRIO_PROCESS, me, nice)
        except OSError as error:
            refused.append(error)

    if nice < 0:
        trial = threading.Thread(target=there_and_back, name="nice-trial")
        trial.start()
        trial.join()
    return not refused


def _limit_turns() -> None:
    hard = resource.getrlimit(resource.RLIMIT_RTTIME)[1]
    wanted = [seconds * 1_000_000 for seconds in (LONGEST_TURN_S, LAST_TURN_S)]
    limits = wanted if hard == resource.RLIM_INFINITY else [min(each, hard) for each in wanted]
    resource.setrlimit(resource.RLIMIT_RTTIME, (limits[0], limits[1]))
