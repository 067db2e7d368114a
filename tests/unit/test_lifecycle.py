"""Notifications, backoff, watchdog, signals and the supervisor."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from edge_service.lifecycle import Backoff, Child, Notifier, Watchdog, stop_on_signals, supervise

pytestmark = pytest.mark.timeout(30)


def test_systemd_hears_each_stage_of_life(tmp_path: Path) -> None:
    """READY, WATCHDOG, EXTEND_TIMEOUT_USEC, STATUS and STOPPING arrive as sd_notify datagrams."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"})
        notifier.extend(90)
        notifier.ready()
        notifier.alive()
        notifier.status("two\nlines")
        notifier.stopping()
        notifier.close()
        heard = [systemd.recv(200) for _ in range(5)]
    assert heard == [
        b"EXTEND_TIMEOUT_USEC=90000000",
        b"READY=1",
        b"WATCHDOG=1",
        b"STATUS=two lines",
        b"STOPPING=1",
    ]
    assert notifier.watchdog_s == 3.0


def test_outside_systemd_and_with_systemd_gone_nothing_happens(tmp_path: Path) -> None:
    """No socket in the environment, or one that nobody reads, never raises."""
    Notifier({}).ready()
    deaf = Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})
    deaf.ready()
    deaf.close()
    assert Notifier({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}).watchdog_s is None


def test_waits_double_up_to_the_cap_and_start_anew_after_a_success() -> None:
    """Backoff is capped, jittered by the stated share, and reset by a success."""
    backoff = Backoff(1.0, 4.0, jitter=0.5, chance=lambda: 1.0)
    assert [backoff.next_s() for _ in range(4)] == [1.5, 3.0, 6.0, 6.0]
    backoff.reset()
    assert backoff.next_s() == 1.5


def test_the_heart_beats_only_while_everything_lives() -> None:
    """One silent part stops the beat; when it speaks again the beat goes on."""
    alive = {"camera": True, "engine": True}
    beats: list[str] = []
    watchdog = Watchdog(
        {name: lambda name=name: alive[name] for name in alive}, (lambda: beats.append("beat"),)
    )
    assert watchdog.turn()
    alive["engine"] = False
    assert not watchdog.turn()
    assert not watchdog.turn()
    alive["engine"] = True
    assert watchdog.turn()
    assert beats == ["beat", "beat"]


async def test_sigterm_sets_the_stop_event() -> None:
    """SIGTERM ends nothing by itself: it sets the event that the loop finishes its part for."""
    with stop_on_signals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await stop.wait()


def python(name: str, program: str) -> Child:
    """Return a child that runs a few lines of Python."""
    return Child(name, [sys.executable, "-c", program])


SLEEP = "import time; time.sleep(60)"


async def test_the_core_s_death_ends_the_supervisor_with_its_code() -> None:
    """A core that ends by itself is never restarted: its code, 1 for a false success, 128+n for a signal."""
    gateway = python("gateway", SLEEP)
    assert await supervise(python("core", "raise SystemExit(3)"), gateway, asyncio.Event()) == 3
    assert await supervise(python("core", "pass"), gateway, asyncio.Event()) == 1
    kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    assert await supervise(python("core", kill), gateway, asyncio.Event()) == 137


async def test_a_gateway_that_dies_comes_back(tmp_path: Path) -> None:
    """The gateway is started again after each death while the core runs on."""
    starts = tmp_path / "starts"
    gateway = python("gateway", f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(1)")
    core = python(
        "core",
        f"import os, time\nwhile os.path.exists({str(starts)!r}) is False or"
        f" os.path.getsize({str(starts)!r}) < 3: time.sleep(0.01)\nraise SystemExit(5)",
    )
    assert await supervise(core, gateway, asyncio.Event(), Backoff(0.01, 0.01)) == 5
    assert starts.read_text() >= "xxx"


async def test_stopping_ends_both_and_is_a_success(tmp_path: Path) -> None:
    """When asked to stop, core and gateway get SIGTERM, the core's clean end makes the whole one clean."""
    up = tmp_path / "up"
    os.mkfifo(up)
    core = python(
        "core",
        "import signal, sys, time\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(0))\n"
        f"open({str(up)!r}, 'w').close()\ntime.sleep(60)",
    )
    stop = asyncio.Event()
    running = asyncio.create_task(supervise(core, python("gateway", SLEEP), stop))
    await asyncio.to_thread(up.read_bytes)
    stop.set()
    assert await running == 0
