"""Equipment from the model store, on real OpenVINO."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_service.config import parse
from edge_service.core.outfitter import StoreOutfitter
from edge_service.domain.inspection import Frame, Verdict
from edge_service.errors import RecipeError, SelfTestError
from edge_service.model_store.store import ModelStore
from tests.support.tiny_model import defective_picture, good_picture
from tests.support.trust import server_trust, signed_package

CONFIG = b"""
station: {id: s1, data_dir: .}
camera: {kind: simulated}
recipes: [{number: 1, name: board, model: pcb}]
inference: {devices: [CPU], threads: 1}
"""


async def test_a_recipe_judges_with_its_active_model(tmp_path: Path):
    """The good picture is OK and the defective one NG, by the package's own threshold."""
    config = parse(CONFIG, "edge.yaml", tmp_path)
    store = ModelStore(config.store_dir, server_trust)
    store.install(signed_package())
    store.activate("pcb", "1", lambda _: None)
    outfitter = StoreOutfitter(config, store)
    try:
        equipment = await outfitter.equip(1)
        verdicts = []
        for picture in (good_picture(), defective_picture()):
            frame = Frame(picture, 0.0, 0.0, 0.0, "test")
            verdicts.append(equipment.judge(frame, await equipment.engine.infer(frame)).verdict)
        assert verdicts == [Verdict.OK, Verdict.NG]
        assert equipment.model.version == "1"
    finally:
        await outfitter.close()


async def test_a_model_that_fails_its_self_test_judges_no_part(tmp_path: Path):
    """Even when it is active on disk, a model that this box scores differently is never handed out."""
    config = parse(CONFIG, "edge.yaml", tmp_path)
    store = ModelStore(config.store_dir, server_trust)
    store.install(signed_package(golden_score=0.3))
    store.activate("pcb", "1", lambda _: None)
    outfitter = StoreOutfitter(config, store)
    try:
        with pytest.raises(SelfTestError, match="good-1"):
            await outfitter.equip(1)
    finally:
        await outfitter.close()


@contextlib.asynccontextmanager
async def outfitted(folder: Path, *versions: bytes, active: str) -> AsyncIterator[StoreOutfitter]:
    """Return an outfitter with these packages installed; ``active`` was activated last, after version 1."""
    config = parse(CONFIG, "edge.yaml", folder)
    store = ModelStore(config.store_dir, server_trust)
    for data in versions:
        store.install(data)
    for version in dict.fromkeys(("1", active)):
        store.activate("pcb", version, lambda _: None)
    outfitter = StoreOutfitter(config, store)
    try:
        yield outfitter
    finally:
        await outfitter.close()


async def test_what_may_come_next_is_ready_before_it_is_asked_for(tmp_path: Path):
    """The newest version is compiled and tested while the line runs; activating it then compiles nothing."""
    async with outfitted(tmp_path, signed_package(), signed_package(version="2"), active="1") as outfitter:
        await outfitter.keep_ready()
        ready = {loaded.package.manifest.version: loaded.engine for loaded in outfitter._warm.values()}
        assert set(ready) == {"1", "2"}
        assert (await outfitter.equip(1)).engine is ready["1"]
        newest = (await outfitter.activate(1)).model.version
        assert (await outfitter.equip(1)).engine is ready[newest]


async def test_an_unusable_newest_version_does_not_disturb(tmp_path: Path):
    """A package that fails its self-test here is told in the log; what judges stays ready."""
    bad = signed_package(version="2", golden_score=0.3)
    async with outfitted(tmp_path, signed_package(), bad, active="1") as outfitter:
        await outfitter.keep_ready()
        assert (await outfitter.equip(1)).model.version == "1"


async def test_a_new_version_that_does_not_load_gives_way_to_the_one_before(tmp_path: Path):
    """At the start, a model on probation whose self-test fails is rolled back, rejected, and told of."""
    bad = signed_package(version="2", golden_score=0.3)
    async with outfitted(tmp_path, signed_package(), bad, active="2") as outfitter:
        assert (await outfitter.equip(1)).model.version == "1"
        store = outfitter._store
        assert store.rejected("pcb") == ("2",)
        last = store.history("pcb")[-1]
        assert (last["event"], last["by"]) == ("rolled_back", "station")
        assert (await outfitter.equip(1)).retreated
        assert "good-1" in last["failure"]


