"""ConfigurationManagement: the one configuration in force, known by its checksum."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edge_service.domain.codes import Code
from edge_service.gateway.opcua.machine_vision.conditions import Conditions
from edge_service.gateway.opcua.machine_vision.instance import Instance, Service
from edge_service.gateway.opcua.machine_vision.results import page
from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE
from edge_service.gateway.opcua.space import Space
from edge_service.link import Role

MANAGEMENT = "ConfigurationManagement"


class Configurations:
    """Shows it, and says of any other that it is not here."""

    def __init__(self, space: Space, conditions: Conditions) -> None:
        self._space, self._conditions = space, conditions
        self._made: Instance | None = None
        self._active: Any = STRUCTURE["ConfigurationDataType"]()
        self.services = {
            f"{MANAGEMENT}.ActivateConfiguration": Service(Role.ENGINEER, self._activate),
            f"{MANAGEMENT}.GetConfigurationById": Service(Role.OBSERVER, self._by_id),
            f"{MANAGEMENT}.GetConfigurationList": Service(Role.OBSERVER, self._list),
            f"{MANAGEMENT}.ReleaseConfigurationHandle": Service(Role.OBSERVER, self._release),
        }

    def live(self, made: Instance) -> None:
        """Have nodes."""
        self._made = made

    async def hear(self, signals: Mapping[str, Any], at: datetime) -> None:
        """Take the checksum in force."""
        assert self._made is not None, "live"
        name = f"{signals.get('Station.ConfigurationChecksum', 0):08x}"
        if "Station.ConfigurationChecksum" in signals and name != self._active.InternalId.Id:
            self._active = STRUCTURE["ConfigurationDataType"](
                HasTransferableDataOnFile=False,
                InternalId=STRUCTURE["ConfigurationIdDataType"](Id=name),
                LastModified=at,
            )
            await self._space.show(
                [(self._made.nodes[f"{MANAGEMENT}.ActiveConfiguration"], self._active)], at
            )

    async def _activate(self, _: Any, internal: Any) -> tuple[int]:
        wanted = (internal.Id if internal else "") or ""
        if wanted == self._active.InternalId.Id:
            return (0,)
        await self._conditions.warn(Code.CONFIGURATION_REJECTED, f"ActivateConfiguration({wanted[:40]})")
        return (-Code.CONFIGURATION_REJECTED,)

    async def _by_id(self, _: Any, internal: Any, __: int) -> tuple[Any, ...]:
        if internal is not None and internal.Id == self._active.InternalId.Id:
            return 0, self._active, 0
        return 0, STRUCTURE["ConfigurationDataType"](), -Code.COMMAND_PARAMETER

    async def _list(self, _: Any, most: int, start: int, __: int) -> tuple[Any, ...]:
        return (*page([self._active], start, most), 0)

    async def _release(self, *_: Any) -> tuple[int]:
        return (0,)
