"""The PLC of the chaos plant: every part it triggers has a serial of its own, whatever becomes of it."""

import asyncio
from dataclasses import dataclass, field

from edge_service.domain.inspection import Verdict
from edge_service.errors import PlcError
from edge_service.simulation.plc import PlcResult, SimulatedPlc


@dataclass(slots=True)
class Line:
    """Triggers part after part; ``answered`` holds what the PLC read, by serial."""

    port: int
    pace_s: float
    triggered: int = 0
    restarts: int = 0
    answered: dict[str, PlcResult] = field(default_factory=dict)
    boots: dict[str, int] = field(default_factory=dict)  # serial -> boot id of the core that answered
    model: str = ""

    async def drive(self, parts: int) -> None:
        """Go on until so many parts were answered; a core that dies is waited for."""
        while len(self.answered) < parts:
            try:
                async with SimulatedPlc("127.0.0.1", self.port, ready_timeout_s=60.0) as plc:
                    boot_id = int((await plc.outputs())["Status.BootId"])
                    while len(self.answered) < parts:
                        await self._part(plc, boot_id)
            except PlcError:
                self.restarts += 1
                await asyncio.sleep(0.05)

    async def _part(self, plc: SimulatedPlc, boot_id: int) -> None:
        self.triggered += 1
        serial = f"P{self.triggered:06d}"
        result = await plc.inspect(serial=serial.encode())
        assert result.part_serial.rstrip(b"\0").decode() == serial, "a result of another part"
        self.answered[serial], self.boots[serial] = result, boot_id
        await asyncio.sleep(self.pace_s)

    async def look(self) -> None:
        """Note the model in use."""
        async with SimulatedPlc("127.0.0.1", self.port, ready_timeout_s=60.0) as plc:
            self.model = str((await plc.outputs())["Station.ModelVersion"])

    def judged(self) -> dict[str, int]:
        """Return how many parts had which verdict."""
        verdicts = [result.verdict for result in self.answered.values()]
        return {verdict.name: verdicts.count(verdict) for verdict in Verdict if verdict in verdicts}
