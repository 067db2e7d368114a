"""The engine on real OpenVINO, with a model of a few kilobytes."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
import openvino.opset15 as ops
import pytest

from edge_service.contract.keys import load_public_key
from edge_service.contract.model_package import read_package_file
from edge_service.contract.trust import Trust
from edge_service.domain.inspection import Frame
from edge_service.errors import InferenceError, PackageError, ScoreNotFiniteError
from edge_service.inference.engine import OpenVinoEngine
from edge_service.inference.graph import available_devices
from edge_service.model_store.self_test import self_test
from tests.support.process import ROOT
from tests.support.tiny_model import (
    BLOT,
    defective_picture,
    good_picture,
    serialised,
    tiny_ir,
)

GOLDEN = Path(__file__).parents[1] / "unit" / "golden_packages"


@pytest.fixture(scope="module")
def engine():
    """The tiny model on the CPU."""
    with OpenVinoEngine.load(*tiny_ir(), devices=("CPU",), threads=1, precision="f32") as engine:
        yield engine


def test_score_and_map_are_the_graphs_raw_numbers(engine: OpenVinoEngine):
    """A good picture scores 0; a blot scores its contrast, and the map shows where it is."""
    assert engine.score(good_picture()).score == pytest.approx(0.0, abs=1e-6)
    raw = engine.score(defective_picture())
    assert raw.score == pytest.approx(BLOT / 255.0, rel=1e-4)
    assert raw.anomaly_map.dtype == np.float32
    expected = np.zeros((8, 8), np.float32)
    expected[2:4, 2:4] = BLOT / 255.0
    assert np.allclose(raw.anomaly_map, expected, atol=1e-5)
    assert (raw.device, engine.precision) == ("CPU", "f32")


async def test_infer_and_score_agree(engine: OpenVinoEngine):
    """What the station awaits and what the trainer calls are the same numbers."""
    frame = Frame(defective_picture(), 0.0, 0.0, 0.0, "test")
    awaited, called = await engine.infer(frame), engine.score(frame.pixels)
    assert awaited.score == called.score
    assert np.array_equal(awaited.anomaly_map, called.anomaly_map)


def test_a_result_is_not_overwritten_by_the_next_frame(engine: OpenVinoEngine):
    """Each result owns its map: OpenVINO's buffers are used again, results are not."""
    first = engine.score(defective_picture())
    before = first.anomaly_map.copy()
    engine.score(good_picture())
    assert np.array_equal(first.anomaly_map, before)
    with pytest.raises(ValueError, match="read-only"):
        first.anomaly_map[0, 0] = 1.0


def test_a_gpu_that_is_not_here_falls_back_to_the_cpu():
    """On a box without GPU the order GPU, CPU runs on the CPU and says why."""
    if any(device.startswith("GPU") for device in available_devices()):
        pytest.skip("this box has a GPU that OpenVINO can use")
    with OpenVinoEngine.load(*tiny_ir(), devices=("GPU", "CPU"), threads=1) as engine:
        assert engine.device == "CPU"
        assert "GPU" in engine.fallback_reason
    with pytest.raises(InferenceError, match="GPU"):
        OpenVinoEngine.load(*tiny_ir(), devices=("GPU",))


def test_a_real_infinity_is_refused():
    """A graph that divides by zero on one picture gives code 403 for it, and goes on with the next."""
    with OpenVinoEngine.load(*tiny_ir(blows_up=True), devices=("CPU",), threads=1) as engine:
        with pytest.raises(ScoreNotFiniteError):
            engine.score(np.full((64, 64, 3), 255, np.uint8))
        assert engine.score(good_picture()).score == pytest.approx(0.0, abs=1e-3)


def test_compiled_kernels_are_kept(tmp_path: Path):
    """With a cache folder the second start finds what the first one compiled, and scores the same."""
    cache = tmp_path / "cache"
    scores = []
    for _ in range(2):
        with OpenVinoEngine.load(*tiny_ir(), devices=("CPU",), cache_folder=cache, threads=1) as engine:
            scores.append(engine.score(defective_picture()).score)
    assert scores[0] == scores[1]
    assert [file.suffix for file in cache.iterdir()] == [".blob"]


