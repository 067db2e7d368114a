"""What happens to an inspection once the PLC has its answer."""

import asyncio

import numpy as np

from edge_service.domain.inspection import (
    Frame,
)
from edge_service.errors import DiskFullError, OkngError
from edge_service.station import Aftermath, Done
from edge_service.station.aftermath import PATIENT, QUEUE, RECORDS
from tests.support.inspections import ok_part

FRAME = Frame(np.zeros((2, 2, 3), np.uint8), 0.0, 0.0, 0.0, "fake")


def done(counter: int) -> Done:
    """Return an inspection with its frame."""
    return Done(ok_part(counter), FRAME)


class Keeper:
    """A step that keeps what it gets, or fails."""

    def __init__(self) -> None:
        self.kept: list[Done] = []
        self.fault: OkngError | None = None

    async def __call__(self, item: Done) -> None:
        """Keep, or fail."""
        if self.fault is not None:
            raise self.fault
        self.kept.append(item)


async def at_once(_: float, __: float = 0.0) -> None:
    """No part is in hand."""


async def run_through(aftermath: Aftermath) -> None:
    """Let the aftermath finish what it has."""
    task = asyncio.create_task(aftermath.run())
    await aftermath.drain()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_inspections_come_through_in_order_and_every_step_sees_them() -> None:
    """A step that fails is reported and does not keep the next step from its work."""
    first, second = Keeper(), Keeper()
    troubles: list[OkngError] = []
    fine: list[bool] = []
    aftermath = Aftermath((first, second), troubles.append, lambda: fine.append(True), at_once)
    first.fault = DiskFullError("no room")
    aftermath.put(done(1))
    await run_through(aftermath)
    first.fault = None
    aftermath.put(done(2))
    aftermath.put(done(3))
    await run_through(aftermath)
    assert [item.inspection.counter for item in first.kept] == [2, 3]
    assert [item.inspection.counter for item in second.kept] == [1, 2, 3]
    assert [error.code for error in troubles] == [501]
    assert fine == [True, True]


async def test_overflow_costs_the_oldest_picture_first() -> None:
    """Beyond its bound the queue drops pictures, oldest first; every record still comes through."""
    keeper = Keeper()
    aftermath = Aftermath((keeper,), lambda _: None, lambda: None, at_once)
    for counter in range(1, QUEUE + 4):
        aftermath.put(done(counter))
    await run_through(aftermath)
    assert [item.inspection.counter for item in keeper.kept] == list(range(1, QUEUE + 4))
    assert [item.frame is None for item in keeper.kept[:4]] == [True, True, True, False]
    assert aftermath.lost_pictures == 3


async def test_records_are_bounded_too() -> None:
    """With the disk stuck for thousands of parts the oldest records go, counted."""
    keeper = Keeper()
    aftermath = Aftermath((keeper,), lambda _: None, lambda: None, at_once)
    for counter in range(1, RECORDS + 3):
        aftermath.put(done(counter))
    await run_through(aftermath)
    assert len(keeper.kept) == RECORDS
    assert aftermath.lost_records == 2


async def test_the_next_part_goes_first_but_not_for_ever() -> None:
    """With a part in hand the aftermath waits for its answer; once a few wait, it goes on without a rest."""
    keeper, rest = Keeper(), asyncio.Event()

    async def part_in_hand(_: float, __: float = 0.0) -> None:
        await rest.wait()

    aftermath = Aftermath((keeper,), lambda _: None, lambda: None, part_in_hand)
    task = asyncio.create_task(aftermath.run())
    aftermath.put(done(1))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not keeper.kept
    rest.set()
    await aftermath.drain()
    rest.clear()
    for counter in range(2, 3 + PATIENT):
        aftermath.put(done(counter))
    for _ in range(5):
        await asyncio.sleep(0)
    assert [item.inspection.counter for item in keeper.kept] == [1, 2]
    rest.set()
    await aftermath.drain()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert len(keeper.kept) == 2 + PATIENT
