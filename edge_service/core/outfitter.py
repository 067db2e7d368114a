"""Equipment from the model store: verified, compiled, self-tested on this box, kept warm."""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import structlog

from edge_service.config import EdgeConfig
from edge_service.contract import score
from edge_service.contract.model_package import ModelPackage
from edge_service.core.masks import load_mask
from edge_service.core.package_engine import RETRY_S, load_package
from edge_service.core.thresholds import Thresholds
from edge_service.domain.inspection import Recipe
from edge_service.errors import OkngError, PackageError, RecipeError, SelfTestError
from edge_service.inference.engine import OpenVinoEngine
from edge_service.language import say
from edge_service.lifecycle import OwnedThread
from edge_service.model_store.self_test import self_test
from edge_service.model_store.store import ModelStore, identity_of
from edge_service.station import Equipment

log = structlog.get_logger()

Answer = TypeVar("Answer")

SPARE = 2  # compiled models kept beside the recipes' active ones: the newest and the one before
LAST_COMPILE_S = 20.0
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
        self.thresholds = Thresholds(config.data_dir)
        self._failures: dict[str, str] = {}
        self._warm: OrderedDict[str, _Loaded] = OrderedDict()  # by digest, the latest used last
        self._thread = OwnedThread("models")

    async def equip(self, recipe: int, recipes: Mapping[int, Recipe] | None = None) -> Equipment:
        """Return equipment for ``recipe`` of the table in force, or of ``recipes`` where given."""
        table = self._recipes if recipes is None else recipes
        wanted = _known(recipe, table)
        wanted = replace(wanted, threshold=self.thresholds.in_force(wanted))
        return await self._call(lambda _: self._equipment(wanted))

    async def keep_ready(self) -> None:
        """Compile and test what may be asked for next, so that a change costs no time on the line.

        That is every recipe's active version, the newest one and, while it is on probation, the one before.
        What does not work is told in the log; whoever asks for it gets the same answer.
        """
        for model in dict.fromkeys(recipe.model for recipe in self._recipes.values()):
            try:
                versions = await self._call(partial(self._wanted_soon, model))
            except OkngError as error:
                log.warning("model_not_usable", model=model, error=error.what)
                continue
            for version in versions:
                try:
                    await self._call(partial(self._load_version, model, version))
                except OkngError as error:
                    log.warning("model_not_usable", model=f"{model} {version}", error=error.what)

    async def golden_test(self, equipment: Equipment) -> None:
        """Judge the golden images once more with the engine in use, by the threshold in force."""
        loaded = self._warm[equipment.model.digest]
        for result in await self._call(lambda _: self_test(loaded.package, loaded.engine)):
            found_bad = result.got >= equipment.threshold
            if found_bad != (result.kind == "defective"):
                raise SelfTestError(
                    say(
                        f"{result.file} is {result.kind} and scores {result.got:.5g} at threshold "
                        f"{equipment.threshold:.5g}",
                        f"{result.file} 为 {result.kind}，得分 {result.got:.5g}，"
                        f"阈值 {equipment.threshold:.5g}",
                    ),
                    remedy=say(
                        "the threshold was moved past a golden image: okng-edge threshold reset RECIPE",
                        "阈值越过了标准图像：okng-edge threshold reset 配方号",
                    ),
                )

    async def activate(self, recipe: int) -> Equipment:
        """Activate the newest installed version of the recipe's model."""
        model = _known(recipe, self._recipes).model
        await self._call(
            lambda given_up: self._store.activate(
                model, self._newest(model), self._examine(given_up), by="command"
            )
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
        failure, self._failures = self._failures.pop(model, ""), {}
        by = "station" if failure else "command"
        await self._call(
            lambda given_up: self._store.rollback(model, self._examine(given_up), by=by, failure=failure)
        )
        return await self.equip(recipe)

    def blame(self, model: str, failure: str) -> None:
        """Have the next roll back of ``model`` reject the version in use, because of ``failure``."""
        self._failures[model] = failure

    async def on_probation(self, model: str) -> bool:
        """Whether the active version of ``model`` is new on this line and there is one to go back to."""
        return await self._call(lambda _: self._store.on_probation(model))

    async def prove(self, model: str, version: str) -> None:
        """Note that this version has judged enough parts."""
        await self._call(lambda _: self._store.prove(model, version))

    async def remember_threshold(self, recipe: int, share: float) -> None:
        """Use this threshold for ``recipe`` from now on. Raises DiskFullError."""
        await self.change_threshold(recipe, share, by="command")

    async def change_threshold(self, recipe: int, share: float | None, *, by: str, reason: str = "") -> None:
        """Use this threshold for ``recipe``, or the configuration's again (None). Raises RecipeError."""
        configured = _known(recipe, self._recipes)
        if share is None:
            await self._call(lambda _: self.thresholds.reset(configured, by=by, reason=reason))
        else:
            await self._call(lambda _: self.thresholds.set(configured, share, by=by, reason=reason))

    def in_force(self, recipe: int) -> float | None:
        """Return the recipe's threshold now; None: its model's own. Raises RecipeError."""
        return self.thresholds.in_force(_known(recipe, self._recipes))

    def use(self, config: EdgeConfig) -> None:
        """Take the recipes of a reloaded configuration."""
        self._recipes = config.recipe_table()

    async def close(self) -> None:
        """Give every device back.

        A compile in hand is waited for: a process that ends in the middle of one is aborted by OpenVINO.
        """
        await asyncio.to_thread(self._thread.close, LAST_COMPILE_S)
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
        self._make_room(package.digest)
        return self._warm[package.digest]

    def _make_room(self, used: str) -> None:
        """Give back the engines that were used longest ago, but not an active one's."""
        models = {recipe.model for recipe in self._recipes.values()}
        while len(self._warm) > len(models) + SPARE:
            active = {(model, self._store.active_version(model)) for model in models}
            spare = (
                digest
                for digest, each in self._warm.items()
                if digest != used
                and (each.package.manifest.name, each.package.manifest.version) not in active
            )
            oldest = next(spare, None)
            if oldest is None:
                return
            self._warm.pop(oldest).engine.close()

    def _load_active(self, model: str) -> _Loaded:
        """Load the active version; one on probation that does not even load gives way to the one before."""
        try:
            return self._load(self._store.active(model))
        except PackageError as error:
            if not self._store.on_probation(model):
                raise
            log.warning("model_rolled_back", model=model, error=error.what)
            package = self._store.rollback(model, self._load, by="station", failure=error.what)
            return self._load(package)

    def _equipment(self, recipe: Recipe) -> Equipment:
        loaded = self._load_active(recipe.model)
        return _equipment(recipe, loaded, retreated=self._store.retreated(recipe.model))

    def _load_version(self, model: str, version: str, _: threading.Event) -> _Loaded:
        return self._load(self._store.load(model, version))

    def _wanted_soon(self, model: str, _: threading.Event) -> list[str]:
        active = self._store.active_version(model)
        newest = self._newest_usable(model)
        before = self._store.previous_version(model) if self._store.on_probation(model) else None
        return [version for version in dict.fromkeys((active, newest, before)) if version is not None]

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
            self._store.activate(model, package.manifest.version, self._examine(given_up), by="server")
        return package

    def _newest(self, model: str) -> str:
        newest = self._newest_usable(model)
        if newest is None:
            raise PackageError(
                say(f"no usable version of model {model} is installed", f"模型 {model} 没有可用的已安装版本"),
                remedy=say("okng-edge model install FILE", "请执行 okng-edge model install FILE"),
            )
        return newest

    def _newest_usable(self, model: str) -> str | None:
        """Return the version made last, of those that verify and have not failed on parts here."""
        usable = [
            each.version
            for each in self._store.installed()
            if each.name == model and not each.problem and not each.rejected
        ]
        made = {version: self._store.load(model, version).manifest.created_at for version in usable}
        return max(made, key=lambda version: (made[version], version), default=None)


def _known(recipe: int, table: Mapping[int, Recipe]) -> Recipe:
    if recipe in table:
        return table[recipe]
    numbers = ", ".join(map(str, table)) or "-"
    raise RecipeError(
        say(f"there is no recipe {recipe}; recipes: {numbers}", f"没有配方 {recipe}；现有配方：{numbers}"),
        remedy=say("choose one of them, or add it to the configuration", "请选择其中之一，或在配置中添加"),
    )


def _equipment(recipe: Recipe, loaded: _Loaded, *, retreated: bool) -> Equipment:
    manifest = loaded.package.manifest
    return Equipment(
        recipe=recipe,
        model=identity_of(loaded.package),
        engine=loaded.engine,
        model_threshold=manifest.threshold.value,
        mask=load_mask(Path(recipe.mask), manifest) if recipe.mask else None,
        score_of_map=partial(score.compute, manifest.score) if recipe.mask else None,
        retreated=retreated,
    )
