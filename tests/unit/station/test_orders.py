"""What the PLC may change while the line runs: recipe, camera settings, threshold."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from edge_service.domain.inspection import CameraSettings, Verdict
from edge_service.errors import (
    ConfigurationError,
    PackageError,
    RecipeError,
)
from tests.support.station_bench import SETTINGS, Bench, running

pytestmark = pytest.mark.timeout(20)


async def test_a_recipe_is_selected_or_the_old_one_stays(bench: Bench) -> None:
    """Command 1 switches; an unknown recipe or one without model fails with its code, nothing changed."""
    async with running(bench):
        await bench.enable()
        assert await bench.order(1, 2) == 1
        assert bench["Station.ActiveRecipe"] == 2
        assert await bench.order(1, 9) == 103
        bench.outfitter.fault = PackageError("none installed")
        assert await bench.order(1, 1) == 110
        assert bench["Station.ActiveRecipe"] == 2
        await bench.shows("Status.TriggerReady", True)


SHORT, LONG = CameraSettings(exposure_us=1000.0), CameraSettings(exposure_us=9000.0, gain=2.0)


async def test_the_camera_is_set_up_before_the_next_recipe_is_ready(bench: Bench) -> None:
    """Not ready, and judging by neither recipe, until the camera has the new one's settings."""
    bench.outfitter.settings = {1: SHORT, 2: LONG}
    async with running(bench):
        await bench.enable()
        assert bench.camera.settings == [SHORT]
        bench.camera.settling.clear()
        change = asyncio.create_task(bench.order(1, 2))
        await bench.shows("Status.CommandExecuting", True)
        assert not bench["Status.TriggerReady"]
        bench.camera.settling.set()
        assert await change == 1
        assert bench.camera.settings == [SHORT, LONG]
        assert (await bench.part(1))["Result.Recipe"] == 2


async def test_a_camera_that_refuses_the_settings_keeps_recipe_and_settings(bench: Bench) -> None:
    """Code 103, the recipe before goes on, and the camera is opened again with what is in force."""
    bench.outfitter.settings = {1: SHORT, 2: LONG}
    async with running(bench):
        await bench.enable()
        bench.camera.settings_fault = RecipeError("the camera knows no gain")
        assert await bench.order(1, 2) == 103
        assert bench["Station.ActiveRecipe"] == 1
        assert (await bench.part(1))["Result.Recipe"] == 1
        bench.camera.settings_fault = None
        bench.camera.unplugged.set()
        await bench.shows("Status.CameraLost", True)
        bench.camera.unplugged.clear()
        await bench.shows("Status.TriggerReady", True)
        assert bench.camera.settings == [SHORT, SHORT]


async def test_a_change_that_is_cut_short_leaves_no_camera_between_two_settings(tmp_path: Path) -> None:
    """Out of time while the camera is being set up: it is opened anew, as the recipe in force wants it."""
    bench = Bench(tmp_path, replace(SETTINGS, recipe_command_s=0.05))
    bench.outfitter.settings = {1: SHORT, 2: LONG}
    async with running(bench):
        await bench.enable()
        bench.camera.settling.clear()
        assert await bench.order(1, 2) == 123
        bench.camera.settling.set()
        await bench.shows("Status.TriggerReady", True)
        assert bench["Station.ActiveRecipe"] == 1
        assert bench.camera.opened == 2
        assert bench.camera.settings == [SHORT, SHORT]


async def test_a_model_that_the_station_went_back_to_is_shown_until_another_is_chosen(bench: Bench) -> None:
    """Warning 150 stands while such a model judges, and parts are taken all the same."""
    bench.outfitter.retreated = True
    async with running(bench):
        await bench.enable()
        assert bench["Status.Warning"]
        assert bench["Station.WarningCode"] == 150
        assert (await bench.part(1))["Result.Verdict"] == Verdict.OK
        bench.outfitter.retreated = False
        assert await bench.order(5) == 1
        assert bench["Station.WarningCode"] == 0


async def test_the_threshold_changes_at_once(bench: Bench) -> None:
    """Command 7 with 1500 (0.15 of the scale) makes a score of 0.4 NG that 5000 let pass."""
    bench.engine.scores = [0.4]
    async with running(bench):
        await bench.enable()
        assert (await bench.part(1))["Result.Verdict"] == Verdict.OK
        assert await bench.order(7, 1500) == 1
        assert (await bench.part(2))["Result.Verdict"] == Verdict.NG


async def test_commands_end_with_their_codes(bench: Bench) -> None:
    """Golden test, reload, activate, roll back: done, or the code of what stood in the way."""
    async with running(bench):
        await bench.enable()
        assert [await bench.order(command) for command in (2, 4, 5, 6)] == [1, 1, 1, 1]
        bench.reload_fault = ConfigurationError("line 3: unknown key")
        bench.outfitter.fault = PackageError("nothing to go back to")
        assert [await bench.order(command) for command in (2, 4, 5, 6)] == [110, 104, 110, 110]
        assert await bench.order(150) == 120


async def test_a_command_out_of_time_leaves_the_old_state(tmp_path: Path) -> None:
    """Code 123, the recipe stays, and what the command was waiting for is cancelled."""
    bench = Bench(tmp_path, replace(SETTINGS, recipe_command_s=0.05))
    async with running(bench):
        await bench.enable()
        bench.outfitter.hold = asyncio.Event()
        assert await bench.order(1, 2) == 123
        assert bench["Station.ActiveRecipe"] == 1
