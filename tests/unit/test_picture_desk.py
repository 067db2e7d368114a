"""The pictures people look at are drawn when the line rests, the latest part alone."""

import asyncio

import cv2
import numpy as np

from edge_service.core.pictures import LONGEST_SIDE, PictureDesk
from edge_service.domain.inspection import (
    Frame,
    RawScore,
)
from edge_service.link import Event
from edge_service.station import Done
from tests.support.inspections import ok_part


def done(counter: int) -> Done:
    """Return a judged part, photographed larger than it is shown."""
    frame = Frame(np.full((300, 2 * LONGEST_SIDE, 3), 90, np.uint8), 0.0, 0.0, 0.0, "fake")
    return Done(ok_part(counter), frame, RawScore(0.1, np.full((8, 8), 0.1, np.float32), 1.0, "CPU"))


async def test_the_latest_part_alone_is_drawn_once_the_line_rests() -> None:
    """Two parts before the desk begins: the second alone is shown, once the line rests."""
    shown: list[Event] = []
    both, rests = asyncio.Event(), 0

    def show(event: Event) -> None:
        shown.append(event)
        if len(shown) == 2:
            both.set()

    async def rest(_: float, __: float = 0.0) -> None:
        nonlocal rests
        rests += 1

    desk = PictureDesk(show)
    await desk(done(1))
    await desk(done(2))
    task = asyncio.create_task(desk.run(rest))
    await both.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [(event.name, event.data["counter"]) for event in shown] == [("frame", 2), ("heat_map", 2)]
    assert rests == 1
    pictures = [cv2.imdecode(np.frombuffer(event.payload, np.uint8), cv2.IMREAD_COLOR) for event in shown]
    assert [picture is not None and picture.shape for picture in pictures] == [(150, LONGEST_SIDE, 3)] * 2
