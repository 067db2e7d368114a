"""A changed configuration while the line runs: taken whole, or not at all."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from edge_service.camera import make_camera
from edge_service.config import EdgeConfig, checksum, load
from edge_service.core.outfitter import StoreOutfitter
from edge_service.core.posting import product_of
from edge_service.errors import ConfigurationError, OkngError
from edge_service.language import say
from edge_service.ports import Camera

if TYPE_CHECKING:
    from edge_service.station import Station

log = structlog.get_logger()

LIVE = frozenset({"recipes", "start_recipe", "camera"})
"""Sections that change without a restart; every other one is read once, when the core starts."""


class Reload:
    """Reads the file again. What is wrong with it raises ConfigurationError, and the running one stays."""

    def __init__(self, path: Path, config: EdgeConfig, outfitter: StoreOutfitter) -> None:
        self._path, self.config, self._outfitter = path, config, outfitter
        self.station: Station | None = None

    async def __call__(self) -> None:
        """Put the file in force as it is now."""
        assert self.station is not None, "set by the composition root"
        new = load(self._path)
        _refuse_what_needs_a_restart(self.config, new)
        recipe = self.station.machine.health.recipe or new.first_recipe
        camera_changed = new.camera != self.config.camera
        try:
            equipment = await self._outfitter.equip(recipe, new.recipe_table())
            if not camera_changed:
                await self.station.camera.set_up(equipment.recipe.camera)
        except OkngError as error:
            raise ConfigurationError(
                say(
                    f"{self._path}: recipe {recipe} cannot be used: {error.what}",
                    f"{self._path}：配方 {recipe} 不可用：{error.what}",
                ),
                remedy=error.remedy,
            ) from error
        self.config = new
        self._outfitter.use(new)
        self.station.fit(equipment)
        self.station.note_configuration(checksum(new))
        if camera_changed:
            self.station.camera.replace(self.camera, equipment.recipe.camera)
        log.info("configuration_reloaded", checksum=f"{checksum(new):08x}", camera_changed=camera_changed)

    def product(self, recipe: int) -> str:
        """Return what a recipe of the configuration in force makes."""
        return product_of(self.config, recipe)

    def camera(self) -> Camera:
        """Return the camera of the configuration in force, closed."""
        return make_camera(self.config, self._active_recipe)

    @property
    def _active_recipe(self) -> Callable[[], int]:
        def active() -> int:
            assert self.station is not None, "set by the composition root"
            return self.station.machine.health.recipe

        return active


def _refuse_what_needs_a_restart(old: EdgeConfig, new: EdgeConfig) -> None:
    changed = [
        name
        for name in type(old).model_fields
        if name not in LIVE and getattr(old, name) != getattr(new, name)
    ]
    if changed:
        sections = ", ".join(changed)
        raise ConfigurationError(
            say(
                f"these sections cannot change while the station runs: {sections}",
                f"以下配置段在运行中不可更改：{sections}",
            ),
            remedy=say("restart the core to put them in force", "请重启核心进程使其生效"),
        )
