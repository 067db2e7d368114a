"""The VisionSystemType instance of the station: its parts, and what the core tells handed to each."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from edge_service.gateway.opcua.asking import Core
from edge_service.gateway.opcua.machine_vision.conditions import Conditions
from edge_service.gateway.opcua.machine_vision.configurations import Configurations
from edge_service.gateway.opcua.machine_vision.events import Herald
from edge_service.gateway.opcua.machine_vision.instance import Maker, Service
from edge_service.gateway.opcua.machine_vision.machine import MACHINE, StateMachine
from edge_service.gateway.opcua.machine_vision.recipes import Recipes
from edge_service.gateway.opcua.machine_vision.results import Results
from edge_service.gateway.opcua.machine_vision.structures import register
from edge_service.gateway.opcua.machine_vision.table import NAMED
from edge_service.gateway.opcua.machine_vision.types import Types
from edge_service.gateway.opcua.space import Space

OPTIONAL = frozenset(
    {
        "ConfigurationManagement",
        "ConfigurationManagement.ReleaseConfigurationHandle",
        "DiagnosticLevel",
        "RecipeManagement",
        "RecipeManagement.Recipes",
        "RecipeManagement.ReleaseRecipeHandle",
        "ResultManagement",
        "ResultManagement.ReleaseResultHandle",
        "ResultManagement.Results",
        "SystemState",
        "VisionStateMachine.AutomaticModeStateMachine",
        "VisionStateMachine.AutomaticModeStateMachine.SimulationMode",
        "VisionStateMachine.ConfirmAll",
        "VisionStateMachine.SelectModeAutomatic",
    }
)
"""What this station offers of what the standard leaves open."""

_OPTIONAL_OF_RECIPE = frozenset({"ExternalId"})


class VisionSystem:
    """Made once the standard's types are there."""

    def __init__(self, iserver: Any, space: Space, core: Core, *, kept: int, shown: int) -> None:
        self._iserver, self._space = iserver, space
        self._kept, self._shown = kept, shown
        self._conditions = Conditions(space)
        self._machine = StateMachine(space, core, self._conditions)
        self._results = Results(space, kept, shown)
        self._recipes = Recipes(space, core, self._conditions)
        self._configurations = Configurations(space, self._conditions)

    def make_types(self, index: int) -> ua.NodeId:
        """Make the standard's types in its namespace; return the type of the station's object."""
        register(index)
        self._types = Types(self._iserver, index)
        self._types.make()
        return ua.NodeId(NAMED["VisionSystemType"].number, index)

    def fill(self, station: ua.NodeId) -> None:
        """Make everything below the station's object."""
        parts = (self._machine, self._results, self._recipes, self._configurations)
        services = {path: service for part in parts for path, service in part.services.items()}
        maker = Maker(self._space, self._types, OPTIONAL, services)
        made = maker.fill("VisionSystemType", station)
        herald = Herald(self._iserver, self._types.index, station)
        self._conditions.live(self._iserver, herald, made.nodes[MACHINE])
        self._machine.live(made, herald, self._types.index)
        self._results.live(made, herald, maker)
        self._recipes.live(made, herald, self._recipe_maker)
        self._configurations.live(made)
        notifies = ua.NodeId(ua.ObjectIds.HasNotifier)
        self._types.both(ua.NodeId(ua.ObjectIds.Server), notifies, station)
        for path in (MACHINE, "ResultManagement", "RecipeManagement"):
            self._types.both(station, notifies, made.nodes[path])

    def _recipe_maker(self, services: Mapping[str, Service]) -> Maker:
        return Maker(self._space, self._types, _OPTIONAL_OF_RECIPE, services)

    async def hear_all(self, state: Mapping[str, Any], at: datetime) -> None:
        """Take everything that is true now."""
        signals = state.get("signals", {})
        await self._machine.hear_all(state, at)
        await self._recipes.hear_all(state, at)
        await self._configurations.hear(signals, at)
        await self.hear_conditions(state.get("conditions", {}), at)
        if last := state.get("last"):
            await self._results.remember(last, at)

    async def hear_signals(self, signals: Mapping[str, Any], at: datetime) -> None:
        """Take what changed."""
        await self._recipes.hear_active(signals, at)
        await self._configurations.hear(signals, at)

    async def hear_conditions(self, conditions: Mapping[str, Any], at: datetime) -> None:
        """Take the codes that are there."""
        codes = [*conditions.get("errors", ()), *conditions.get("warnings", ())]
        await self._conditions.hear(codes, at)

    async def hear_moments(self, moments: Mapping[str, Any]) -> None:
        """Follow what happened, in order."""
        for moment in moments["moments"]:
            await self._machine.hear_moment(moment)

    def knows(self, inspection: Mapping[str, Any]) -> bool:
        """Whether it is among the results that are kept."""
        return self._results.knows(inspection["id"])

    async def remember(self, inspection: Mapping[str, Any]) -> None:
        """Take a result from before; no event tells it."""
        await self._results.remember(inspection, datetime.fromtimestamp(inspection["at"], UTC))

    async def hear_inspection(self, inspection: Mapping[str, Any]) -> None:
        """Take a result."""
        await self._results.hear(inspection, datetime.now(UTC))
