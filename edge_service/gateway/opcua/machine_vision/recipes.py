"""RecipeManagement: the recipes of the configuration; the prepared one is the active one."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from edge_service.domain.codes import Code
from edge_service.gateway.opcua.asking import LONG_S, Core
from edge_service.gateway.opcua.machine_vision.conditions import Conditions
from edge_service.gateway.opcua.machine_vision.events import Herald
from edge_service.gateway.opcua.machine_vision.instance import Instance, Maker, Service
from edge_service.gateway.opcua.machine_vision.results import page
from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE
from edge_service.gateway.opcua.machine_vision.table import NAMED
from edge_service.gateway.opcua.space import Space
from edge_service.link import Role

MANAGEMENT = "RecipeManagement"
_FALSE, _TRUE = 0, 1


class Recipes:
    """Shows recipes as objects and answers queries about them."""

    def __init__(self, space: Space, core: Core, conditions: Conditions) -> None:
        self._space, self._core, self._conditions = space, core, conditions
        self._made: Instance | None = None
        self._herald: Herald | None = None
        self._make: Any = None
        self._names: dict[str, str] = {}
        self._shown: dict[str, Instance] = {}
        self._active = ""
        self.services = {
            f"{MANAGEMENT}.GetRecipeListFiltered": Service(Role.OBSERVER, self._filtered),
            f"{MANAGEMENT}.PrepareRecipe": Service(Role.ENGINEER, self._prepare),
            f"{MANAGEMENT}.UnprepareRecipe": Service(Role.ENGINEER, self._unprepare),
            f"{MANAGEMENT}.ReleaseRecipeHandle": Service(Role.OBSERVER, self._release),
        }

    def live(self, made: Instance, herald: Herald, make: Any) -> None:
        """Have nodes; ``make(services)`` gives a ``Maker`` for a recipe's methods."""
        self._made, self._herald, self._make = made, herald, make

    async def hear_all(self, state: Mapping[str, Any], at: datetime) -> None:
        """Take the recipes that there are."""
        self._names = {str(number): name for number, name in state.get("recipes", {}).items()}
        for number in self._names:
            if number not in self._shown:
                self._shown[number] = self._add(number)
        await self.hear_active(state.get("signals", {}), at)

    async def hear_active(self, signals: Mapping[str, Any], at: datetime) -> None:
        """Take the active recipe; another one than before has been prepared."""
        assert self._made is not None, "live"
        assert self._herald is not None, "live"
        active = str(signals.get("Station.ActiveRecipe", self._active))
        before, self._active = self._active, active
        if active == before:
            return
        for number, recipe in self._shown.items():
            await self._space.show([(recipe.nodes["IsPrepared"], number == active)], at)
        if before and active in self._names:
            kind = ua.VariantType.ExtensionObject
            fields = {
                "InternalId": ua.Variant(self._internal(active), kind),
                "ExternalId": ua.Variant(self._external(active), kind),
            }
            source = self._made.nodes[MANAGEMENT]
            await self._herald.happen("RecipePreparedEventType", source, at, f"recipe {active}", fields)

    def _add(self, number: str) -> Instance:
        assert self._made is not None, "live"
        path = f"{MANAGEMENT}.Recipes.{number}"
        kind = NAMED["RecipeType"].number
        index = self._herald.type("RecipeType").NamespaceIndex if self._herald else 0
        folder = self._made.nodes[f"{MANAGEMENT}.Recipes"]
        root = self._space.add_object(folder, path, self._names[number], kind=ua.NodeId(kind, index))

        async def prepare(session: Any) -> tuple[Any, ...]:
            return (await self._select(number, session))[1:]

        async def unprepare(_: Any) -> tuple[int]:
            return (await self._refuse_unprepare(number),)

        maker: Maker = self._make(
            {"Prepare": Service(Role.ENGINEER, prepare), "Unprepare": Service(Role.ENGINEER, unprepare)}
        )
        made = maker.fill("RecipeType", root, f"{path}.")
        self._space.preset(made.nodes["InternalId"], self._internal(number))
        self._space.preset(made.nodes["ExternalId"], self._external(number))
        self._space.preset(made.nodes["LastModified"], datetime.now(UTC))
        return made

    def _internal(self, number: str) -> Any:
        described = ua.LocalizedText(self._names.get(number, ""))
        return STRUCTURE["RecipeIdInternalDataType"](Id=number, Description=described)

    def _external(self, number: str) -> Any:
        described = ua.LocalizedText(self._names.get(number, ""))
        return STRUCTURE["RecipeIdExternalDataType"](Id=number, Description=described)

    async def _filtered(self, _: Any, *inputs: Any) -> tuple[Any, ...]:
        external, product, prepared, most, start, timeout = inputs
        del timeout
        wanted = (external.Id if external else "") or ""
        of_product = bool(product and product.Id)  # there are no products here: none has that one
        found = [
            self._internal(number)
            for number in self._names
            if wanted in ("", number)
            and not of_product
            and (prepared not in (_FALSE, _TRUE) or (prepared == _TRUE) == (number == self._active))
        ]
        return (*page(found, start, most), 0)

    async def _prepare(self, session: Any, external: Any, internal: Any) -> tuple[Any, ...]:
        number = (external.Id if external else "") or (internal.Id if internal else "") or ""
        return await self._select(number, session)

    async def _select(self, number: str, session: Any) -> tuple[Any, bool, int]:
        if number not in self._names:
            await self._conditions.warn(Code.RECIPE_UNKNOWN, f"PrepareRecipe({number[:40]})")
            return STRUCTURE["RecipeIdInternalDataType"](Id=""), False, -Code.RECIPE_UNKNOWN
        error, _ = await self._core.error("select_recipe", {"recipe": int(number)}, session.identity, LONG_S)
        return self._internal(number), not error, error

    async def _unprepare(self, _: Any, external: Any, internal: Any) -> tuple[Any, int]:
        number = (external.Id if external else "") or (internal.Id if internal else "") or ""
        return self._internal(number), await self._refuse_unprepare(number)

    async def _refuse_unprepare(self, number: str) -> int:
        """One recipe is always the active one: preparing another is how it ends."""
        code = Code.COMMAND_STATE if number in self._names else Code.RECIPE_UNKNOWN
        await self._conditions.warn(code, f"UnprepareRecipe({number[:40]})")
        return -int(code)

    async def _release(self, *_: Any) -> tuple[int]:
        return (0,)
