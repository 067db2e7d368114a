"""``Identification``: whose station this is and what runs on it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from asyncua import ua

from edge_service.gateway.opcua.space import HAS_PROPERTY, PROPERTY, Space

_FACTS = {
    "Station": "station",
    "SoftwareRevision": "software",
    "Camera": "camera",
    "Device": "device",
    "ModbusAddress": "modbus",
}
_FIXED = {
    "Manufacturer": "okng",
    "ManufacturerUri": "urn:okng",
    "Model": "okng visual inspection station",
}


class Identification:
    """Properties, filled from the core's snapshot."""

    def __init__(self, space: Space, station: ua.NodeId, software: str) -> None:
        self._space = space
        place = space.add_object(station, "Identification", "Identification")
        self._nodes = {}
        for name in (*_FIXED, *_FACTS, "BootId"):
            is_number = name == "BootId"
            kind = ua.VariantType.UInt32 if is_number else ua.VariantType.String
            first = 0 if is_number else _FIXED.get(name, software if name == "SoftwareRevision" else "")
            self._nodes[name] = space.add_variable(
                place,
                f"Identification.{name}",
                name,
                kind,
                first,
                type_definition=PROPERTY,
                reference=HAS_PROPERTY,
            )

    async def hear(self, state: Mapping[str, Any], at: datetime) -> None:
        """Show what the snapshot says."""
        values: dict[str, Any] = {name: str(state.get(key) or "") for name, key in _FACTS.items()}
        values["BootId"] = int(state.get("boot_id", 0))
        await self._space.show(((self._nodes[name], value) for name, value in values.items()), at)
