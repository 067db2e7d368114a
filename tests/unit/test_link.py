"""The link between core and gateway, over a real Unix socket."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from edge_service.errors import ConfigurationError, LinkError, RecipeError
from edge_service.link import Answer, Command, Event, LinkClient, LinkServer, Role, Snapshot
from edge_service.link import server as link_server
from edge_service.link.messages import MAGIC, encode, receive
from tests.support.waiting import until

pytestmark = pytest.mark.timeout(20)


class Core:
    """What stands behind the server: a state, a picture, and a way to do commands."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"turn": 1}
        self.asked: list[Command] = []
        self.holding = asyncio.Event()
        self.hold = asyncio.Event()

    def greet(self) -> tuple[Snapshot, Event]:
        """Return the state and the last picture."""
        return Snapshot(dict(self.state)), Event("picture", {}, b"\xff\xd8last")

    async def handle(self, command: Command) -> Answer:
        """Answer with the caller's role; ``hold`` never ends, ``unknown_recipe`` fails."""
        self.asked.append(command)
        if command.name == "hold":
            self.holding.set()
            await self.hold.wait()
        if command.name == "unknown_recipe":
            raise RecipeError("recipe 9 is unknown", remedy="choose another")
        return Answer(command.id, data={"role": command.role})


class Ear:
    """Hears what the client hears; a test awaits the n-th message."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[Snapshot | Event] = asyncio.Queue()

    def __call__(self, message: Snapshot | Event) -> None:
        """Keep what was heard."""
        self.heard.put_nowait(message)


async def test_who_connects_gets_the_snapshot_then_the_last_picture_then_events(tmp_path: Path) -> None:
    """The first message is a full snapshot, what happens later comes as events, pictures as raw bytes."""
    core, ear = Core(), Ear()
    server = LinkServer(tmp_path / "link", core.greet, core.handle)
    async with server, LinkClient(tmp_path / "link", ear):
        assert await ear.heard.get() == Snapshot({"turn": 1})
        assert await ear.heard.get() == Event("picture", {}, b"\xff\xd8last")
        server.publish(Event("inspection", {"verdict": 1}, b"\x00\x01"))
        assert await ear.heard.get() == Event("inspection", {"verdict": 1}, b"\x00\x01")


async def test_a_command_carries_its_role_and_gets_its_answer(tmp_path: Path) -> None:
    """The core sees who asks; the answer finds its way to the one who waits, errors with their code."""
    core, ear = Core(), Ear()
    async with (
        LinkServer(tmp_path / "link", core.greet, core.handle),
        LinkClient(tmp_path / "link", ear) as client,
    ):
        await ear.heard.get()
        answer = await client.command("collect", {"n": 3}, Role.OPERATOR)
        assert (answer.code, answer.data) == (0, {"role": "operator"})
        refused = await client.command("unknown_recipe", {}, Role.ENGINEER)
        assert (refused.code, refused.what, refused.remedy) == (103, "recipe 9 is unknown", "choose another")
        assert core.asked[0].arguments == {"n": 3}


async def test_no_one_who_waits_hangs_when_the_core_goes(tmp_path: Path) -> None:
    """A command in hand fails as LinkError when the connection ends, and later ones fail at once."""
    core, ear = Core(), Ear()
    async with LinkClient(tmp_path / "link", ear) as client:
        async with LinkServer(tmp_path / "link", core.greet, core.handle):
            await ear.heard.get()
            waiting = asyncio.create_task(client.command("hold", {}, Role.OPERATOR, timeout_s=15))
            await core.holding.wait()
        with pytest.raises(LinkError):
            await waiting
        with pytest.raises(LinkError):
            await client.command("collect", {}, Role.OPERATOR)


async def test_the_client_comes_back_by_itself(tmp_path: Path) -> None:
    """After a restart of the core the client connects again and gets a fresh snapshot."""
    core, ear = Core(), Ear()
    async with LinkClient(tmp_path / "link", ear) as client:
        assert client.away
        async with LinkServer(tmp_path / "link", core.greet, core.handle):
            assert await ear.heard.get() == Snapshot({"turn": 1})
            assert not client.away
            await ear.heard.get()
        core.state["turn"] = 2
        async with LinkServer(tmp_path / "link", core.greet, core.handle):
            assert await ear.heard.get() == Snapshot({"turn": 2})


async def test_a_core_that_nobody_finds_is_away_at_once(tmp_path: Path) -> None:
    """Its silence need not last: where nobody listens, nothing that it said counts any more."""
    core, ear = Core(), Ear()
    async with LinkClient(tmp_path / "link", ear, away_s=3600) as client:
        async with LinkServer(tmp_path / "link", core.greet, core.handle):
            await ear.heard.get()
            assert not client.away
        await until(lambda: client.away)


async def test_what_was_read_late_is_no_sign_of_life(tmp_path: Path) -> None:
    """A client kept from reading for longer than ``away_s`` takes what waits for it, but not as new."""
    core, ear = Core(), Ear()
    server = LinkServer(tmp_path / "link", core.greet, core.handle)
    async with server, LinkClient(tmp_path / "link", ear, away_s=0.05) as client:
        await ear.heard.get()
        await ear.heard.get()
        server.publish(Event("inspection", {"verdict": 1}))
        await asyncio.sleep(0)
        time.sleep(0.1)  # noqa: ASYNC251 - the whole process stands still, as under a busy neighbour
        assert await ear.heard.get() == Event("inspection", {"verdict": 1})
        assert client.away


async def test_a_reader_that_does_not_keep_up_gets_a_fresh_snapshot(tmp_path: Path) -> None:
    """Overflow empties the slow reader's queue and a snapshot takes its place; publishing never waits."""
    core = Core()
    async with LinkServer(tmp_path / "link", core.greet, core.handle) as server:
        reader, writer = await asyncio.open_unix_connection(tmp_path / "link")
        assert isinstance((await receive(reader)).message, Snapshot)
        for number in range(10 * link_server.QUEUE):
            core.state["turn"] = number
            server.publish(Event("inspection", {"number": number}, bytes(100_000)))
        snapshots, last = 0, None
        while last != 10 * link_server.QUEUE - 1:
            message, _ = await receive(reader)
            snapshots += isinstance(message, Snapshot)
            last = message.data.get("number") if isinstance(message, Event) else last
        assert snapshots >= 1
        writer.close()
        await writer.wait_closed()


async def test_bytes_that_are_no_message_close_the_connection_only(tmp_path: Path) -> None:
    """A stranger's bytes, or a message that only a core may send, end that connection and nothing else."""
    core = Core()
    async with LinkServer(tmp_path / "link", core.greet, core.handle):
        for wrong in (
            b"GET / HTTP/1.1\r\n\r\n",
            encode(Snapshot({})),
            MAGIC + b"\xff\xff\xff\xff" + bytes(12),
        ):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "link")
            writer.write(wrong)
            await reader.read()  # greeting, then the end
            writer.close()
            await writer.wait_closed()


async def test_two_cores_cannot_share_a_socket(tmp_path: Path) -> None:
    """A second core is refused with what to do; a dead core's leftover socket is no obstacle."""
    core = Core()
    async with LinkServer(tmp_path / "link", core.greet, core.handle):
        with pytest.raises(ConfigurationError) as refusal:
            async with LinkServer(tmp_path / "link", core.greet, core.handle):
                pass
    assert refusal.value.remedy
    (tmp_path / "link").touch()
    async with LinkServer(tmp_path / "link", core.greet, core.handle):
        assert (tmp_path / "link").is_socket()
