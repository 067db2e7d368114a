"""What the gateway may ask of the core."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from edge_service.core.desk import ORDERS, Desk
from edge_service.errors import LinkError, RefusedError
from edge_service.link import Answer, Command, Role
from tests.support.station_bench import Bench, running


async def ask(bench: Bench, name: str, role: Role, **arguments: Any) -> Answer:
    """Hand a command to the desk."""
    return await Desk(bench.station).handle(Command(7, name, arguments, role))


async def test_an_operator_triggers_and_gets_the_inspection(tmp_path: Path) -> None:
    """The answer carries verdict, score and serial."""
    async with running(Bench(tmp_path)) as bench:
        answer = await ask(bench, "trigger", Role.OPERATOR, serial="HAND")
    assert (answer.id, answer.code) == (7, 0)
    assert (answer.data["verdict"], answer.data["serial"], answer.data["source"]) == ("OK", "HAND", "HMI")


async def test_an_engineer_changes_recipe_and_threshold(tmp_path: Path) -> None:
    """Commands come back with 0, or with the interface's code."""
    async with running(Bench(tmp_path)) as bench:
        assert (await ask(bench, "select_recipe", Role.ENGINEER, recipe=2)).code == 0
        assert bench["Station.ActiveRecipe"] == 2
        assert (await ask(bench, "threshold", Role.ENGINEER, x10000=6000)).code == 0
        assert (await ask(bench, "select_recipe", Role.ENGINEER, recipe=9)).code == 103


async def test_roles_are_held(tmp_path: Path) -> None:
    """An observer may do nothing, an operator nothing that changes how parts are judged."""
    async with running(Bench(tmp_path)) as bench:
        for name in ("trigger", "clear_error", *ORDERS):
            with pytest.raises(RefusedError) as refused:
                await ask(bench, name, Role.OBSERVER, recipe=1, n=1, x10000=1)
            assert refused.value.reason == 217
        with pytest.raises(RefusedError):
            await ask(bench, "select_recipe", Role.OPERATOR, recipe=2)
        assert bench.camera.grabs == 0


async def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    """An unknown command has code 120, a missing or absurd argument is an error of the link."""
    async with running(Bench(tmp_path)) as bench:
        with pytest.raises(RefusedError) as refused:
            await ask(bench, "self_destruct", Role.ENGINEER)
        assert refused.value.reason == 120
        for wrong in ({}, {"recipe": "two"}, {"recipe": 70_000}, {"recipe": True}):
            with pytest.raises(LinkError):
                await ask(bench, "select_recipe", Role.ENGINEER, **wrong)


async def test_a_second_command_meanwhile_is_refused(tmp_path: Path) -> None:
    """One command at a time, whoever asks."""
    async with running(Bench(tmp_path)) as bench:
        bench.outfitter.hold = asyncio.Event()
        first = asyncio.create_task(ask(bench, "golden_test", Role.OPERATOR))
        await bench.shows("Status.CommandExecuting", True)
        with pytest.raises(RefusedError) as refused:
            await ask(bench, "reload", Role.ENGINEER)
        assert refused.value.reason == 215
        bench.outfitter.hold.set()
        assert (await first).code == 0
