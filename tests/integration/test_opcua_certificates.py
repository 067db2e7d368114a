"""Expired, untrusted and wrong-host certificates, over real connections, whoever shows them.

The station refuses clients; a client of another make refuses stations. It does not compare host names, which
the standard asks of a client (OPC 10000-4, 6.1.3), so OpenSSL does that with what the station sends.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.node_peer import run_node
from tests.support.opcua_bench import Credentials, OpcUaBench, credentials
from tests.unit.opcua.test_security import OTHER_KEY, trust

pytestmark = pytest.mark.timeout(240)

STATION_URI = "urn:okng:line-1"
HERE = ("localhost", "127.0.0.1")
CLIENTS = {
    "trusted": credentials(),
    "untrusted": credentials(key=OTHER_KEY),
    "expired": credentials(days=(-30, -1)),
    "not valid yet": credentials(days=(1, 30)),
    "of another host": credentials(names=("192.0.2.7",)),
    "of a weak key": credentials(key=rsa.generate_private_key(public_exponent=65537, key_size=1024)),
}
STATIONS = {
    "trusted": credentials(STATION_URI, names=HERE, key=OTHER_KEY),
    "untrusted": credentials(STATION_URI, names=HERE, key=OTHER_KEY),
    "expired": credentials(STATION_URI, names=HERE, key=OTHER_KEY, days=(-30, -1)),
    "of another host": credentials(STATION_URI, names=("other.example", "192.0.2.7"), key=OTHER_KEY),
}


@contextlib.contextmanager
def station_with(folder: Path, own: Credentials | None = None) -> Iterator[OpcUaBench]:
    """Serve a station with that certificate, or its own; it trusts every client but the untrusted one."""
    if own is not None:
        certificate, key = own.write(folder / "own", "own")
        certificate.rename(folder / "own" / "certificate.der")
        key.rename(folder / "own" / "key.pem")
    for name, mine in CLIENTS.items():
        if name != "untrusted":
            trust(folder, mine)
    with OpcUaBench(folder) as bench:
        yield bench


def case(folder: Path, name: str, mine: Credentials, url: str) -> None:
    """Write what the client of another make needs for one attempt."""
    place = folder / "cases" / name
    _, key = mine.write(place, "client")
    key.rename(place / "client.key")
    (place / "client.pem").write_bytes(mine.certificate.public_bytes(Encoding.PEM))
    (place / "url").write_text(url)


async def outcomes(node: str, folder: Path, stations: list[Credentials]) -> dict[str, str]:
    """Run the client, which trusts those stations; return what became of each case."""
    (folder / "trusted").mkdir()
    for number, station in enumerate(stations):
        (folder / "trusted" / f"{number}.der").write_bytes(station.der)
    told: list[dict[str, Any]] = await run_node(node, "opcua.mjs", "certificates", "-", str(folder))
    return {fact["name"]: fact["outcome"] for fact in told}


async def test_the_station_refuses_every_wrong_client(tmp_path: Path, require_node: Callable[[str], str]):
    """Only the trusted, valid, strong certificate of a program at that host gets a session."""
    node = require_node("node-opcua-client")
    with station_with(tmp_path / "pki", STATIONS["trusted"]) as bench:
        for name, mine in CLIENTS.items():
            case(tmp_path, name, mine, bench.url)
        seen = await outcomes(node, tmp_path, [STATIONS["trusted"]])
    assert seen.pop("trusted") == "connected"
    assert seen.keys() == CLIENTS.keys() - {"trusted"}
    assert "connected" not in seen.values(), seen


async def test_a_client_refuses_every_wrong_station(
    tmp_path: Path, require_node: Callable[[str], str], require_program: Callable[[str], str]
):
    """A station whose certificate is unknown, has expired, or belongs to another host than was asked."""
    node, openssl = require_node("node-opcua-client"), require_program("openssl")
    said = {}
    with contextlib.ExitStack() as stack:
        for name, station in STATIONS.items():
            bench = stack.enter_context(station_with(tmp_path / f"pki-{name}", station))
            case(tmp_path, name, CLIENTS["trusted"], bench.url)
            said[name] = await host_check(openssl, tmp_path / f"{name}.pem", bench.url)
        seen = await outcomes(node, tmp_path, [STATIONS["trusted"], STATIONS["expired"]])
    assert (seen["trusted"], said["trusted"]) == ("connected", "")
    assert "BadCertificateUntrusted" in seen["untrusted"]
    assert "BadCertificateTimeInvalid" in seen["expired"]
    assert "certificate has expired" in said["expired"]
    assert "IP address mismatch" in said["of another host"]


async def host_check(openssl: str, file: Path, url: str) -> str:
    """Return what OpenSSL finds wrong with the certificate that a station sends from that address."""
    endpoints = await Client(url).connect_and_get_server_endpoints()
    (sent,) = {endpoint.ServerCertificate for endpoint in endpoints}
    pem = x509.load_der_x509_certificate(sent).public_bytes(Encoding.PEM)
    file.write_bytes(pem)  # noqa: ASYNC240 - two kilobytes
    host = url.removeprefix("opc.tcp://").split(":")[0]
    check = ["verify", "-partial_chain", "-trusted", str(file), "-verify_ip", host, str(file)]
    pipe = asyncio.subprocess.PIPE
    done = await asyncio.create_subprocess_exec(openssl, *check, stdout=pipe, stderr=pipe)
    _, complaint = await done.communicate()
    return complaint.decode()
