"""The gateway's end of the link: it keeps itself connected, and no one who waits can hang."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import structlog

from edge_service.errors import LinkError
from edge_service.language import say
from edge_service.lifecycle.backoff import Backoff
from edge_service.link.messages import Answer, Command, Event, Message, Role, Snapshot, encode, receive

log = structlog.get_logger()

AWAY_S = 2.0  # silence after which the core counts as away


class LinkClient:
    """Connects to the core at ``path``, again and again, from enter to exit.

    ``hear`` is called with every snapshot and event. The core speaks at least every 250 ms, so
    ``away`` (nothing said for ``away_s``, however late it is read) covers a core that is stopped or stuck.
    One that is dead, so that nobody listens at ``path``, is away at once.
    """

    def __init__(self, path: Path, hear: Callable[[Snapshot | Event], None], away_s: float = AWAY_S) -> None:
        self._path, self._hear, self._away_s = path, hear, away_s
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Answer]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._heard_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def away(self) -> bool:
        """Whether the core is dead, or has been silent for longer than ``away_s``."""
        return time.monotonic() - self._heard_at > self._away_s

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="link-client")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def command(
        self, name: str, arguments: Mapping[str, Any], role: Role, timeout_s: float = 5.0
    ) -> Answer:
        """Have the core do something; raise LinkError when it is away or does not answer in time."""
        if self._writer is None:
            raise _core_away()
        command = Command(next(self._numbers), name, arguments, role)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[command.id] = answer
        try:
            async with asyncio.timeout(timeout_s):
                self._writer.write(encode(command))
                await self._writer.drain()
                return await answer
        except (TimeoutError, OSError) as error:
            raise _core_away() from error
        finally:
            del self._waiting[command.id]

    async def _run(self) -> None:
        backoff = Backoff(0.1, 1.0)
        told = False
        while True:
            try:
                reader, self._writer = await self._connected()
                log.info("link_up", path=str(self._path))
                backoff.reset()
                told = False
                while True:
                    self._take(*await receive(reader))
            except (OSError, asyncio.IncompleteReadError, LinkError) as error:
                if not told:  # once an outage, not once a try
                    log.info("link_down", path=str(self._path), reason=repr(error))
                told = True
            finally:
                await self._drop()
            await asyncio.sleep(backoff.next_s())

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_unix_connection(self._path)
        except OSError:
            self._heard_at = float("-inf")
            raise

    def _take(self, message: Message, said_at: float) -> None:
        self._heard_at = max(self._heard_at, said_at)
        match message:
            case Answer():
                waiting = self._waiting.get(message.id)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            case Snapshot() | Event():
                self._hear(message)
            case Command():
                raise LinkError("the core sent a command")

    async def _drop(self) -> None:
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(_core_away())
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


def _core_away() -> LinkError:
    return LinkError(
        say("the core does not answer", "核心进程没有应答"),
        remedy=say(
            "see whether `okng-edge core` runs and what it logged last",
            "请检查 `okng-edge core` 是否在运行及其最后的日志",
        ),
    )
