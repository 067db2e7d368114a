"""A process that is started again whenever it dies, as systemd does it."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.process import ROOT

AGAIN_S = 0.1
GRACE_S = 20.0


class Kept:
    """``python -m ARGUMENTS`` with its log in ``folder``. ``kill`` is SIGKILL, to this very process."""

    def __init__(self, name: str, arguments: Sequence[str], folder: Path) -> None:
        self.name, self._arguments, self._folder = name, arguments, folder
        self._process: asyncio.subprocess.Process | None = None
        self._there = asyncio.Event()
        self.starts = self.kills = 0
        self.codes: list[int] = []  # how it ended when nobody killed it
        self._killed = False

    async def run(self) -> None:
        """Keep it until cancelled, then end it with SIGTERM."""
        try:
            while True:
                with (self._folder / f"{self.name}.log").open("ab") as log:
                    self._process = await asyncio.create_subprocess_exec(
                        sys.executable,
                        "-m",
                        *self._arguments,
                        stdout=asyncio.subprocess.DEVNULL,
                        stderr=log,
                        cwd=self._folder,
                        env={**os.environ, "PYTHONPATH": str(ROOT), "OKNG_LANG": "en"},
                    )
                self.starts += 1
                self._killed = False
                self._there.set()
                code = await self._process.wait()
                self._there.clear()
                if not self._killed:
                    self.codes.append(code)
                await asyncio.sleep(AGAIN_S)
        finally:
            await self._end()

    async def kill(self) -> None:
        """Kill it at once; where it is not there, wait until it is."""
        await self._there.wait()
        assert self._process is not None
        self._killed = True
        self._there.clear()
        self.kills += 1
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    async def _end(self) -> None:
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), GRACE_S)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
