"""Modbus reply times of the core while the OPC UA server is attacked, in one run with and without.

``python benchmarks/opcua_attack.py --seconds 5 --json attack.json``

A master reads input registers 0-63 every few milliseconds. The attacks: 30 clients that subscribe to every
tag and read all day; Call messages with 28,000 methods; chunks without end; sessions asked for by the
thousand.

For each attack three conditions take turns, a second each, so that whatever else this machine does meets all:

- ``without``: nobody attacks.
- ``elsewhere``: the same attack on the same server, but one that is no station's. It costs this machine what
  attackers cost a machine that they share with their victim, which in the field they do not.
- ``gateway``: the attack on the station's gateway. Over ``elsewhere`` it is the gateway's part.

Core and gateway run as the systemd units run them (the core before everything else, the gateway after), where
this user may set that; the master, a PLC with a processor of its own, goes first like the core's thread that
answers it. Attackers are ordinary processes. ``slices``: how far the seconds of ``without`` differ in their
p99; a p99 under attack that is no higher than their highest stays where it was. What is higher, and as high
elsewhere, is the attackers' own load on this machine. The last columns: how busy gateway and core were.
"""

import argparse
import json
import os
import socket
import struct
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

if not __package__:  # started as a file, not with -m
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring_plc import be_the_plc
from benchmarks.opcua_attackers import ATTACKS, GATEWAY_NICE, PER_ADDRESS, Attacker, elsewhere
from tests.support.process import Service, service
from tests.support.station_folder import StationFolder

CORE_NICE = -10
READ = struct.pack(">HHHBBHH", 1, 0, 6, 1, 4, 0, 64)
SLICE_S, SETTLE_S, STRENGTH_S = 1.0, 0.5, 4.0
CONDITIONS = ("without", "elsewhere", "gateway")


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


def figures(times: list[float]) -> dict[str, float]:
    """Return how many replies, and their milliseconds at the middle, at 99 % and at worst."""
    ordered = sorted(times)
    share = {"p50_ms": 0.5, "p99_ms": 0.99}
    found = {name: round(ordered[int(len(ordered) * part)], 3) for name, part in share.items()}
    return {"replies": len(ordered), **found, "max_ms": round(ordered[-1], 3)}


def pids(station: Service) -> tuple[int, int]:
    """Return the processes of core and gateway."""
    core, gateway = (station.logged("child_started", number)["pid"] for number in (1, 2))
    return core, gateway


def prioritise(core: int, gateway: int) -> bool:
    """Give core and gateway at least the priorities of their units; False where this user may not."""
    try:
        for pid, nice in ((core, CORE_NICE), (gateway, GATEWAY_NICE)):
            for thread in (int(path.name) for path in Path(f"/proc/{pid}/task").iterdir()):
                now = os.getpriority(os.PRIO_PROCESS, thread)
                os.setpriority(os.PRIO_PROCESS, thread, now + nice)
        os.setpriority(os.PRIO_PROCESS, 0, CORE_NICE)
    except PermissionError:
        return False
    return True


def used_s(pid: int) -> float:
    """Return the seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def beside(
    name: str, urls: dict[str, str], master: Master, watched: tuple[int, int], seconds: float
) -> dict[str, Any]:
    """Measure the three conditions of one attack in turns."""
    times: dict[str, list[list[float]]] = {condition: [] for condition in CONDITIONS}
    used = [0.0, 0.0]
    with Attacker(name, urls["elsewhere"]) as first, Attacker(name, urls["gateway"]) as second:
        attackers = {"elsewhere": first, "gateway": second}
        time.sleep(STRENGTH_S)
        for _ in range(max(1, round(seconds / SLICE_S))):
            for condition in CONDITIONS:
                for attacker in attackers.values():
                    attacker.rest()
                if condition in attackers:
                    attackers[condition].go()
                time.sleep(SETTLE_S)
                before = [used_s(pid) for pid in watched]
                times[condition].append(master.measure(SLICE_S))
                if condition == "gateway":
                    used = [u + used_s(p) - b for u, p, b in zip(used, watched, before, strict=True)]
    found: dict[str, Any] = {each: figures(list(chain.from_iterable(times[each]))) for each in CONDITIONS}
    slices = sorted(figures(each)["p99_ms"] for each in times["without"])
    found["without"] |= {"lowest_p99_ms": slices[0], "highest_p99_ms": slices[-1]}
    found["verdict"] = verdict(found)
    rounds = max(1, round(seconds / SLICE_S)) * SLICE_S
    found["gateway"] |= {
        "gateway_busy": round(used[1] / rounds, 2),
        "core_busy": round(used[0] / rounds, 2),
    }
    return found


def verdict(found: dict[str, Any]) -> str:
    """Say what became of the core's p99 under attack."""
    highest = found["without"]["highest_p99_ms"]
    if found["gateway"]["p99_ms"] <= highest:
        return "stays where it was"
    if found["elsewhere"]["p99_ms"] > highest:
        return "the attackers' own load on this machine"
    return "the gateway is felt"


def run(seconds: float) -> dict[str, dict[str, Any]]:
    """Measure every attack."""
    with tempfile.TemporaryDirectory() as folder, elsewhere() as stranger:
        station_folder = StationFolder(Path(folder))
        station_folder.tree["gateway"]["opcua"] = {
            "host": "127.0.0.1",
            "port": 0,
            "allow_none": True,
            "limits": {"connections_per_address": PER_ADDRESS},
        }
        station_folder.config.write_text(yaml.safe_dump(station_folder.tree))
        with service(Path(folder), "run", "--config", "edge.yaml") as station:
            master = Master(*station.ready())
            urls = {"elsewhere": stranger, "gateway": station.logged("opcua_listening")["address"]}
            watched = pids(station)
            be_the_plc()
            print("priorities of the units" if prioritise(*watched) else "everything at one priority")
            found = {name: beside(name, urls, master, watched, seconds) for name in ATTACKS}
            assert station.stop() == 0
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="measured of each condition, in seconds")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    found = run(arguments.seconds)
    print(
        f"{'p99 ms':24}{'without':>9}{'slices':>13}{'elsewhere':>11}{'gateway':>9}{'/without':>10}"
        f"{'busy: gateway':>15}{'core':>6}"
    )
    for name, row in found.items():
        without, other, gateway = (row[condition] for condition in CONDITIONS)
        ratio = gateway["p99_ms"] / without["p99_ms"]
        slices = f"{without['lowest_p99_ms']:.2f}-{without['highest_p99_ms']:.2f}"
        print(
            f"{name:24}{without['p99_ms']:9.2f}{slices:>13}{other['p99_ms']:11.2f}{gateway['p99_ms']:9.2f}{ratio:10.2f}"
            f"{gateway['gateway_busy']:15.2f}{gateway['core_busy']:6.2f}  {row['verdict']}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