@pytest.mark.parametrize("spoil", [lambda _: b"", lambda d: d[: len(d) // 2], lambda d: b"x" * len(d)])
def test_a_spoilt_cache_is_made_anew(tmp_path: Path, spoil: Callable[[bytes], bytes]):
    """An empty, cut or foreign cache file costs a compilation, not the start."""
    for _ in range(2):
        with OpenVinoEngine.load(*tiny_ir(), devices=("CPU",), cache_folder=tmp_path, threads=1) as engine:
            assert engine.score(defective_picture()).score == pytest.approx(BLOT / 255.0, rel=0.01)
        for file in tmp_path.iterdir():
            file.write_bytes(spoil(file.read_bytes()))


def test_a_cache_folder_that_cannot_be_made_is_done_without(tmp_path: Path):
    """Where a file is in the way of the cache folder, the engine starts without a cache."""
    (tmp_path / "cache").write_bytes(b"")
    with OpenVinoEngine.load(
        *tiny_ir(), devices=("CPU",), cache_folder=tmp_path / "cache", threads=1
    ) as engine:
        assert engine.device == "CPU"


@pytest.mark.parametrize("kept", [0, 10, 1000])
def test_a_graph_that_is_none_is_a_package_error(kept: int):
    """Empty, cut or foreign XML, and weights cut short, are the package's fault and said so."""
    xml, weights = tiny_ir()
    with pytest.raises(PackageError, match="load"):
        OpenVinoEngine.load(xml[:kept], weights, devices=("CPU",))
    with pytest.raises(PackageError, match="load"):
        OpenVinoEngine.load(xml, weights[: len(weights) // 2], devices=("CPU",))


def _foreign_graph(shape: list[int], kind: type, name: str) -> tuple[bytes, bytes]:
    image = ops.parameter(shape, kind, name=name)
    image.output(0).get_tensor().set_names({name})
    score = ops.convert(image, "f32")
    score.output(0).get_tensor().set_names({"score", "anomaly_map"})
    return serialised(ov.Model([score.output(0)], [image], "foreign"))


@pytest.mark.parametrize(
    ("shape", "kind", "name"),
    [
        ([1, 64, 64, 3], np.uint8, "x"),
        ([1, 64, 64, 3], np.uint8, "image"),
        ([1, 3, 64, 64], np.float32, "image"),
        ([-1, 64, 64, 3], np.uint8, "image"),
    ],
)
def test_a_graph_that_breaks_the_contract_is_refused(shape: list[int], kind: type, name: str):
    """Another input name, type or layout, free shapes, or outputs of other shapes: no guessing."""
    with pytest.raises(PackageError, match="load"):
        OpenVinoEngine.load(*_foreign_graph(shape, kind, name), devices=("CPU",))


def test_the_golden_package_of_version_1_still_judges():
    """The package kept from format version 1 loads and passes its own self-test on today's engine."""
    trust = Trust.of(load_public_key(GOLDEN / "server.pub"))
    graph = (package := read_package_file(GOLDEN / "tiny-1.format-1.okng", trust)).graph()
    with OpenVinoEngine.load(graph.xml, graph.weights, devices=("CPU",), threads=1) as engine:
        results = self_test(package, engine)
    assert [result.kind for result in results] == ["good", "defective"]


SIGNAL_AFTER_TWO_MODELS = """
import os, signal
from edge_service.inference.graph import OpenVinoRuntime
from tests.support.tiny_model import tiny_ir

signal.signal(signal.SIGTERM, lambda *_: print("heard"))
first = OpenVinoRuntime(*tiny_ir()).compile("CPU", "auto")
second = OpenVinoRuntime(*tiny_ir()).compile("CPU", "auto")
del first
del second
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_after_models_came_and_went_is_heard():
    """SIGTERM reaches its handler when models were given back in any order: no stale signal stack is left."""
    program = [sys.executable, "-X", "faulthandler", "-c", SIGNAL_AFTER_TWO_MODELS]
    ended = subprocess.run(program, cwd=GOLDEN.parents[2], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "heard\n"), ended.stderr


CLOSED = """
import os, sys
from edge_service.inference.graph import OpenVinoRuntime
from tests.support.tiny_model import tiny_ir
os.chdir(sys.argv[1])
os.chmod(".", 0)
if os.getuid() == 0:
    os.setuid(65534)
print(OpenVinoRuntime(*tiny_ir()).width)
"""


def test_a_working_folder_that_may_not_be_entered(tmp_path: Path):
    """Root's home after ``su okng``: a model is read there all the same; OpenVINO alone aborts."""
    closed = tmp_path / "closed"
    closed.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", CLOSED, str(closed)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    closed.chmod(0o700)
    assert done.stdout.strip() == "64", done.stderr
