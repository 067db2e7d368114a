"""Modbus reply times of the core while the OPC UA server is attacked, in one run with and without.

``python benchmarks/opcua_attack.py --seconds 5 --json attack.json``

A master reads input registers 0-63 every few milliseconds: first undisturbed, then beside each attack, then
undisturbed again. The attacks: 30 clients that subscribe to every tag and read all day; Call messages with
28,000 methods; chunks without end; sessions asked for by the thousand.

Core and gateway run as the systemd units run them (the core before everything else, the gateway after), where
this user may set that. A PLC and its attackers are other machines; here the master has the core's priority,
the attackers the gateway's. What this machine's own crowding costs is shown by two processes that compute and
talk to nobody.
"""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import yaml
from asyncua import Client, ua
from asyncua.ua import ua_binary

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.support.process import Service, service
from tests.support.station_folder import StationFolder

CORE_NICE, GATEWAY_NICE = -10, 5
CLIENTS, METHODS = 30, 28_000
READ = struct.pack(">HHHBBHH", 1, 0, 6, 1, 4, 0, 64)


class Master:
    """Reads the production block over and over and notes how long each reply takes."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = socket.create_connection((host, port), 10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def measure(self, seconds: float) -> list[float]:
        """Return the milliseconds of every reply in that time."""
        times, end = [], time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            self._socket.sendall(READ)
            wanted = 9 + 128
            while wanted:
                wanted -= len(self._socket.recv(wanted))
            times.append((time.perf_counter() - began) * 1000)
            time.sleep(0.002)  # a PLC's cycle
        return times


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


async def chunks(url: str) -> None:
    """Intermediate chunks until the server hangs up, then again."""
    while True:
        client = Client(url)
        with contextlib.suppress(ua.UaError, OSError, TimeoutError):
            await client.connect_socket()
            await client.send_hello()
            await client.open_secure_channel()
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
            await client.connect_socket()
            await client.send_hello()
            await client.open_secure_channel()
            for _ in range(1000):
                await client.create_session()
        client.disconnect_socket()


ATTACKS: dict[str, Callable[[str], Awaitable[None]]] = {
    f"{CLIENTS} clients": crowd,
    f"Call of {METHODS} methods": calls,
    "endless chunks": chunks,
    "thousands of sessions": sessions,
}


def compute() -> None:
    """Take a core at the gateway's priority and talk to nobody."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, GATEWAY_NICE)
    while True:
        sum(range(10_000))


def beside_computing(master: Master, seconds: float) -> list[float]:
    """Measure beside as many busy processes as an attack makes: the attacker and the gateway."""
    busy = [multiprocessing.get_context("spawn").Process(target=compute) for _ in range(2)]
    for each in busy:
        each.start()
    time.sleep(3.0)
    times = master.measure(seconds)
    for each in busy:
        each.kill()
        each.join()
    return times


def attack(name: str, url: str) -> None:
    """Attack until killed, quietly."""
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, GATEWAY_NICE)
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stderr(nowhere):
        asyncio.run(ATTACKS[name](url))


def figures(times: list[float]) -> dict[str, float]:
    """Return how many replies, and their milliseconds at the middle, at 99 % and at worst."""
    ordered = sorted(times)
    share = {"p50_ms": 0.5, "p99_ms": 0.99}
    found = {name: round(ordered[int(len(ordered) * part)], 3) for name, part in share.items()}
    return {"replies": len(ordered), **found, "max_ms": round(ordered[-1], 3)}


def prioritise(station: Service) -> bool:
    """Give core and gateway the priorities of their units; False where this user may not."""
    pids = [station.logged("child_started", number)["pid"] for number in (1, 2)]
    try:
        for pid, nice in zip(pids, (CORE_NICE, GATEWAY_NICE), strict=True):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.setpriority(os.PRIO_PROCESS, int(thread.name), nice)
        os.setpriority(os.PRIO_PROCESS, 0, CORE_NICE)
    except PermissionError:
        return False
    return True


def run(seconds: float) -> dict[str, dict[str, float]]:
    """Measure without, beside each attack, and without again."""
    with tempfile.TemporaryDirectory() as folder:
        station_folder = StationFolder(Path(folder))
        opcua = {
            "host": "127.0.0.1",
            "port": 0,
            "allow_none": True,
            "limits": {"connections_per_address": 60},
        }
        station_folder.tree["gateway"]["opcua"] = opcua
        station_folder.config.write_text(yaml.safe_dump(station_folder.tree))
        with service(Path(folder), "run", "--config", "edge.yaml") as station:
            host, port = station.ready()
            url = station.logged("opcua_listening")["address"]
            print("priorities of the units" if prioritise(station) else "everything at one priority")
            master = Master(host, port)
            found = {"without": figures(master.measure(seconds))}
            found["2 that only compute"] = figures(beside_computing(master, seconds))
            for name in ATTACKS:
                attacker = multiprocessing.get_context("spawn").Process(target=attack, args=(name, url))
                attacker.start()
                time.sleep(5.0)  # until it is at full strength
                assert attacker.is_alive(), name
                found[name] = figures(master.measure(seconds))
                attacker.kill()
                attacker.join()
            time.sleep(1.0)
            found["without, again"] = figures(master.measure(seconds))
            assert station.stop() == 0
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = run(arguments.seconds)
    base = found["without"]["p99_ms"]
    print(f"{'':28}{'replies':>8}{'p50 ms':>9}{'p99 ms':>9}{'max ms':>9}{'p99 ratio':>11}")
    for name, row in found.items():
        ratio = row["p99_ms"] / base
        print(
            f"{name:28}{row['replies']:8}{row['p50_ms']:9.2f}{row['p99_ms']:9.2f}{row['max_ms']:9.2f}{ratio:11.2f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
