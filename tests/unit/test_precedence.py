"""The thread that answers the PLC goes first, and nothing else does. Each case is a process of its own."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOBODY = 65534
PREAMBLE = """
import json, os, resource, signal, sys, threading
from edge_service.lifecycle import go_first, inheriting

def rank():
    return [os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, threading.get_native_id())]

def on_a_thread(run):
    seen = []
    thread = threading.Thread(target=lambda: seen.append(run()))
    thread.start()
    thread.join()
    return seen[0]

def in_a_child():
    child = os.fork()
    if not child:
        os._exit(os.sched_getscheduler(0))
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

def become(nice, limits, user):
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        for what, value in limits.items():
            resource.setrlimit(getattr(resource, what), (value, value))
        if user is not None:
            os.setuid(user)
    except (OSError, ValueError) as error:
        print(json.dumps({"not_here": str(error)}))
        sys.exit()

"""


def tried(
    program: str, *, nice: int = 0, limits: dict[str, int] | None = None, user: int | None = None
) -> dict[str, Any]:
    """Run ``program`` at that nice level, with those limits, then as that user; return what it printed.

    It skips where this user may not set a process up so.
    """
    whole = f"{PREAMBLE}become({nice}, {limits or {}}, {user})\n{textwrap.dedent(program)}"
    done = subprocess.run(
        [sys.executable, "-c", whole], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    if "not_here" in found:
        pytest.skip(f"this user may not set a process up so: {found['not_here']}")
    return found


def rights(priority: int, nice: int) -> dict[str, int]:
    """Return what LimitRTPRIO= and LimitNICE= of the unit set."""
    return {"RLIMIT_RTPRIO": priority, "RLIMIT_NICE": 20 - nice}


RANKS = """
    reason = go_first(lambda: None)
    thread, heir = on_a_thread(rank), on_a_thread(inheriting(rank))
    giving_way = on_a_thread(inheriting(rank, at_least=10))
    print(json.dumps({"reason": reason, "own": rank(), "thread": thread, "heir": heir,
                      "giving_way": giving_way, "child": in_a_child()}))
"""


@pytest.mark.parametrize(
    "process",
    [
        pytest.param({}, id="with CAP_SYS_NICE"),
        pytest.param({"limits": rights(1, -10), "user": NOBODY}, id="without, by the unit's limits"),
    ],
)
def test_one_thread_goes_first_and_no_other(process: dict[str, Any]) -> None:
    """It is real-time; threads and children are ordinary, and heirs have its nice level."""
    found = tried(RANKS, nice=-10, **process)
    if found["reason"]:
        pytest.skip(f"this machine grants nobody real-time scheduling: {found['reason']}")
    assert found["own"] == [os.SCHED_RR | os.SCHED_RESET_ON_FORK, -10]
    assert found["thread"] == [os.SCHED_OTHER, 0]  # what the kernel takes, and inheriting gives back:
    assert found["heir"] == [os.SCHED_OTHER, -10]
    assert found["giving_way"] == [os.SCHED_OTHER, 10]
    assert found["child"] == os.SCHED_OTHER


@pytest.mark.parametrize(("nice", "why"), [(5, "not permitted"), (-10, "LimitNICE=")])
def test_without_the_right_everything_stays_as_it_was(nice: int, why: str) -> None:
    """Also where the thread could go first, but its threads' nice level could not be handed on."""
    found = tried(RANKS, nice=nice, limits=rights(0, 20), user=NOBODY)
    assert why in found["reason"]
    for who in ("own", "thread", "heir"):
        assert found[who] == [os.SCHED_OTHER, nice]


def test_who_never_rests_loses_its_place() -> None:
    """After a second without rest the thread is ordinary, told so once and works on. That takes no right."""
    found = tried("""
        lost = []
        reason = go_first(lambda: lost.append(rank()[0]))
        if os.getuid() == 0:
            os.setuid(65534)
        while not reason and not lost:
            pass
        print(json.dumps({"reason": reason, "lost": lost, "own": rank()[0]}))
    """)
    if found["reason"]:
        pytest.skip(found["reason"])
    assert found["lost"] == [os.SCHED_OTHER | os.SCHED_RESET_ON_FORK]
    assert found["own"] == found["lost"][0]


def test_the_kernel_ends_who_cannot_even_hear_that() -> None:
    """Three seconds in C code that never returns: the process is killed, and would be started again."""
    found = tried("""
        child = os.fork()
        if not child:
            if go_first(lambda: None):
                os._exit(77)
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
            while True:
                pass
        print(json.dumps({"status": os.waitpid(child, 0)[1]}))
    """)
    if os.WIFEXITED(found["status"]):
        pytest.skip("not permitted here")
    assert os.WTERMSIG(found["status"]) == 9
