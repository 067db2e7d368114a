"""The last frame and its heat map, drawn for people after the PLC has its answer.

Only the latest inspection is drawn, at most ``PER_SECOND`` times a second: a screen shows no more, and
the CPU belongs to the next part. So it is drawn once the line rests for ``CALM_S``, as it does between two
parts unless they come one upon the other; then one in a while is drawn all the same, after ``PATIENCE_S``.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge_service.inference.heatmap import draw_heat_map, encode_jpeg
from edge_service.lifecycle import OwnedThread
from edge_service.link import Event
from edge_service.station import Done, Rest

PER_SECOND = 4.0
CALM_S = 0.01  # longer than it takes to draw one
PATIENCE_S = 1.0
LONGEST_SIDE = 960  # pixels of the pictures shown


@dataclass(frozen=True, slots=True)
class Pictures:
    """JPEGs of one inspection; ``heat_map`` is empty where nothing was measured."""

    counter: int
    frame: bytes
    heat_map: bytes

    def events(self) -> tuple[Event, Event]:
        """Return them as they travel over the link."""
        about = {"counter": self.counter}
        return Event("frame", about, self.frame), Event("heat_map", about, self.heat_map)


class PictureDesk:
    """A step of the aftermath that takes the latest inspection, and a task that draws it."""

    def __init__(self, show: Callable[[Event], None]) -> None:
        self._show = show
        self._next: Done | None = None
        self._something = asyncio.Event()
        self.last: Pictures | None = None

    async def __call__(self, done: Done) -> None:
        """Note the inspection; an older one that was not drawn yet is left out."""
        if done.frame is not None:
            self._next = done
            self._something.set()

    async def run(self, rest: Rest) -> None:
        """Draw until cancelled, each time that ``rest`` returns."""
        thread = OwnedThread("pictures", background=True)
        try:
            while True:
                await self._something.wait()
                self._something.clear()
                await rest(PATIENCE_S, CALM_S)
                if self._next is not None:
                    done, self._next = self._next, None
                    self.last = await thread.call(_draw, done, allowance_s=10.0)
                    for event in self.last.events():
                        self._show(event)
                    del done
                await asyncio.sleep(1.0 / PER_SECOND)
        finally:
            thread.close()


def _draw(done: Done) -> Pictures:
    assert done.frame is not None, "only inspections with a frame are drawn"
    pixels = _shrunk(done.frame.pixels)
    heat = b""
    if done.raw is not None:
        threshold = done.inspection.judgement.threshold or float(done.raw.anomaly_map.max())
        heat = encode_jpeg(draw_heat_map(pixels, done.raw.anomaly_map, threshold))
    return Pictures(done.inspection.counter, encode_jpeg(pixels), heat)


def _shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    scale = LONGEST_SIDE / max(height, width)
    if scale >= 1.0:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
