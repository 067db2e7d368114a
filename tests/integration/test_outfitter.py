"""Equipment from the model store, on real OpenVINO."""

from pathlib import Path

import pytest

from edge_service.config import parse
from edge_service.core.outfitter import StoreOutfitter
from edge_service.domain.inspection import Frame, Verdict
from edge_service.errors import SelfTestError
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
