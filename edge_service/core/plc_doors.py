"""Every way in which the configuration lets a PLC talk to the station, over one memory of registers."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import structlog

from edge_service.config import EdgeConfig
from edge_service.core.settings import (
    modbus_client_settings,
    modbus_rtu_settings,
    modbus_tcp_settings,
    modbus_tls_settings,
)
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings

log = structlog.get_logger()


@dataclass
class PlcDoors:
    """What was opened: where Modbus TCP listens, and the tasks that end only when something failed."""

    address: str | None = None
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    @classmethod
    async def open(
        cls, config: EdgeConfig, memory: Memory, stack: AsyncExitStack, group: asyncio.TaskGroup
    ) -> "PlcDoors":
        """Open what is enabled. Raises ConfigurationError."""
        doors = cls()
        if config.modbus.tcp.enabled:
            server = await doors._listen("tcp", modbus_tcp_settings(config), memory, stack, group)
            doors.address = server.address()
        if config.modbus.tls.enabled:
            await doors._listen("tls", modbus_tls_settings(config), memory, stack, group)
        if config.modbus.rtu.enabled:
            from edge_service.fieldbus.modbus_rtu import ModbusRtuServer  # noqa: PLC0415 - where configured

            line = ModbusRtuServer(modbus_rtu_settings(config), memory)
            doors.tasks.append(group.create_task(line.run(), name="modbus-rtu"))
        if config.modbus.client.enabled:
            from edge_service.fieldbus.modbus_client import ModbusClient  # noqa: PLC0415 - likewise

            client = ModbusClient(modbus_client_settings(config), memory)
            doors.tasks.append(group.create_task(client.run(), name="modbus-client"))
        return doors

    async def _listen(
        self,
        role: str,
        settings: ModbusTcpSettings,
        memory: Memory,
        stack: AsyncExitStack,
        group: asyncio.TaskGroup,
    ) -> ModbusTcpServer:
        server = ModbusTcpServer(settings, memory)
        await stack.enter_async_context(server)
        self.tasks.append(group.create_task(server.failed(), name=f"modbus-{role}-failed"))
        log.info("modbus_listening", role=role, address=server.address())
        return server
