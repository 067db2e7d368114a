"""Modbus/TCP Security: who gets in, what a role may do, and that records may come cut up in any way."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID
from structlog.testing import capture_logs

from edge_service.errors import ConfigurationError
from edge_service.fieldbus.channel import Access
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.fieldbus.tls import TlsSettings
from tests.support.certificates import Authority, Pair
from tests.support.machine_station import MachineStation
from tests.support.modbus_raw import RawMaster, frame, read, words_of, write
from tests.support.modbus_tls import TlsMaster
from tests.support.node_peer import run_node

ENABLE = 0x0025
VERSION = read(96, 1, 4)
VERSION_REPLY = bytes.fromhex("04020001")


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for the whole file."""
    return Authority(tmp_path_factory.mktemp("plant"))


def settings(plant: Authority, **changes: object) -> ModbusTcpSettings:
    """Return how a station of that plant listens."""
    own = plant.station()
    tls = TlsSettings(own.certificate, own.key, plant.file)
    tls = replace(tls, **{key: changes.pop(key) for key in ("without_role",) if key in changes})
    return replace(ModbusTcpSettings(host="127.0.0.1", port=0, tls=tls), **changes)


@asynccontextmanager
async def serving(plant: Authority, **changes: object) -> AsyncIterator[ModbusTcpServer]:
    """Serve a station behind TLS."""
    async with (
        MachineStation() as station,
        ModbusTcpServer(settings(plant, **changes), Memory(station)) as server,
    ):
        yield server


@asynccontextmanager
async def master(server: ModbusTcpServer, plant: Authority, pair: Pair | None) -> AsyncIterator[TlsMaster]:
    """Connect a master that shows that certificate."""
    async with TlsMaster(server.socket_address(), plant.context(pair)) as found:
        await found.shake_hands()
        yield found


@pytest.mark.parametrize(
    ("role", "reading", "writing"),
    [
        ("operator", "04020001", "1000000001"),
        ("engineer", "04020001", "1000000001"),
        ("observer", "04020001", "9001"),
        ("cleaner", "8401", "9001"),
        (None, "8401", "9001"),
    ],
)
async def test_roles_decide(plant: Authority, role: str | None, reading: str, writing: str):
    """What a role may not do gets exception 01 and changes nothing; a role unknown or absent may nothing."""
    async with serving(plant) as server, master(server, plant, plant.issue("plc", role)) as plc:
        assert await plc.ask(VERSION) == bytes.fromhex(reading)
        assert await plc.ask(write(0, ENABLE)) == bytes.fromhex(writing)
        assert await plc.ask(bytes.fromhex("05 0000 ff00")) == bytes.fromhex(
            "05 0000 ff00" if writing == "1000000001" else "8501"
        )
        assert server._memory.owner() == ("127.0.0.1" if writing == "1000000001" else None)


async def test_without_role_as_configured(plant: Authority):
    """`without_role` lets certificates of masters that know no roles read, or write."""
    pair = plant.issue("plain")
    async with serving(plant, without_role=Access.READ) as server, master(server, plant, pair) as plc:
        assert await plc.ask(VERSION) == VERSION_REPLY
        assert await plc.ask(write(0, 0)) == bytes.fromhex("9001")
    async with serving(plant, without_role=Access.WRITE) as server, master(server, plant, pair) as plc:
        assert await plc.ask(write(0, 0)) == bytes.fromhex("1000000001")


@pytest.mark.parametrize("der", ["", "0c", "0c09", "0c036f70", "0408", "0c02fffe", "0c8101 6f"])
async def test_ill_formed_role_may_nothing(plant: Authority, der: str):
    """A role extension that is not what the specification says is no role and not its absence either."""
    pair = plant.issue("odd", role_der=bytes.fromhex(der))
    async with (
        serving(plant, without_role=Access.WRITE) as server,
        master(server, plant, pair) as plc,
    ):
        assert await plc.ask(VERSION) == bytes.fromhex("8401")


def wrong(kind: str, plant: Authority, folder: Path) -> Pair | None:
    """Return a certificate that must not do."""
    match kind:
        case "expired":
            return plant.issue("old", "operator", expired=True)
        case "other authority":
            return Authority(folder, "stranger").issue("plc", "operator")
        case "a server's":
            return plant.issue("server", "operator", usage=ExtendedKeyUsageOID.SERVER_AUTH)
    return None


