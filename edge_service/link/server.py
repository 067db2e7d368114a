"""The core's end of the link."""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import structlog

from edge_service.errors import ConfigurationError, LinkError, OkngError, RefusedError
from edge_service.language import say
from edge_service.link.messages import Answer, Command, Event, Message, Snapshot, encode, receive

log = structlog.get_logger()

QUEUE = 64  # messages waiting for one reader
READERS = 8  # connections at a time
COMMANDS = 8  # commands in hand of one connection
WRITE_S = 5.0  # a reader that takes nothing for so long is let go


class LinkServer:
    """Listens on a Unix socket at ``path``; serves from enter to exit.

    ``greet`` returns the snapshot and whatever events shall follow it at once (the last picture);
    ``handle`` does a command and returns its answer, or raises OkngError, which becomes one.

    ``publish`` never waits. Overflow rule: a reader with ``QUEUE`` messages waiting loses them all and
    gets a fresh snapshot in their place; answers to its commands are kept.
    """

    def __init__(
        self,
        path: Path,
        greet: Callable[[], tuple[Snapshot, *tuple[Event, ...]]],
        handle: Callable[[Command], Awaitable[Answer]],
    ) -> None:
        self._path, self._greet, self._handle = path, greet, handle
        self._readers: set[_Reader] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        _refuse_when_taken(self._path)
        self._path.unlink(missing_ok=True)
        try:
            self._server = await asyncio.start_unix_server(self._serve, self._path)
        except OSError as error:
            raise ConfigurationError(
                say(f"cannot listen on {self._path}: {error}", f"无法监听 {self._path}：{error}"),
                remedy=say(
                    "give data_dir a shorter path that this user may write to",
                    "请把 data_dir 设为较短且本用户可写的路径",
                ),
            ) from error
        os.chmod(self._path, 0o660)  # noqa: PTH101 - owner and group alone: who may connect may command
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for reader in list(self._readers):
            reader.task.cancel()
        await asyncio.gather(*(reader.task for reader in self._readers), return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
        self._path.unlink(missing_ok=True)

    @property
    def has_readers(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._readers)

    def publish(self, event: Event) -> None:
        """Send ``event`` to every reader, without waiting for any."""
        if not self._readers:
            return
        data = encode(event)
        for reader in self._readers:
            reader.put(data)

    async def _serve(self, stream: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._readers) >= READERS:
            log.warning("link_refused", readers=len(self._readers))
            writer.close()
            return
        reader = _Reader(task, self._greeting)
        self._readers.add(reader)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(reader.send(writer), name="link-send")
                group.create_task(self._hear(stream, reader, group), name="link-hear")
        except* (OSError, asyncio.IncompleteReadError, TimeoutError):
            pass  # it went away: that is its right
        except* LinkError as errors:
            log.warning("link_closed", reason=str(errors.exceptions[0]))
        finally:
            self._readers.discard(reader)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _greeting(self) -> list[bytes]:
        return [encode(message) for message in self._greet()]

    async def _hear(self, stream: asyncio.StreamReader, reader: "_Reader", group: asyncio.TaskGroup) -> None:
        in_hand = asyncio.Semaphore(COMMANDS)
        while True:
            message, _ = await receive(stream)
            if not isinstance(message, Command):
                raise LinkError(f"a {type(message).__name__} came where only commands may")
            await in_hand.acquire()
            group.create_task(self._do(message, reader, in_hand), name=f"link-{message.name}")

    async def _do(self, command: Command, reader: "_Reader", in_hand: asyncio.Semaphore) -> None:
        try:
            answer = await self._handle(command)
        except OkngError as error:
            code = error.reason if isinstance(error, RefusedError) else error.code
            answer = Answer(command.id, code, what=error.what, remedy=error.remedy)
        finally:
            in_hand.release()
        reader.answer(answer)


class _Reader:
    """One connection: what waits to be sent to it."""

    def __init__(self, task: "asyncio.Task[None]", greeting: Callable[[], list[bytes]]) -> None:
        self.task = task
        self._greeting = greeting
        self._events: deque[bytes] = deque(greeting())
        self._answers: deque[bytes] = deque()
        self._something = asyncio.Event()
        self._something.set()

    def put(self, data: bytes) -> None:
        if len(self._events) >= QUEUE:
            log.warning("link_overflow", lost=len(self._events))
            self._events.clear()
            self._events.extend(self._greeting())
        else:
            self._events.append(data)
        self._something.set()

    def answer(self, answer: Message) -> None:
        self._answers.append(encode(answer))
        self._something.set()

    async def send(self, writer: asyncio.StreamWriter) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            while self._answers or self._events:
                writer.write(self._answers.popleft() if self._answers else self._events.popleft())
                async with asyncio.timeout(WRITE_S):
                    await writer.drain()


def _refuse_when_taken(path: Path) -> None:
    """Raise ConfigurationError when another core answers at ``path``; a dead one's leftover is no reason."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return
    raise ConfigurationError(
        say(f"another station is already running on {path.parent}", f"{path.parent} 上已有一个工位在运行"),
        remedy=say(
            "stop it first, or give this one its own data_dir",
            "请先停止它，或为本工位设置另一个 data_dir",
        ),
    )
