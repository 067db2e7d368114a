"""Carries out what a PLC, a screen or a program orders: each command ends with 1 (done) or a code.

While an order is carried out no part is in flight. Whatever can fail comes first, the change itself
last and at once, so an order that fails or is cancelled (out of time) leaves the old state standing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from edge_service.domain.codes import Code
from edge_service.errors import OkngError, SelfTestError
from edge_service.handshake.actions import Execute
from edge_service.handshake.command import DONE, CommandCode
from edge_service.station.equipment import Equipment, Outfitter

log = structlog.get_logger()


class Bench(Protocol):
    """What the orders change: the equipment in use."""

    equipment: Equipment | None

    async def change_over(self, equipment: Equipment) -> None:
        """Set the camera up for another recipe and judge by it. Raises RecipeError, CameraError."""
        ...

    def fit(self, equipment: Equipment) -> None:
        """Judge with ``equipment`` from the next part on."""
        ...


@dataclass(frozen=True, slots=True)
class Site:
    """What lies outside the inspection loop and can be ordered all the same.

    ``golden_test`` judges known samples with the equipment in use (given PARAM 1: 0 stored images, 1 the good
    part and 2 the bad part in front of the camera), or raises SelfTestError; none: the model's own images.
    ``reload`` reads the configuration again and puts it in force, or raises ConfigurationError with the
    running one untouched; ``set_clock`` sets the box's clock (Unix seconds), or raises OkngError;
    ``clock_good``: it is right, as far as anybody can tell.
    """

    reload: Callable[[], Awaitable[None]]
    set_clock: Callable[[int], None]
    clock_good: Callable[[], bool] = lambda: True
    golden_test: Callable[[Equipment, int], Awaitable[None]] | None = None


class Orders:
    """The commands of the interface, one method each."""

    def __init__(self, bench: Bench, outfitter: Outfitter, site: Site) -> None:
        self._bench, self._outfitter, self._site = bench, outfitter, site

    async def carry_out(self, order: Execute) -> int:
        """Return 1 when done, else the code that says why not."""
        try:
            return await self._by_code(order)
        except OkngError as error:
            log.warning("command_failed", command=order.command, error=error.what, remedy=error.remedy)
            return error.code

    async def _by_code(self, order: Execute) -> int:
        first, second = order.parameters[:2]
        match order.command:
            case CommandCode.SELECT_RECIPE:
                await self._bench.change_over(await self._outfitter.equip(first))
            case CommandCode.GOLDEN_TEST:
                return await self._golden_test(first)
            case CommandCode.COLLECT:
                pass  # the machine marks the next triggers as samples
            case CommandCode.RELOAD_CONFIGURATION:
                await self._site.reload()
            case CommandCode.ACTIVATE_MODEL:
                return await self._change_model(self._outfitter.activate)
            case CommandCode.ROLL_BACK_MODEL:
                return await self._change_model(self._outfitter.roll_back)
            case CommandCode.SET_THRESHOLD:
                return await self._threshold(first / 10_000)
            case CommandCode.SET_CLOCK:
                self._site.set_clock(first << 16 | second)
            case _:
                return Code.COMMAND_UNKNOWN
        return DONE

    async def _golden_test(self, part: int) -> int:
        equipment = self._bench.equipment
        if equipment is None:
            return Code.NO_MODEL
        if part not in (0, 1, 2):
            return Code.COMMAND_PARAMETER
        try:
            if self._site.golden_test is not None:
                await self._site.golden_test(equipment, part)
            else:
                await self._outfitter.golden_test(equipment)
        except SelfTestError as error:
            log.warning("golden_test_failed", error=error.what)
            return Code.GOLDEN_FAILED
        return DONE

    async def _change_model(self, change: Callable[[int], Awaitable[Equipment]]) -> int:
        equipment = self._bench.equipment
        if equipment is None:
            return Code.NO_RECIPE
        self._bench.fit(await change(equipment.recipe.number))
        return DONE

    async def _threshold(self, share: float) -> int:
        equipment = self._bench.equipment
        if equipment is None:
            return Code.NO_MODEL
        await self._outfitter.remember_threshold(equipment.recipe.number, share)
        self._bench.fit(equipment.with_threshold(share))
        return DONE
