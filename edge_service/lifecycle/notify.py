"""What systemd is told, and when: readiness, life, the end, and that a slow step needs more time.

The protocol is sd_notify(3): datagrams of ``KEY=VALUE`` lines to the socket in ``NOTIFY_SOCKET``.
Without that variable every call does nothing, so the same code runs outside systemd.
"""

import asyncio
import os
import socket
from collections.abc import Mapping


class Notifier:
    """The line to systemd. It never raises: a full or vanished socket must not stop a station."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) if address else None
        if self._socket is not None:
            self._socket.setblocking(False)
        self.watchdog_s = _watchdog_s(environment)
        """How often systemd expects a sign of life, in seconds; None when it does not watch."""

    def ready(self) -> None:
        """Say that the service is up."""
        self._send("READY=1")

    def alive(self) -> None:
        """Give the sign of life that systemd's watchdog waits for."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """Say in a sentence what the service is doing, for ``systemctl status``."""
        self._send("STATUS=" + text.replace("\n", " "))

    def stopping(self) -> None:
        """Say that the service is ending on purpose."""
        self._send("STOPPING=1")

    def extend(self, seconds: float) -> None:
        """Ask for ``seconds`` more for the start or stop under way: a cold GPU compile takes its time."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1_000_000)}")

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, message: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendto(message.encode(), self._address)
        except OSError:
            return  # nobody listens any more; there is nobody to tell


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    if environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    try:
        return int(environment["WATCHDOG_USEC"]) / 1_000_000
    except (KeyError, ValueError):
        return None


async def stay_alive(notifier: Notifier) -> None:
    """Give systemd its sign of life for as long as this event loop turns."""
    while True:
        notifier.alive()
        await asyncio.sleep(1.0)
