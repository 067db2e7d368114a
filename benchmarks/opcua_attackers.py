"""Attackers of an OPC UA server, each a process of its own, and a server that belongs to no station.

In the field an attacker is another machine; here it is an ordinary process. That server ranks as a gateway.
"""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import struct
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Self

from asyncua import Client, ua
from asyncua.ua import ua_binary

from edge_service.gateway.opcua.limits import Limits
from tests.support.opcua_bench import OpcUaBench

CLIENTS, METHODS = 30, 28_000
GATEWAY_NICE = 5  # as its unit says
PER_ADDRESS = 60  # connections: here all attackers have one address
_SPAWN = multiprocessing.get_context("spawn")


class Attacker:
    """One attack on one server, from enter to exit; it rests unless it is let go."""

    def __init__(self, name: str, url: str) -> None:
        self._process = _SPAWN.Process(target=_attack, args=(name, url))

    def __enter__(self) -> Self:
        self._process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def go(self) -> None:
        """Attack. Raises RuntimeError when the attack has ended by itself."""
        if not self._process.is_alive():
            raise RuntimeError("an attacker has given up")
        self._signal(signal.SIGCONT)

    def rest(self) -> None:
        """Stop where it stands; its connections stay."""
        self._signal(signal.SIGSTOP)

    def _signal(self, number: int) -> None:
        assert self._process.pid is not None, "started"
        os.kill(self._process.pid, number)


@contextmanager
def elsewhere() -> Iterator[str]:
    """Serve the same OPC UA server for no station, from a process of its own; yield its address."""
    mine, its = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(its,))
    process.start()
    try:
        yield mine.recv()
    finally:
        process.kill()
        process.join()


def _serve(pipe: Connection) -> None:
    os.nice(GATEWAY_NICE)
    limits = Limits(connections_per_address=PER_ADDRESS)
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        tempfile.TemporaryDirectory() as folder,
        OpcUaBench(Path(folder), allow_none=True, limits=limits) as bench,
    ):
        pipe.send(bench.url)
        signal.pause()


def _attack(name: str, url: str) -> None:
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        asyncio.run(ATTACKS[name](url))


class Seen:
    """A subscriber that only counts."""

    def datachange_notification(self, *_: object) -> None:
        """Take a value."""


async def crowd(url: str) -> None:
    """Thirty clients, each subscribed to every tag and reading without pause."""
    await asyncio.gather(*(greedy(url) for _ in range(CLIENTS)))


async def greedy(url: str) -> None:
    """One of them; refused, it comes back."""
    while True:
        with contextlib.suppress(ua.UaError, OSError, TimeoutError):
            async with Client(url) as client:
                plc = client.get_node("ns=2;s=PLC")
                groups = await plc.get_children(nodeclassmask=ua.NodeClass.Object)
                tags = [tag for group in groups for tag in await group.get_children()]
                subscription = await client.create_subscription(50, Seen())
                await subscription.subscribe_data_change(tags)
                while True:
                    await client.read_attributes(tags, ua.AttributeIds.Value)


async def calls(url: str) -> None:
    """Call messages of 28,000 methods, one after the other."""
    request = ua.CallMethodRequest(ObjectId=ua.NodeId(1), MethodId=ua.NodeId(1))
    while True:
        with contextlib.suppress(ua.UaError, OSError, TimeoutError):
            async with Client(url, timeout=60) as client:
                while True:
                    with contextlib.suppress(ua.uaerrors.BadTooManyOperations):
                        await client.uaclient.call([request] * METHODS)


async def open_channel(client: Client) -> None:
    """Connect as far as a secure channel, without a session."""
    await client.connect_socket()
    await client.send_hello()
    await client.open_secure_channel()


async def chunks(url: str) -> None:
    """Intermediate chunks until the server hangs up, then again."""
    while True:
        client = Client(url)
        with contextlib.suppress(ua.UaError, OSError, TimeoutError):
            await open_channel(client)
            protocol = client.uaclient.protocol
            connection, number = protocol._connection, 10  # noqa: SLF001 - it forges what comes next
            while protocol.transport and not protocol.transport.is_closing():
                number += 1
                token = ua.SymmetricAlgorithmHeader(connection.security_token.TokenId)
                body = ua_binary.struct_to_binary(token) + struct.pack("<II", number, 7) + bytes(60_000)
                channel = connection.security_token.ChannelId
                protocol.transport.write(b"MSGC" + struct.pack("<II", 12 + len(body), channel) + body)
                await asyncio.sleep(0)
        client.disconnect_socket()


async def sessions(url: str) -> None:
    """Sessions asked for as fast as they are answered, on ten connections."""
    await asyncio.gather(*(asking(url) for _ in range(10)))


async def asking(url: str) -> None:
    """One connection of them."""
    while True:
        client = Client(url)
        with contextlib.suppress(ua.UaError, OSError, TimeoutError):
            await open_channel(client)
            for _ in range(1000):
                await client.create_session()
        client.disconnect_socket()


ATTACKS: dict[str, Callable[[str], Awaitable[None]]] = {
    f"{CLIENTS} clients": crowd,
    f"Call of {METHODS} methods": calls,
    "endless chunks": chunks,
    "thousands of sessions": sessions,
}
