"""What the station judges with: a recipe, the engine of its model, and the threshold in force."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge_service.domain.inspection import Frame, Judgement, ModelIdentity, RawScore, Recipe
from edge_service.domain.judgement import ScoreOfMap, judge
from edge_service.domain.pixels import picture_size
from edge_service.ports import Engine


@dataclass(frozen=True, slots=True)
class Equipment:
    """Everything that judging a part of one recipe needs. Scores and thresholds are raw.

    ``retreated``: the station went back to this model by itself, and nobody has chosen one since.
    ``mask``: bool, shape of the anomaly map, True where the part is judged; ``score_of_map`` goes with it.
    """

    recipe: Recipe
    model: ModelIdentity
    engine: Engine
    model_threshold: float
    undecided_band: float = 0.0
    mask: NDArray[np.bool_] | None = None
    score_of_map: ScoreOfMap | None = None
    retreated: bool = False

    @property
    def threshold(self) -> float:
        """The raw threshold in force: the recipe's (0.5 = the model's own), else the model's."""
        share = 0.5 if self.recipe.threshold is None else self.recipe.threshold
        return 2.0 * share * self.model_threshold

    def with_threshold(self, share: float) -> "Equipment":
        """Return the same with another threshold on the normalised scale (0.5 = the model's own)."""
        return replace(self, recipe=replace(self.recipe, threshold=share))

    def judge(self, frame: Frame, raw: RawScore) -> Judgement:
        """Judge a measured frame by the threshold in force."""
        height, width = picture_size(frame.pixels, frame.pixel_format)
        return judge(
            raw,
            threshold=self.threshold,
            frame_height=height,
            frame_width=width,
            undecided_band=self.undecided_band,
            mask=self.mask,
            score_of_map=self.score_of_map,
        )


class Outfitter(Protocol):
    """Where equipment comes from. Blocking work (disk, compiling) happens on threads of its own."""

    async def equip(self, recipe: int) -> Equipment:
        """Return equipment for recipe ``recipe`` with its active model, warmed up.

        Raises RecipeError (unknown), PackageError (no usable model), InferenceError (no device).
        """
        ...

    async def golden_test(self, equipment: Equipment) -> None:
        """Judge the model's golden images on this box. Raises SelfTestError when one differs."""
        ...

    async def activate(self, recipe: int) -> Equipment:
        """Activate the newest installed version of the recipe's model and return equipment with it.

        Raises PackageError, SelfTestError, InferenceError; then the version before is still active.
        """
        ...

    async def roll_back(self, recipe: int) -> Equipment:
        """Go back to the version before and return equipment with it. Raises like ``activate``."""
        ...

    async def remember_threshold(self, recipe: int, share: float) -> None:
        """Equip ``recipe`` with this normalised threshold from now on. Raises DiskFullError."""
        ...