async def test_a_rejected_version_is_not_the_newest(tmp_path: Path):
    """Activating the newest does not bring back what has just failed on parts."""
    two = signed_package(), signed_package(version="2")
    async with outfitted(tmp_path, *two, active="2") as outfitter:
        outfitter.blame("pcb", "code 401 on 3 parts")
        back = await outfitter.roll_back(1)
        assert (back.model.version, back.retreated) == ("1", True)
        kept = await outfitter.activate(1)
        assert (kept.model.version, kept.retreated) == ("1", False)


async def test_the_variant_chosen_on_this_box_is_recorded_and_used_again(tmp_path: Path):
    """The first start measures; the second finds the record beside the package and compiles one variant."""
    async with outfitted(tmp_path, signed_package(), active="1") as outfitter:
        first = (await outfitter.equip(1)).engine
        assert len(first.chosen.trials) > 1
    record = ModelStore(tmp_path / "models", server_trust).choice("pcb", "1")
    assert record is not None
    assert record.variant == first.chosen.variant
    async with outfitted(tmp_path, signed_package(), active="1") as outfitter:
        again = (await outfitter.equip(1)).engine
        assert [trial.variant for trial in again.chosen.trials] == [first.chosen.variant]


async def test_a_threshold_beyond_a_golden_image_fails_the_golden_test(tmp_path: Path):
    """A threshold so high that the known bad image passes is found out by the next golden test."""
    async with outfitted(tmp_path, signed_package(), active="1") as outfitter:
        await outfitter.golden_test(await outfitter.equip(1))
        await outfitter.remember_threshold(1, 3.0)
        with pytest.raises(SelfTestError, match="defective-1"):
            await outfitter.golden_test(await outfitter.equip(1))


async def test_a_damaged_pointer_does_not_end_the_looking(tmp_path: Path):
    """What cannot be read in the store is told in the log; the core goes on."""
    async with outfitted(tmp_path, signed_package(), active="1") as outfitter:
        equipment = await outfitter.equip(1)
        (tmp_path / "models/pcb/.active.json").write_text("{")
        await outfitter.keep_ready()
        frame = Frame(good_picture(), 0.0, 0.0, 0.0, "test")
        assert (await equipment.engine.infer(frame)).score < equipment.threshold


def masked(folder: Path, picture: NDArray[np.uint8] | None) -> StoreOutfitter:
    """Return an outfitter whose recipe has this mask."""
    if picture is not None:
        cv2.imwrite(str(folder / "mask.png"), picture)
    text = CONFIG.replace(b"model: pcb", b"model: pcb, mask: mask.png")
    config = parse(text, "edge.yaml", folder)
    store = ModelStore(config.store_dir, server_trust)
    store.install(signed_package())
    store.activate("pcb", "1", lambda _: None)
    return StoreOutfitter(config, store)


@pytest.mark.parametrize(("white", "verdict"), [("left", Verdict.NG), ("right", Verdict.OK)])
async def test_what_a_mask_hides_does_not_count(tmp_path: Path, white: str, verdict: Verdict):
    """The blot lies left of the middle: judged where the left is white, ignored where only the right is."""
    mask = np.zeros((50, 100), np.uint8)
    mask[:, slice(0, 50) if white == "left" else slice(50, 100)] = 255
    outfitter = masked(tmp_path, mask)
    try:
        equipment = await outfitter.equip(1)
        frame = Frame(defective_picture(), 0.0, 0.0, 0.0, "test")
        assert equipment.judge(frame, await equipment.engine.infer(frame)).verdict is verdict
    finally:
        await outfitter.close()


@pytest.mark.parametrize("picture", [None, np.zeros((8, 8), np.uint8)])
async def test_a_mask_that_is_none_or_hides_everything_is_refused(
    tmp_path: Path, picture: NDArray[np.uint8] | None
):
    """The recipe cannot be used (103), and the message names the file."""
    outfitter = masked(tmp_path, picture)
    try:
        with pytest.raises(RecipeError, match=r"mask\.png"):
            await outfitter.equip(1)
    finally:
        await outfitter.close()
