"""The demo's child processes: started, watched, and ended by their own id, with a log file each."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_service.errors import InternalError, OkngError
from edge_service.language import say
from edge_service.lifecycle.parent import PARENT

END_TIMEOUT_S = 15.0
TAIL_LINES = 20


class ProcessFailedError(OkngError):
    """A child process of the demo ended with an error."""


class Process:
    """One child: ``python -m MODULE ARGUMENTS``, stderr to a log file, stdout read line by line."""

    def __init__(self, name: str, module: str, *arguments: str, log_folder: Path) -> None:
        self.name = name
        self.log_path = log_folder / f"{name}.log"
        log_folder.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603 - our own modules
                [sys.executable, "-m", module, *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=dict(os.environ, PYTHONUNBUFFERED="1", COLUMNS="100") | {PARENT: str(os.getpid())},
            )

    def lines(self) -> Iterator[str]:
        """Yield what the child prints until it closes its output."""
        if self._popen.stdout is None:
            raise InternalError("the child's output is not piped")
        for line in self._popen.stdout:
            yield line.rstrip("\n")

    def wait_for(self, marker: str | tuple[str, ...], timeout_s: float) -> str:
        """Return the first line that starts with ``marker``; raise when the child ends before."""
        timer = threading.Timer(timeout_s, self._popen.kill)
        timer.start()
        try:
            for line in self.lines():
                if line.startswith(marker):
                    return line
        finally:
            timer.cancel()
        raise self.failure()

    def drain(self) -> None:
        """Read on in a thread, so that the child never blocks on its output."""
        threading.Thread(target=lambda: list(self.lines()), name=f"drain-{self.name}", daemon=True).start()

    def finish(self, timeout_s: float) -> None:
        """Wait for the child's own end; raise ProcessFailedError with the log's tail unless it exits 0."""
        try:
            code = self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired as error:
            self.end()
            raise self.failure() from error
        if code:
            raise self.failure()

    def failure(self) -> ProcessFailedError:
        """An error that shows the end of the child's log."""
        code = self._popen.poll()
        tail = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-TAIL_LINES:])
        return ProcessFailedError(
            say(f"{self.name} failed (exit {code}):\n{tail}", f"{self.name} 失败（退出码 {code}）：\n{tail}"),
            remedy=say(f"whole log: {self.log_path}", f"完整日志：{self.log_path}"),
        )

    def end(self) -> None:
        """SIGTERM, then SIGKILL after a while; only this child, by its id."""
        if self._popen.poll() is None:
            self._popen.send_signal(signal.SIGTERM)
            try:
                self._popen.wait(END_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self._popen.kill()
                self._popen.wait()
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
