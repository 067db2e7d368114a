"""Equipment from the model store: verified, compiled, self-tested on this box, kept warm."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from edge_service.config import EdgeConfig
from edge_service.contract.model_package import ModelPackage
from edge_service.core.package_engine import RETRY_S, load_package
from edge_service.domain.inspection import Recipe
from edge_service.errors import PackageError, RecipeError
from edge_service.inference.engine import OpenVinoEngine
from edge_service.language import say
from edge_service.lifecycle import OwnedThread
from edge_service.model_store.self_test import self_test
from edge_service.model_store.store import ModelStore, identity_of
from edge_service.station import Equipment

log = structlog.get_logger()

Answer = TypeVar("Answer")

KEPT = 4  # compiled models kept warm: a changeover back and forth costs nothing
ALLOWANCE_S = 180.0  # a cold compile on a GPU


@dataclass(frozen=True, slots=True)
class _Loaded:
    package: ModelPackage
    engine: OpenVinoEngine


class StoreOutfitter:
    """Implements ``station.Outfitter`` on a model store. Disk and compiler work on its own thread.

    Every engine passes the package's self-test before it is handed out, so a driver that changed since
    the model was activated is found before it judges a part.
    """

    def __init__(self, config: EdgeConfig, store: ModelStore) -> None:
        self._config, self._store = config, store
        self._recipes = config.recipe_table()
        self._thresholds: dict[int, float] = {}
        self._warm: OrderedDict[str, _Loaded] = OrderedDict()  # by digest, the latest used last
        self._thread = OwnedThread("models")

    async def equip(self, recipe: int, recipes: Mapping[int, Recipe] | None = None) -> Equipment:
        """Return equipment for ``recipe`` of the table in force, or of ``recipes`` where given."""
        table = self._recipes if recipes is None else recipes
        wanted = _known(recipe, table)
        if recipes is None and recipe in self._thresholds:
            wanted = replace(wanted, threshold=self._thresholds[recipe])
        loaded = await self._call(lambda _: self._load(self._store.active(wanted.model)))
        return _equipment(wanted, loaded)

    async def golden_test(self, equipment: Equipment) -> None:
        """Judge the golden images once more with the engine in use."""
        loaded = self._warm[equipment.model.digest]
        await self._call(lambda _: self_test(loaded.package, loaded.engine))

    async def activate(self, recipe: int) -> Equipment:
        """Activate the newest installed version of the recipe's model."""
        model = _known(recipe, self._recipes).model
        await self._call(
            lambda given_up: self._store.activate(model, self._newest(model), self._examine(given_up))
        )
        return await self.equip(recipe)

    async def take(self, recipe: int, read: Callable[[], bytes], *, activate: bool) -> ModelPackage:
        """Verify and install a package for ``recipe``; ``activate``: test it here and make it the active one.

        What judges now goes on judging. Raises what ``ModelStore.install`` and ``activate`` raise, and
        PackageError for a package of another product.
        """
        model = _known(recipe, self._recipes).model
        return await self._call(lambda given_up: self._take(model, read(), given_up if activate else None))

    def recipe_for(self, model: str) -> int:
        """Return the recipe to begin with once ``model`` is there: the first one that it serves."""
        first = self._config.first_recipe
        serves = [number for number, recipe in self._recipes.items() if recipe.model == model]
        return first if first in serves or not serves else serves[0]

    async def roll_back(self, recipe: int) -> Equipment:
        """Activate the version before."""
        model = _known(recipe, self._recipes).model
        await self._call(lambda given_up: self._store.rollback(model, self._examine(given_up)))
        return await self.equip(recipe)

    def remember_threshold(self, recipe: int, share: float) -> None:
        """Use this threshold for ``recipe`` until the restart or a reload."""
        self._thresholds[recipe] = share

    def use(self, config: EdgeConfig) -> None:
        """Take the recipes of a reloaded configuration; thresholds changed on the line are forgotten."""
        self._recipes = config.recipe_table()
        self._thresholds.clear()

    async def close(self) -> None:
        """Give every device back."""
        await asyncio.to_thread(self._thread.close)
        for loaded in self._warm.values():
            await asyncio.to_thread(loaded.engine.close)
        self._warm.clear()

    async def _call(self, work: Callable[[threading.Event], Answer]) -> Answer:
        """Do ``work`` on the thread; it is told by the event when nobody waits for it any more."""
        given_up = threading.Event()
        try:
            return await self._thread.call(work, given_up, allowance_s=ALLOWANCE_S)
        except asyncio.CancelledError:
            given_up.set()
            raise

    def _examine(self, given_up: threading.Event) -> Callable[[ModelPackage], object]:
        def examine(package: ModelPackage) -> object:
            loaded = self._load(package)
            if given_up.is_set():
                raise PackageError(say("the command ran out of time", "命令超时"))
            return loaded

        return examine

    def _load(self, package: ModelPackage) -> _Loaded:
        if package.digest in self._warm:
            self._warm.move_to_end(package.digest)
            return self._warm[package.digest]
        engine = load_package(
            package,
            self._config.inference,
            self._store,
            cache_folder=self._config.cache_dir,
            retry_s=RETRY_S,
        )
        log.info(
            "model_ready",
            model=package.label,
            device=engine.device,
            precision=engine.precision,
            tried={trial.variant: trial.problem or trial.median_ms for trial in engine.chosen.trials},
            fallback=engine.fallback_reason or None,
            golden=len(package.manifest.golden),
        )
        self._warm[package.digest] = _Loaded(package, engine)
        while len(self._warm) > KEPT:
            self._warm.popitem(last=False)[1].engine.close()
        return self._warm[package.digest]

    def _take(self, model: str, data: bytes, given_up: threading.Event | None) -> ModelPackage:
        package = self._store.verified(data)
        if package.manifest.name != model:
            raise PackageError(
                say(
                    f"the package is for {package.manifest.name}, this recipe is for {model}",
                    f"该模型包用于 {package.manifest.name}，而此配方用于 {model}",
                ),
                remedy=say(
                    "assign a model of the recipe's own product on the training server",
                    "请在训练服务器上为该配方指派其产品的模型",
                ),
            )
        self._store.install(data)
        if given_up is not None:
            self._store.activate(model, package.manifest.version, self._examine(given_up))
        return package

    def _newest(self, model: str) -> str:
        usable = [each.version for each in self._store.installed() if each.name == model and not each.problem]
        if not usable:
            raise PackageError(
                say(f"no version of model {model} is installed", f"模型 {model} 没有已安装的版本"),
                remedy=say("okng-edge model install FILE", "请执行 okng-edge model install FILE"),
            )
        return max(usable, key=lambda version: self._store.load(model, version).manifest.created_at)


def _known(recipe: int, table: Mapping[int, Recipe]) -> Recipe:
    if recipe in table:
        return table[recipe]
    numbers = ", ".join(map(str, table)) or "-"
    raise RecipeError(
        say(f"there is no recipe {recipe}; recipes: {numbers}", f"没有配方 {recipe}；现有配方：{numbers}"),
        remedy=say("choose one of them, or add it to the configuration", "请选择其中之一，或在配置中添加"),
    )


def _equipment(recipe: Recipe, loaded: _Loaded) -> Equipment:
    return Equipment(
        recipe=recipe,
        model=identity_of(loaded.package),
        engine=loaded.engine,
        model_threshold=loaded.package.manifest.threshold.value,
    )
