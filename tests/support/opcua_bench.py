"""An OPC UA server on a thread of its own, a core that answers as told, and certificates for clients."""

import asyncio
import ipaddress
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from asyncua import Client, ua
from asyncua.crypto import security_policies
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from edge_service.domain.signal import Block
from edge_service.domain.signals import of_block
from edge_service.errors import LinkError
from edge_service.gateway.opcua.server import OpcUaServer, OpcUaSettings
from edge_service.link import Answer, Event, Role, Snapshot

POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
MODES = ("Sign", "SignAndEncrypt")
CLIENT_URI = "urn:okng:test-client"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class FakeCore:
    """Answers commands; ``asked`` is what it was asked for."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, Mapping[str, Any], Role]] = field(default_factory=list)
    gone: bool = False
    was_asked: threading.Event = field(default_factory=threading.Event)
    past: Callable[[str, int], list[Any]] = lambda *_: []

    async def ask(self, name: str, arguments: Mapping[str, Any], role: Role, _: float) -> Answer:
        """Note it and answer."""
        if self.gone:
            raise LinkError("away")
        if name not in {"heard", "past_results"}:
            self.asked.append((name, arguments, role))
            self.was_asked.set()
        if name == "past_results":
            return Answer(1, data={"items": self.past(arguments["kind"], arguments["skip"])})
        return self.answers.get(name, Answer(1))


def station_state(**more: Any) -> dict[str, Any]:
    """Return what a core tells when the gateway connects."""
    return {
        "station": "line-1",
        "boot_id": 12,
        "software": "0.1.0",
        "camera": "simulated",
        "device": "CPU",
        "modbus": "0.0.0.0:502",
        "recipes": {"1": "PCB", "2": "crate"},
        "state": 6,
        "last": None,
        "signals": {signal.name: plain(signal.blank) for signal in of_block(Block.STATION)},
        "command": {signal.name: plain(signal.blank) for signal in of_block(Block.COMMAND)},
        "conditions": {"errors": [], "warnings": []},
        **more,
    }


def plain(value: Any) -> Any:
    """Return a signal's value as the link carries it."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


class OpcUaBench:
    """Serves from enter to exit; ``do`` runs a coroutine on the server's loop."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        defaults: dict[str, Any] = {"host": "127.0.0.1", "port": 0}
        self.settings = OpcUaSettings("line-1", folder, **{**defaults, **settings})
        self.core = FakeCore()
        self.server: OpcUaServer | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ready, self._stop = threading.Event(), None
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(60)
        if self._fault is not None:
            raise self._fault
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()

    @property
    def url(self) -> str:
        """The endpoint's address."""
        return self.server.address

    @property
    def own_certificate(self) -> Path:
        """The server's certificate."""
        return self.settings.folder / "own" / "certificate.der"

    def do(self, what: Awaitable[Any]) -> Any:
        """Run it where the server lives, and wait."""

        async def awaited() -> Any:
            return await what

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(20)

    def hear(self, message: Snapshot | Event) -> None:
        """Let the core tell something."""
        self.do(self.server.hear(message))

    def away(self, *, away: bool) -> None:
        """Let the core go away or come back."""
        self.do(self.server.set_away(away=away))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - the test gets it
            self._fault = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with OpcUaServer(self.settings, self.core.ask, lambda *_, **__: None) as server:
            self.server = server
            await server.hear(Snapshot(station_state()))
            await server.set_away(away=False)
            self._ready.set()
            await self._stop.wait()


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def der(self) -> bytes:
        """The certificate's bytes."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both as files; return their paths."""
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key = folder / f"{name}.der", folder / f"{name}.pem"
        certificate.write_bytes(self.der)
        form = serialization.PrivateFormat.PKCS8
        key.write_bytes(
            self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        )
        return certificate, key


def credentials(
    uri: str = CLIENT_URI,
    *,
    days: tuple[int, int] = (-1, 30),
    names: tuple[str, ...] = ("localhost",),
    key: rsa.RSAPrivateKey = KEY,
    issuer: Credentials | None = None,
    authority: bool = False,
    algorithm: hashes.HashAlgorithm | None = None,
) -> Credentials:
    """Return a client's certificate, valid from ``days[0]`` to ``days[1]`` from now."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, uri.rpartition(":")[2])])
    now = datetime.now(UTC)
    alternative = [x509.UniformResourceIdentifier(uri), *map(_general, names)]
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer.certificate.subject if issuer else name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName(alternative), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return Credentials(builder.sign(issuer.key if issuer else key, algorithm or hashes.SHA256()), key)


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


async def client_of(
    bench: OpcUaBench,
    mine: Credentials | None = None,
    policy: str = "Basic256Sha256",
    mode: str = "SignAndEncrypt",
    *,
    prepare: Callable[[Client], None] = lambda _: None,
) -> Client:
    """Return a client that is not connected yet; without credentials it uses no security."""
    client = Client(bench.url, timeout=10)
    client.application_uri = CLIENT_URI
    if mine is not None:
        folder = bench.settings.folder.parent / "clients"
        certificate, key = mine.write(folder, str(id(mine)))
        await client.set_security(
            getattr(security_policies, f"SecurityPolicy{policy}"),
            certificate,
            key,
            server_certificate=bench.own_certificate,
            mode=ua.MessageSecurityMode[mode],
        )
    prepare(client)
    return client
