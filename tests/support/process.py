"""Real processes of the station for tests: started, listened to, stopped, never left behind."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WAIT_S = 60.0
ROOT = Path(__file__).parents[2]


class Service:
    """A running ``okng-edge VERB`` (or ``module``'s); stdout comes line by line, stderr goes to a file."""

    def __init__(
        self, folder: Path, *arguments: str, module: str = "edge_service", **environment: str
    ) -> None:
        self._log = folder / f"{arguments[0]}-{len(list(folder.glob('*.stderr')))}.stderr"
        self._lines: queue.Queue[str | None] = queue.Queue()
        ours = {"PYTHONPATH": str(ROOT), "OKNG_LANG": "en"}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=folder,
                env={**os.environ, **ours, **environment},
            )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.decode().strip())
        self._lines.put(None)

    def line(self, start: str) -> str:
        """Wait for the next stdout line that starts so; return the rest of it."""
        while (line := self._lines.get(timeout=WAIT_S)) is not None:
            if line.startswith(start):
                return line.removeprefix(start)
        raise AssertionError(f"ended without {start!r}; stderr:\n{self.stderr}")

    def ready(self) -> tuple[str, int]:
        """Wait until a PLC can trigger; return where."""
        host, port = self.line("ready modbus=").rsplit(":", 1)
        return host, int(port)

    @property
    def stderr(self) -> str:
        """Everything it wrote there so far."""
        return self._log.read_text()

    def logged(self, event: str, times: int = 1) -> dict[str, Any]:
        """Wait until it has logged ``event`` so many times; return the last one."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            lines = [json.loads(line) for line in self.stderr.splitlines() if line.startswith("{")]
            found = [line for line in lines if line.get("event") == event]
            if len(found) >= times:
                return dict(found[times - 1])
            time.sleep(0.05)  # another process's log has no event to wait for
        raise AssertionError(f"never logged {event!r}; stderr:\n{self.stderr}")

    def ended(self) -> int:
        """Wait for the end; return the exit code."""
        return self.process.wait(WAIT_S)

    def stop(self) -> int:
        """Ask with SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(WAIT_S)
        self._thread.join(WAIT_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def service(
    folder: Path, *arguments: str, module: str = "edge_service", **environment: str
) -> Iterator[Service]:
    """Run ``okng-edge`` with ``arguments`` in ``folder`` for as long as the block lasts."""
    running = Service(folder, *arguments, module=module, **environment)
    try:
        yield running
    finally:
        running.close()
