"""Plain anomalib exports run through the edge's engine, and say what they said before."""

from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from edge_service.contract.keys import new_signing_key  # noqa: E402 - after the skip
from edge_service.contract.model_package import read_package_file  # noqa: E402
from edge_service.contract.trust import Trust  # noqa: E402
from edge_service.inference.engine import OpenVinoEngine  # noqa: E402
from edge_service.model_store.self_test import self_test  # noqa: E402
from tests.support.anomalib_exports import MODELS, around, export  # noqa: E402
from tests.support.tiny_model import tiny_ir  # noqa: E402
from trainer.errors import ExportError  # noqa: E402
from trainer.export.agreement import rank_correlation  # noqa: E402
from trainer.export.foreign import original  # noqa: E402
from trainer.export.openvino_ir import to_openvino  # noqa: E402
from trainer.network_input import as_input  # noqa: E402
from trainer.pipeline import importing  # noqa: E402
from trainer.pipeline.importing import import_package  # noqa: E402
from trainer.pipeline.lean_stfpm import lean_stfpm  # noqa: E402
from trainer.pipeline.run import PackageLabel  # noqa: E402
from trainer.training.network import build_student, pair_up  # noqa: E402

pytestmark = pytest.mark.training
SIDE = 256


def pictures(folder: Path, count: int = 2) -> Path:
    """Put pictures with some structure into a folder."""
    folder.mkdir()
    random = np.random.default_rng(1)
    for number in range(count):
        rough = random.integers(0, 255, (24, 24, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(rough, (SIDE, SIDE)))
    return folder


@pytest.mark.parametrize("name", ["stfpm", "padim", "patchcore", "efficient_ad"])
def test_an_export_of_anomalib_becomes_a_package_that_scores_as_it_did(tmp_path: Path, name: str) -> None:
    """Score and map in the edge's engine are those of anomalib's graph in OpenVINO; the self-test passes."""
    torch.manual_seed(0)
    xml = export(MODELS[name](), tmp_path / "export")
    good, key = pictures(tmp_path / "good"), new_signing_key()
    label = PackageLabel("pcb", "1")
    imported = import_package(
        xml, good, label, tmp_path / "out", key=key, threshold=1.0, algorithm=name, int8=False
    )
    package = read_package_file(imported.package, Trust.of(key.public))
    graph = package.graph()
    with OpenVinoEngine.load(graph.xml, graph.weights, devices=("CPU",), precision="f32") as engine:
        self_test(package, engine)
        picture = cv2.imread(str(good / "0.png"))
        assert picture is not None
        pixels = np.asarray(picture, np.uint8)
        raw, (score, anomaly_map) = engine.score(pixels), original(xml, SIDE, SIDE, pixels)
    assert raw.score == pytest.approx(score, rel=0.01, abs=1e-6)
    assert np.allclose(raw.anomaly_map, anomaly_map, rtol=0.02, atol=0.01 * float(np.abs(anomaly_map).max()))


def test_an_import_carries_a_quantised_twin_that_passed_the_gate(tmp_path: Path) -> None:
    """The twin is in the package, the manifest says how it agrees, and it passes the self-test in INT8."""
    torch.manual_seed(0)
    xml, key = export(MODELS["stfpm"](), tmp_path / "export"), new_signing_key()
    good = pictures(tmp_path / "good")
    imported = import_package(xml, good, PackageLabel("pcb", "1"), tmp_path / "out", key=key, threshold=1.0)
    package = read_package_file(imported.package, Trust.of(key.public))
    figures = package.manifest.figures["variants"]["int8"]
    assert figures["passes"]
    assert imported.remark == ""
    graph, twin = package.graph(), package.graph("int8")
    with OpenVinoEngine.load(
        graph.xml, graph.weights, int8=(twin.xml, twin.weights), allowed=("int8", "f32"), devices=("CPU",)
    ) as engine:
        assert engine.precision == "int8"
        self_test(package, engine)


def test_an_import_that_cannot_be_quantised_goes_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NNCF's complaint is passed on in the manifest; the package is whole without the twin."""

    def refuse(*_: object) -> None:
        raise ExportError("NNCF cannot quantise the network")

    monkeypatch.setattr(importing, "quantise", refuse)
    torch.manual_seed(0)
    xml, key = export(MODELS["stfpm"](), tmp_path / "export"), new_signing_key()
    good = pictures(tmp_path / "good")
    imported = import_package(xml, good, PackageLabel("pcb", "1"), tmp_path / "out", key=key, threshold=1.0)
    package = read_package_file(imported.package, Trust.of(key.public))
    assert package.manifest.figures["warnings"] == ["NNCF cannot quantise the network"]
    assert not {"model_int8.xml", "model_int8.bin"} & set(package.files)


def test_a_raw_score_needs_a_threshold(tmp_path: Path) -> None:
    """Scores that anomalib did not scale have no threshold of their own: the error says what to give."""
    torch.manual_seed(0)
    xml = export(MODELS["patchcore"](), tmp_path / "export")
    with pytest.raises(ExportError, match="threshold") as refused:
        import_package(xml, pictures(tmp_path / "good"), PackageLabel("p", "1"), tmp_path, key=None)
    assert "--threshold" in refused.value.remedy


def test_another_graph_is_refused(tmp_path: Path) -> None:
    """An IR without pred_score, or a file that is none, is not taken."""
    xml, weights = tiny_ir()
    (tmp_path / "model.xml").write_bytes(xml)
    (tmp_path / "model.bin").write_bytes(weights)
    good = pictures(tmp_path / "good")
    with pytest.raises(ExportError, match="no OpenVINO export"):
        import_package(tmp_path / "model.xml", good, PackageLabel("p", "1"), tmp_path, key=None)
    (tmp_path / "model.xml").write_text("no xml")
    with pytest.raises(ExportError, match="no OpenVINO export"):
        import_package(tmp_path / "model.xml", good, PackageLabel("p", "1"), tmp_path, key=None)


def test_the_lean_graph_of_plain_stfpm_is_anomalibs_own_map() -> None:
    """Rank correlation of the maps at least 0.999, scores within 1 %, on a fixed teacher and student."""
    torch.manual_seed(0)
    layers = ("layer1", "layer2", "layer3")
    pair = pair_up(build_student("resnet18", layers), build_student("resnet18", layers), "resnet18")
    around(pair)
    ir = to_openvino(lean_stfpm(pair, SIDE, SIDE), SIDE, SIDE)
    random = np.random.default_rng(2)
    with OpenVinoEngine.load(ir.xml, ir.weights, devices=("CPU",), precision="f32") as engine:
        for _ in range(2):
            picture = cv2.resize(random.integers(0, 255, (20, 20, 3), np.uint8), (SIDE, SIDE))
            with torch.no_grad():
                theirs = pair.eval()(as_input(torch.from_numpy(picture)[None]))
            raw = engine.score(picture)
            assert raw.score == pytest.approx(float(theirs.pred_score), rel=0.01)
            assert rank_correlation(raw.anomaly_map, theirs.anomaly_map[0, 0].numpy()) >= 0.999
