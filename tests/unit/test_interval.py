"""Triggers by the clock: each interval one, whether it is taken or not."""

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from edge_service.core.interval import trigger_each
from edge_service.domain.codes import Code, refusal
from edge_service.domain.inspection import TriggerSource

if TYPE_CHECKING:
    from edge_service.station import Station


async def test_each_interval_one_trigger():
    """A trigger that is refused (and counted by the machine) does not stop the next one."""
    asked: list[TriggerSource] = []
    enough = asyncio.Event()

    def begin(source: TriggerSource) -> None:
        asked.append(source)
        if len(asked) == 2:
            raise refusal(Code.EXPOSING)
        if len(asked) == 4:
            enough.set()

    station = cast("Station", SimpleNamespace(operations=SimpleNamespace(begin=begin)))
    task = asyncio.create_task(trigger_each(station, 0.001))
    async with asyncio.timeout(10):
        await enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert set(asked) == {TriggerSource.INTERVAL}