@pytest.mark.parametrize("kind", ["none", "expired", "other authority", "a server's"])
async def test_wrong_certificates_get_nothing(plant: Authority, tmp_path: Path, kind: str):
    """Whoever cannot prove to be of this plant is sent away, with a TLS alert and a line in the log."""
    with capture_logs() as lines:
        async with serving(plant) as server:
            with pytest.raises((ssl.SSLError, EOFError, ConnectionError)):
                async with master(server, plant, wrong(kind, plant, tmp_path)) as plc:
                    await plc.ask(VERSION)
            async with master(server, plant, plant.issue("plc", "operator")) as plc:
                assert await plc.ask(VERSION) == VERSION_REPLY
    assert [line["event"] for line in lines] == ["modbus_tls_refused"]


async def test_a_station_of_another_plant_is_refused_by_the_master(plant: Authority, tmp_path: Path):
    """The master checks, too: a station that another authority signed does not get its requests."""
    other = Authority(tmp_path, "elsewhere")
    async with serving(plant) as server:
        with pytest.raises(ssl.SSLCertVerificationError):
            async with master(server, other, other.issue("plc", "operator")):
                pass


async def test_old_tls_and_plain_modbus_are_refused(plant: Authority):
    """TLS 1.1, and a master without TLS, end with a closed connection; others are served meanwhile."""
    context = plant.context(plant.issue("plc", "operator"))
    context.set_ciphers("ALL:@SECLEVEL=0")  # else the client itself would not offer it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(plant) as server:
        with pytest.raises((ssl.SSLError, EOFError)):
            async with TlsMaster(server.socket_address(), context) as old:
                await old.shake_hands()
        async with RawMaster(server.socket_address()) as plain:
            await plain.send(frame(VERSION))
            rest = await plain.closed()
            assert b"\x04\x02\x00\x01" not in rest
        async with master(server, plant, plant.issue("plc", "operator")) as plc:
            assert await plc.ask(VERSION) == VERSION_REPLY


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_records_byte_by_byte(plant: Authority, version: ssl.TLSVersion):
    """However handshake and records are cut, each request is answered once."""
    context = plant.context(plant.issue("plc", "operator"))
    context.minimum_version = context.maximum_version = version
    async with serving(plant) as server, TlsMaster(server.socket_address(), context) as plc:
        await plc.shake_hands(cut=1)
        await plc.put(plc.encrypted(frame(VERSION, 9)), cut=1)
        assert await plc.reply() == (9, VERSION_REPLY)
        assert await plc.ask(VERSION) == VERSION_REPLY


async def test_ten_requests_in_one_record_and_one_in_ten(plant: Authority):
    """Pipelined in one record, or one request spread over several records: each gets its one reply."""
    async with serving(plant) as server, master(server, plant, plant.issue("plc", "operator")) as plc:
        await plc.put(plc.encrypted(b"".join(frame(VERSION, number) for number in range(10))))
        assert [await plc.reply() for _ in range(10)] == [(number, VERSION_REPLY) for number in range(10)]
        whole = frame(VERSION, 42)
        await plc.put(b"".join(plc.encrypted(whole[at : at + 1]) for at in range(len(whole))))
        assert await plc.reply() == (42, VERSION_REPLY)


async def test_slow_handshakes_are_bounded(plant: Authority):
    """Connections that never finish their handshake count, give way, and end with the partial time-out."""
    async with serving(plant, connections=3, partial_timeout_s=0.2) as server:
        silent = [RawMaster(server.socket_address()) for _ in range(6)]
        for one in silent:
            await one.__aenter__()
        assert len(server.clients) <= 3
        async with master(server, plant, plant.issue("plc", "operator")) as plc:
            assert await plc.ask(VERSION) == VERSION_REPLY
            for one in silent:
                assert await one.closed() == b""
                await one.__aexit__(None, None, None)
            assert len(server.clients) == 1


async def test_garbage_neither_stalls_nor_floods_the_log(plant: Authority):
    """Noise before and after a handshake leaves a handful of log lines and a server that answers."""
    with capture_logs() as lines:
        async with serving(plant) as server:
            for _ in range(50):
                async with RawMaster(server.socket_address()) as raw:
                    await raw.send(b"\x16\x03\x01\x00\x05garbage")
                    await raw.closed()
            pair = plant.issue("plc", "operator")
            for _ in range(10):
                async with master(server, plant, pair) as plc:
                    await plc.put(b"\x17\x03\x03\x00\x20" + bytes(32))
                    with pytest.raises((ssl.SSLError, EOFError)):
                        await plc.reply()
            async with master(server, plant, pair) as plc:
                assert await plc.ask(VERSION) == VERSION_REPLY
    assert len(lines) == 5


