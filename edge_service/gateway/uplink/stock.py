"""The models on this box and what became of each, as the health report says it."""

from collections.abc import Mapping

from pydantic import ValidationError

from edge_service.contract.messages import InstalledModel, ModelReference
from edge_service.domain.inspection import Recipe
from edge_service.gateway.uplink.ledger import Deliveries, Settled
from edge_service.model_store.store import InstalledModel as InStore
from edge_service.model_store.store import ModelStore

_Stamps = tuple[tuple[str, int, int], ...]
MOST = 200  # as many as a report may hold


class Stock:
    """Looks at the store; verifying every package again only when something in it changed. Blocks."""

    def __init__(self, store: ModelStore, recipes: Mapping[int, Recipe], deliveries: Deliveries) -> None:
        self._store, self._recipes, self._deliveries = store, recipes, deliveries
        self._stamps: _Stamps | None = None
        self._there: list[InStore] = []

    def models(self) -> tuple[InstalledModel, ...]:
        """Return every usable model, and what was refused."""
        settled = self._deliveries.all()
        if (stamps := self._store.stamps()) != self._stamps:
            self._there, self._stamps = self._store.installed(), stamps
        told = [self._told(each, settled) for each in self._there if not each.problem]
        refused = [_refused(each) for each in settled if each.state == "refused"]
        return tuple(model for model in (*refused, *told) if model is not None)[:MOST]

    def _told(self, model: InStore, settled: list[Settled]) -> InstalledModel | None:
        activated = {each.assignment.model.digest for each in settled if each.state == "activated"}
        serves = [number for number, recipe in self._recipes.items() if recipe.model == model.name]
        try:
            return InstalledModel(
                model=ModelReference(name=model.name, version=model.version, digest=model.digest),
                state="active"
                if model.active
                else "rolled_back"
                if model.digest in activated
                else "previous"
                if model.previous
                else "staged",
                recipe=serves[0] if serves else 0,
            )
        except ValidationError:  # installed by hand under a name that no server gives
            return None


def _refused(settled: Settled) -> InstalledModel:
    return InstalledModel(
        model=settled.assignment.model,
        state="refused",
        recipe=settled.assignment.recipe,
        code=settled.code,
        reason=settled.reason,
    )
