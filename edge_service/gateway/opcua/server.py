"""The OPC UA server of one station: made from the configuration, filled from what the core tells.

::

    async with OpcUaServer(settings, own, gate, ask) as server:
        await server.hear(Snapshot(state))
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import structlog
from asyncua import ua

from edge_service.errors import ConfigurationError
from edge_service.gateway.opcua.asking import Ask, Core
from edge_service.gateway.opcua.history import History
from edge_service.gateway.opcua.identification import Identification
from edge_service.gateway.opcua.identity import Gate
from edge_service.gateway.opcua.limits import Limits
from edge_service.gateway.opcua.machine_vision.system import VisionSystem
from edge_service.gateway.opcua.machine_vision.table import URI
from edge_service.gateway.opcua.mended.server import MendedServer
from edge_service.gateway.opcua.own_certificate import application_uri, own_certificate
from edge_service.gateway.opcua.peers import Peers
from edge_service.gateway.opcua.plain_methods import PlainMethods
from edge_service.gateway.opcua.space import OBJECTS, ORGANIZES, Space
from edge_service.gateway.opcua.tags import Tags
from edge_service.gateway.opcua.users import Users
from edge_service.language import say
from edge_service.link import Event, Role, Snapshot

log = structlog.get_logger()

NAMESPACE = "urn:okng:opcua"
MODES = ("Sign", "SignAndEncrypt")


@dataclass(frozen=True, slots=True)
class OpcUaSettings:
    """What the configuration says."""

    station: str
    folder: Path
    host: str = "0.0.0.0"  # noqa: S104 - the configuration's default, and its reason, stand there
    port: int = 4840
    policies: tuple[str, ...] = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")
    allow_none: bool = False
    anonymous: Role | None = Role.OBSERVER
    names: tuple[str, ...] = ()
    results: int = 100
    shown_results: int = 10
    software: str = ""
    limits: Limits = field(default_factory=Limits)


class OpcUaServer:
    """Serves from enter to exit. Everything in it belongs to one event loop."""

    def __init__(self, settings: OpcUaSettings, ask: Ask, warn: Callable[..., None] = log.warning) -> None:
        self._settings = settings
        self._core = Core(ask)
        self.space = Space(self._core.write)
        self.space.on_heard(self._core.heard)
        own = own_certificate(settings.folder, settings.station, settings.names)
        self._gate = Gate(
            Peers(settings.folder),
            Users(settings.folder),
            own.certificate,
            own.key,
            anonymous=settings.anonymous,
            allow_none=settings.allow_none,
        )
        self._server = MendedServer(self._gate, self.space, settings.limits, warn)
        self._server.iserver.certificate, self._server.iserver.private_key = own.certificate, own.key
        self._history = self._server.iserver.history = History(settings.results)
        self._latest: Mapping[str, Any] | None = None

    @property
    def address(self) -> str:
        """Where it listens: ``opc.tcp://HOST:PORT``."""
        assert self._server.bserver is not None, "it listens"
        return f"opc.tcp://{self._server.bserver.hostname}:{self._server.bserver.port}"

    async def __aenter__(self) -> Self:
        settings, server = self._settings, self._server
        server.name = f"okng {settings.station}"
        server.product_uri = "urn:okng:product"
        server.manufacturer_name = "okng"
        server.application_type = ua.ApplicationType.Server
        server._application_uri = application_uri(settings.station)  # noqa: SLF001 - init writes it
        server.set_endpoint(f"opc.tcp://{settings.host}:{settings.port}")
        await server.init()
        server.set_security_policy(_policies(settings))
        await server.set_build_info(
            server.product_uri, "okng", server.name, settings.software, "0", datetime.now(UTC)
        )
        await server.tell_limits()
        await self._fill()
        try:
            await server.start()
        except OSError as error:
            with suppress(Exception):
                await server.iserver.stop()
            raise ConfigurationError(
                say(
                    f"the OPC UA server cannot listen on {settings.host}:{settings.port}: {error.strerror}",
                    f"OPC UA 服务器无法监听 {settings.host}:{settings.port}：{error.strerror}",
                ),
                remedy=say(
                    "end what uses this port, set gateway.opcua.port (0 lets the system choose), or "
                    "gateway.opcua.enabled: false",
                    "请结束占用该端口的程序，或设置 gateway.opcua.port（0 由系统选择），"
                    "或 gateway.opcua.enabled: false",
                ),
            ) from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.stop()

    async def hear(self, message: Snapshot | Event) -> None:
        """Show what the core tells; events that are not known here are passed over."""
        at = datetime.now(UTC)
        match message:
            case Snapshot(state):
                await self._hear_all(state, at)
            case Event("signals", signals):
                await self._tags.hear_signals(signals, at)
                await self._vision.hear_signals(signals, at)
            case Event("command", command):
                await self._tags.hear_command(command, at)
            case Event("inspection", inspection):
                self._latest = inspection
                await self._vision.hear_inspection(inspection)
            case Event("moments", moments):
                await self._vision.hear_moments(moments)
            case Event("conditions", conditions):
                await self._vision.hear_conditions(conditions, at)

    async def set_away(self, *, away: bool) -> None:
        """Turn every node to Bad_NoCommunication, or back."""
        await self.space.set_away(away=away)

    async def _fill(self) -> None:
        settings = self._settings
        index = await self._server.register_namespace(NAMESPACE)
        standard = await self._server.register_namespace(URI)
        self.space.use(self._server.iserver, index)
        self._vision = VisionSystem(
            self._server.iserver,
            self.space,
            self._core,
            kept=settings.results,
            shown=settings.shown_results,
        )
        kind = self._vision.make_types(standard)
        name = settings.station
        station = self.space.add_object(OBJECTS, name, name, kind=kind, reference=ORGANIZES, notifier=1)
        self._vision.fill(station)
        self._identification = Identification(self.space, station, self._settings.software)
        self._tags = Tags(self.space, station, self._history)
        self._plain = PlainMethods(self.space, self._tags.folder, self._core, lambda: self._latest)

    async def _hear_all(self, state: Mapping[str, Any], at: datetime) -> None:
        self._latest = state.get("last") or self._latest
        await self._remember()
        await self._identification.hear(state, at)
        await self._tags.hear_command(state.get("command", {}), at)
        await self._tags.hear_signals(state.get("signals", {}), at)
        await self._vision.hear_all(state, at)

    async def _remember(self) -> None:
        """Learn what results there were while this server was not there, or did not hear them."""
        most = self._settings.results
        for inspection in await self._core.past("inspections", most, self._vision.knows):
            await self._vision.remember(inspection)
        self._tags.remember(await self._core.past("records", most, self._tags.knows))


def _policies(settings: OpcUaSettings) -> list[ua.SecurityPolicyType]:
    secure = [
        ua.SecurityPolicyType[f"{policy}_{mode}"] for policy in settings.policies for mode in reversed(MODES)
    ]
    return secure + ([ua.SecurityPolicyType.NoSecurity] if settings.allow_none else [])