async def test_tcp_and_tls_share_one_memory(plant: Authority):
    """A plain reader sees what the owner behind TLS writes; its own writes are refused."""
    async with MachineStation() as station:
        memory = Memory(station)
        plain = ModbusTcpSettings(host="127.0.0.1", port=0)
        async with (
            ModbusTcpServer(plain, memory) as tcp,
            ModbusTcpServer(settings(plant), memory) as tls,
            master(tls, plant, plant.issue("plc", "operator")) as plc,
            RawMaster(tcp.socket_address(), "127.0.0.2") as other,
        ):
            await plc.ask(write(0, ENABLE, 0, 0, 0, 7))
            assert words_of(await other.ask(read(0, 5))) == (ENABLE, 0, 0, 0, 7)
            assert await other.ask(write(0, 0)) == bytes.fromhex("9001")


def encrypted(key: Path, locked: Path) -> Path:
    """Write the key anew, under a password."""
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    cipher = serialization.BestAvailableEncryption(b"x")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    locked.write_bytes(loaded.private_bytes(*form, cipher))
    return locked


@pytest.mark.parametrize("kind", ["missing", "encrypted", "mismatch", "no ca", "empty ca"])
async def test_files_that_do_not_do(plant: Authority, tmp_path: Path, kind: str):
    """A missing, encrypted or foreign key, or an authority that is none, is told with its file."""
    own, other = plant.station(), plant.issue("other")
    (tmp_path / "empty.pem").write_text("")
    tls = TlsSettings(own.certificate, own.key, plant.file)
    match kind:
        case "missing":
            tls = replace(tls, key=tmp_path / "nowhere.key")
        case "mismatch":
            tls = replace(tls, key=other.key)
        case "no ca":
            tls = replace(tls, client_ca=tmp_path / "nowhere.pem")
        case "empty ca":
            tls = replace(tls, client_ca=tmp_path / "empty.pem")
        case "encrypted":
            tls = replace(tls, key=encrypted(own.key, tmp_path / "locked.key"))
    bad = ModbusTcpSettings(host="127.0.0.1", port=0, tls=tls)
    async with MachineStation() as station:
        with pytest.raises(ConfigurationError, match="Modbus TLS cannot use"):
            async with ModbusTcpServer(bad, Memory(station)):
                pass


async def test_jsmodbus_over_tls(plant: Authority, require_node: Callable[[str], str]):
    """The jsmodbus client over node's TLS inspects 20 parts; without a certificate it gets nothing."""
    node = require_node("jsmodbus")
    pair = plant.issue("node", "operator")
    async with serving(plant) as server:
        host, port = server.socket_address()
        files = (str(plant.file), str(pair.certificate), str(pair.key))
        facts = await run_node(node, "jsmodbus_tls.mjs", host, str(port), "20", *files)
    assert facts[0]["seen"] == [{"sequence": n, "id": n, "verdict": 1} for n in range(1, 21)]
    assert facts[1] == {"without": "refused"}


async def test_mbpoll_through_a_tls_bridge(plant: Authority, require_program: Callable[[str], str]):
    """The TLS of socat (OpenSSL of Debian) carries mbpoll's plain Modbus to the station."""
    mbpoll, socat = require_program("mbpoll"), require_program("socat")
    pair = plant.issue("socat", "observer")
    async with serving(plant) as server:
        host, port = server.socket_address()
        with socket.create_server(("127.0.0.1", 0)) as free:
            bridge_port = free.getsockname()[1]
        keys = f"cert={pair.certificate},key={pair.key},cafile={plant.file}"
        bridge = await asyncio.create_subprocess_exec(
            *(socat, f"TCP-LISTEN:{bridge_port},bind=127.0.0.1,reuseaddr,fork"),
            f"OPENSSL:{host}:{port},{keys},commonname=127.0.0.1",
        )
        try:
            text = await poll(mbpoll, bridge_port)
        finally:
            bridge.terminate()
            await bridge.wait()
    assert "[97]: \t1" in text


async def poll(mbpoll: str, port: int) -> str:
    """Read the map's version through mbpoll, again until the bridge is up."""
    for _ in range(50):
        process = await asyncio.create_subprocess_exec(
            *(mbpoll, "-1", "-q", "-m", "tcp", "-p", str(port), "-t3", "-r97", "127.0.0.1"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        if process.returncode == 0:
            return output.decode()
        await asyncio.sleep(0.05)  # another process has no event to wait for
    raise AssertionError(output.decode())
