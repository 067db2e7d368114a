"""Camera kind ``simulated``: rendered parts, one a trigger.

The next part is rendered while the station rests, so that a trigger is answered at the speed of a
real camera; its exposure begins when it is grabbed, later than the trigger by construction. What was
shown can be recorded, a line of JSON a frame, written after the frame has gone to be judged::

    {"product": "pcb", "seed": 100003, "defect": "scratch", "recipe": 1, "captured_at": 1795404121.25}
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import numpy as np
import structlog
from numpy.typing import NDArray

from edge_service.camera.parts import Parts, read_plan
from edge_service.config import SimulatedCamera as SimulatedSection
from edge_service.domain.inspection import CameraSettings, Frame
from edge_service.errors import CameraError, NoFrameError
from edge_service.language import say
from edge_service.lifecycle import OwnedThread
from edge_service.simulation import PlannedPart, RenderedPart

log = structlog.get_logger()

NOMINAL_US = 10_000.0  # the exposure at which a part is as bright as it is rendered
REST_S = 0.2  # after a frame was taken: the part is being judged, rendering must not take its CPU
SLOWEST_RENDER_S = 30.0
Render = Callable[[PlannedPart], RenderedPart]


class SimulatedCamera:
    """Rendered parts of the product that the active recipe shows."""

    name = "simulated"
    simulated = True

    def __init__(
        self,
        section: SimulatedSection,
        resolve: Callable[[str], Path] = Path,
        active_recipe: Callable[[], int] = lambda: 0,
        *,
        render: Render = PlannedPart.render,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._section, self._active_recipe, self._render, self._clock = section, active_recipe, render, clock
        self._plan_path = resolve(section.plan) if section.plan else None
        self._record_path = resolve(section.record) if section.record else None
        self._parts = Parts(section.seed, section.defect_share)
        self._thread: OwnedThread | None = None
        self._coming: dict[str, asyncio.Task[RenderedPart]] = {}
        self._ready: dict[str, list[RenderedPart]] = {}
        self._records: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()
        self._light = 1.0

    async def __aenter__(self) -> Self:
        """Read the plan and render ahead. Raises ConfigurationError for a plan that is none."""
        plan = read_plan(self._plan_path) if self._plan_path else None
        self._parts = Parts(self._section.seed, self._section.defect_share, plan)
        self._thread = OwnedThread("camera simulated")
        try:
            await self._render_ahead()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what is being rendered; finish the record."""
        for task in self._coming.values():
            task.cancel()
        await asyncio.gather(*self._coming.values(), *self._records, return_exceptions=True)
        self._coming.clear()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.close)

    async def grab(self, after: float, timeout_s: float) -> Frame:
        """Return a frame of the next part; see ``ports.Camera``."""
        recipe = self._active_recipe()
        product = self._product()
        try:
            async with asyncio.timeout(timeout_s):
                part = await self._next(product)
                began = max(self._clock(), after)
                captured_at = time.time()
                if self._section.exposure_ms:
                    await asyncio.sleep(self._section.exposure_ms / 1000.0)
        except TimeoutError:
            raise NoFrameError(
                say(
                    f"the simulated part was not rendered within {timeout_s * 1000:.0f} ms",
                    f"模拟工件未能在 {timeout_s * 1000:.0f} 毫秒内渲染完成",
                ),
                remedy=say(
                    "set camera.pre_rendered, or trigger less often",
                    "请设置 camera.pre_rendered 或降低触发频率",
                ),
            ) from None
        self._record(part, recipe, captured_at)
        pixels = part.pixels
        if self._light != 1.0:
            assert self._thread is not None
            pixels = await self._thread.call(_lit, pixels, self._light)
        return Frame(pixels, began, self._clock(), captured_at, self.name, simulated=True)

    async def set_up(self, settings: CameraSettings) -> None:
        """Show parts as bright as that exposure and gain (dB) would make them."""
        exposure_us, gain = settings.exposure_us, settings.gain
        self._light = (
            (NOMINAL_US if exposure_us is None else exposure_us) / NOMINAL_US * 10 ** ((gain or 0.0) / 20.0)
        )

    async def until_lost(self) -> CameraError:
        """Wait for ever: there is nothing to unplug."""
        never: asyncio.Future[CameraError] = asyncio.get_running_loop().create_future()
        return await never

    def alive(self) -> bool:
        """Whether its thread turns."""
        return self._thread is not None and self._thread.alive()

    def _product(self) -> str:
        return self._section.products.get(self._active_recipe(), self._section.product)

    async def _next(self, product: str) -> RenderedPart:
        if ready := self._ready.get(product):
            ready.append(ready.pop(0))
            return ready[-1]
        self._hurry.set()
        part = await asyncio.shield(self._coming.get(product) or self._start(product, rest_s=0.0))
        self._hurry.clear()
        self._start(product, rest_s=REST_S)
        return part

    def _start(self, product: str, rest_s: float) -> asyncio.Task[RenderedPart]:
        task = asyncio.create_task(self._render_next(product, rest_s), name=f"render {product}")
        self._coming[product] = task
        return task

    async def _render_next(self, product: str, rest_s: float) -> RenderedPart:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(rest_s):
                await self._hurry.wait()
        return await self._rendered(product)

    async def _rendered(self, product: str) -> RenderedPart:
        assert self._thread is not None
        part = await self._thread.call(self._render, self._parts.next(product), allowance_s=SLOWEST_RENDER_S)
        part.pixels.setflags(write=False)
        return part

    async def _render_ahead(self) -> None:
        """Render the first part of each product, or all that are to be shown in turn."""
        for product in sorted({*self._section.products.values()} or {self._section.product}):
            if self._section.pre_rendered:
                self._ready[product] = [
                    await self._rendered(product) for _ in range(self._section.pre_rendered)
                ]
            else:
                await asyncio.shield(self._start(product, rest_s=0.0))

    def _record(self, part: RenderedPart, recipe: int, captured_at: float) -> None:
        if self._record_path is None or self._thread is None:
            return
        line = {
            "product": part.product,
            "seed": part.seed,
            "defect": part.defect,
            "recipe": recipe,
            "captured_at": captured_at,
        }
        task = asyncio.create_task(
            self._thread.call(_append, self._record_path, json.dumps(line) + "\n"), name="camera record"
        )
        self._records.add(task)
        task.add_done_callback(self._records.discard)


def _lit(pixels: NDArray[np.uint8], light: float) -> NDArray[np.uint8]:
    lit = np.asarray(cv2.convertScaleAbs(pixels, alpha=light), np.uint8)
    lit.setflags(write=False)
    return lit


def _append(path: Path, line: str) -> None:
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line)
    except OSError as error:
        log.warning("camera_record_failed", path=str(path), error=error.strerror)
