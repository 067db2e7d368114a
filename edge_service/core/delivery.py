"""A model that the server assigned: verified, tested on this box, and put to work between two parts.

The gateway fetches and stages the package; nothing it says is believed. Here the package is read from the
staging folder, its hash, signature, format and product are checked, it is installed, judges its own golden
images on this box's device while the line runs on, and becomes the active version. Only then, where the
recipe in use is of this product, the station switches as it does at a recipe change: no part is in flight,
and the model before stays one roll back away.
"""

import hashlib
from pathlib import Path
from typing import Any

import structlog

from edge_service.contract.model_package import load_bytes
from edge_service.core.outfitter import StoreOutfitter
from edge_service.errors import PackageError, RefusedError
from edge_service.handshake.command import DONE, CommandCode
from edge_service.language import say
from edge_service.model_store.store import incoming
from edge_service.station import Station

log = structlog.get_logger()


class Delivery:
    """Takes packages from the staging folder of the store at ``store_dir``."""

    def __init__(self, station: Station, outfitter: StoreOutfitter, store_dir: Path) -> None:
        self._station, self._outfitter, self._store_dir = station, outfitter, store_dir

    async def take(self, sha256: str, recipe: int, *, activate: bool) -> dict[str, Any]:
        """Install the staged package with this SHA-256 for ``recipe``; return what it is.

        Raises SignatureError (111), PackageError (110: damaged, of another product), SelfTestError (112),
        RecipeError (103), DiskFullError (501), RefusedError (a command runs: try again).
        """
        path = incoming(self._store_dir, sha256)
        package = await self._outfitter.take(recipe, lambda: _whole(path, sha256), activate=activate)
        if activate:
            await self._switch(package.manifest.name)
        log.info("model_delivered", model=package.label, recipe=recipe, activated=activate)
        model = {"name": package.manifest.name, "version": package.manifest.version}
        return {**model, "digest": package.digest}

    async def _switch(self, model: str) -> None:
        """Have the station judge with what is active now, where it judges this product or nothing yet."""
        equipment = self._station.equipment
        if equipment is not None and equipment.recipe.model != model:
            return
        recipe = equipment.recipe.number if equipment else self._outfitter.recipe_for(model)
        code = await self._station.command(CommandCode.SELECT_RECIPE, (recipe, 0, 0, 0))
        if code != DONE:
            raise RefusedError(code, say("the station did not switch", "工位未能切换模型"))


def _whole(path: Path, sha256: str) -> bytes:
    """Read the staged package; it must be what was fetched."""
    data = load_bytes(path)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise PackageError(
            say("the fetched package was changed or cut off", "取回的模型包被更改或不完整"),
            remedy=say("it is fetched again at the next look", "下次查询时会重新获取"),
        )
    return data
