"""Fakes of everything the station knows through a port. They do what a test tells them to, when told."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from edge_service.domain.inspection import CameraSettings, Frame, ModelIdentity, RawScore, Recipe
from edge_service.errors import CameraError, OkngError, RecipeError
from edge_service.station import Equipment

MODEL = ModelIdentity("pcb", "1", "ab" * 32)
THRESHOLD = 1.0


class FakeCamera:
    """A camera whose exposures wait for ``light`` where that is cleared, and fail as ``fault`` says."""

    name = "fake"
    simulated = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.light = asyncio.Event()
        self.light.set()
        self.exposing = asyncio.Event()
        self.fault: OkngError | None = None
        self.refuses: OkngError | None = None
        self.early_s = 0.0
        self.opened = 0
        self.is_open = False
        self.living = True
        self.unplugged = asyncio.Event()
        self.grabs = 0
        self.settings: list[CameraSettings] = []
        self.settings_fault: OkngError | None = None
        self.settling = asyncio.Event()
        self.settling.set()

    async def __aenter__(self) -> Self:
        self.opened += 1
        if self.refuses is not None:
            raise self.refuses
        self.is_open = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_open = False

    async def grab(self, after: float, timeout_s: float) -> Frame:
        """Expose once there is light."""
        del timeout_s
        assert not self.exposing.is_set(), "one exposure at a time"
        self.grabs += 1
        self.exposing.set()
        try:
            await self.light.wait()
        finally:
            self.exposing.clear()
        if self.fault is not None:
            raise self.fault
        began = max(after, self._clock()) - self.early_s
        pixels = np.full((48, 64, 3), self.grabs % 256, np.uint8)
        return Frame(pixels, began, began, 1_700_000_000.0 + self.grabs, self.name, simulated=True)

    async def set_up(self, settings: CameraSettings) -> None:
        """Take the settings once the test lets them settle."""
        await self.settling.wait()
        if self.settings_fault is not None:
            raise self.settings_fault
        self.settings.append(settings)

    async def until_lost(self) -> CameraError:
        """Wait until the test unplugs it."""
        await self.unplugged.wait()
        return CameraError("unplugged")

    def alive(self) -> bool:
        """As the test says."""
        return self.living


class FakeEngine:
    """An engine that gives ``scores`` in turn (the last one for ever) once ``power`` is on."""

    device = "CPU"
    fallback_reason = ""

    def __init__(self, *scores: float) -> None:
        self.scores = list(scores) or [0.2]
        self.power = asyncio.Event()
        self.power.set()
        self.fault: OkngError | None = None
        self.living = True
        self.seen: list[int] = []

    async def infer(self, frame: Frame) -> RawScore:
        """Measure by looking up the next score."""
        self.seen.append(int(frame.pixels[0, 0, 0]))
        score = self.scores.pop(0) if len(self.scores) > 1 else self.scores[0]
        await self.power.wait()
        if self.fault is not None:
            raise self.fault
        return RawScore(score, np.full((8, 8), score, np.float32), 1.5, self.device)

    def alive(self) -> bool:
        """As the test says."""
        return self.living

    def close(self) -> None:
        """Nothing to give back."""


@dataclass
class FakeOutfitter:
    """Recipes 1 and 2 with one fake engine; ``fault`` fails whatever is asked."""

    engine: FakeEngine = field(default_factory=FakeEngine)
    fault: OkngError | None = None
    hold: asyncio.Event | None = None
    asked: list[str] = field(default_factory=list)
    retreated: bool = False
    settings: dict[int, CameraSettings] = field(default_factory=dict)

    async def equip(self, recipe: int) -> Equipment:
        """Equip recipe 1 or 2."""
        return await self._give(f"equip {recipe}", recipe)

    async def golden_test(self, equipment: Equipment) -> None:
        """Pass unless there is a fault."""
        await self._give("golden", equipment.recipe.number)

    async def activate(self, recipe: int) -> Equipment:
        """Equip with the newer version."""
        return await self._give(f"activate {recipe}", recipe)

    async def roll_back(self, recipe: int) -> Equipment:
        """Equip with the older version."""
        return await self._give(f"roll_back {recipe}", recipe)

    async def remember_threshold(self, recipe: int, share: float) -> None:
        """Note it."""
        self.asked.append(f"threshold {recipe} {share}")

    async def _give(self, what: str, recipe: int) -> Equipment:
        self.asked.append(what)
        if self.hold is not None:
            await self.hold.wait()
        if self.fault is not None:
            raise self.fault
        if recipe not in (1, 2):
            raise RecipeError(f"recipe {recipe} is unknown")
        camera = self.settings.get(recipe, CameraSettings())
        fitted = Recipe(recipe, f"recipe {recipe}", "pcb", camera=camera)
        return Equipment(fitted, MODEL, self.engine, THRESHOLD, retreated=self.retreated)
