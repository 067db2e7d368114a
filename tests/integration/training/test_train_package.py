"""A whole run of the trainer: photographs in, a package out that the edge takes and judges with."""

import json
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from edge_service.contract.keys import SigningKey, new_signing_key  # noqa: E402 - after the skip
from edge_service.contract.model_package import ModelPackage, read_package_file  # noqa: E402
from edge_service.contract.trust import Trust  # noqa: E402
from edge_service.inference.engine import OpenVinoEngine  # noqa: E402
from edge_service.model_store.self_test import self_test  # noqa: E402
from edge_service.simulation import render  # noqa: E402
from trainer.domain import Phase, Progress  # noqa: E402
from trainer.errors import DatasetError, DivergedError, SettingError  # noqa: E402
from trainer.pipeline.run import PackageLabel, TrainingResult, train_package  # noqa: E402
from trainer.pipeline.settings import TrainingSettings  # noqa: E402
from trainer.teacher.weights import BUNDLED_SHA256  # noqa: E402
from trainer.training.stfpm import Lesson, Schedule, teach  # noqa: E402

pytestmark = pytest.mark.training
SETTINGS = TrainingSettings(size=96, epochs=12, seed=1)


@dataclass(frozen=True)
class Run:
    """A finished run with what it told on the way."""

    result: TrainingResult
    package: ModelPackage
    progress: list[Progress]
    photographs: Path


def photographs(folder: Path, count: int) -> Path:
    """Put ``count`` good boards into a new folder, at half size: varying small ones is quicker."""
    folder.mkdir()
    for number in range(count):
        half = cv2.resize(
            render("pcb", seed=number).pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
        )
        assert cv2.imwrite(str(folder / f"good-{number}.png"), half)
    return folder


@pytest.fixture(scope="session")
def key() -> SigningKey:
    """One signing key for all tests."""
    return new_signing_key()


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, key: SigningKey) -> Run:
    """Train once, with every way to the network shut."""
    folder = tmp_path_factory.mktemp("training")
    progress: list[Progress] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _refuse)
        result = train_package(
            photographs(folder / "good", 3),
            PackageLabel("pcb", "1"),
            SETTINGS,
            folder / "out",
            key=key,
            watch=progress.append,
        )
    return Run(result, read_package_file(result.package, Trust.of(key.public)), progress, folder / "good")


def _refuse(*_args: object) -> None:
    raise AssertionError("training touched the network")


def test_the_package_says_what_it_was_made_from(trained: Run) -> None:
    """The manifest records teacher, photographs, threshold and how it was found."""
    manifest = trained.package.manifest
    assert (manifest.name, manifest.version, manifest.algorithm) == ("pcb", "1", "combined")
    assert manifest.backbone.weights == "bundled"
    assert manifest.backbone.weights_sha256 == BUNDLED_SHA256
    assert manifest.training_set.size == 3
    assert manifest.threshold.false_reject_rate == 0.01
    assert manifest.threshold.n == 3
    assert [golden.kind for golden in manifest.golden][:3] == ["good"] * 3
    assert len(manifest.golden) <= 4
    assert manifest.input_size.width > manifest.input_size.height  # as the photographs are


def test_the_edges_engine_agrees_with_the_trained_network(trained: Run) -> None:
    """Score and map of the exported graph are those of the network, within what BF16 rounds."""
    assert trained.result.agreement.score_difference < 0.05
    assert trained.result.agreement.map_difference < 0.3


def test_the_golden_images_come_out_as_the_manifest_says(trained: Run) -> None:
    """A fresh engine gives every golden image its score; good ones are below the threshold."""
    graph = trained.package.graph()
    with OpenVinoEngine.load(graph.xml, graph.weights, devices=("CPU",)) as engine:
        for golden in trained.package.manifest.golden:
            content = np.frombuffer(trained.package.files[golden.file], np.uint8)
            decoded = cv2.imdecode(content, cv2.IMREAD_COLOR)
            assert decoded is not None
            score = engine.score(np.asarray(decoded, np.uint8)).score
            assert abs(score - golden.score) <= golden.tolerance
            assert (score < trained.package.manifest.threshold.value) == (golden.kind == "good")


def test_a_quantised_twin_comes_along_where_it_judges_as_fp32_does(trained: Run) -> None:
    """The manifest states how INT8 compares; the package holds it only if it passed the gate."""
    found = trained.package.manifest.figures["variants"]["int8"]
    assert found["pictures"] == 24
    assert ("int8" in trained.package.variants()) == found["passes"]
    if found["passes"]:
        graph, int8 = trained.package.graph(), trained.package.graph("int8")
        twin = (int8.xml, int8.weights)
        with OpenVinoEngine.load(
            graph.xml, graph.weights, int8=twin, allowed=("int8",), devices=("CPU",)
        ) as engine:
            assert engine.precision == "int8"
            self_test(trained.package, engine)


def test_a_new_good_part_scores_lower_than_a_defective_one(trained: Run) -> None:
    """Even this tiny model sees a scratch on boards it has not met."""
    graph = trained.package.graph()
    with OpenVinoEngine.load(graph.xml, graph.weights, devices=("CPU",)) as engine:
        good = [engine.score(render("pcb", seed=100 + n).pixels).score for n in range(4)]
        bad = [engine.score(render("pcb", seed=100 + n, defect="scratch").pixels).score for n in range(4)]
    assert np.median(bad) > 1.2 * np.median(good)


def test_phases_come_in_order_and_each_one_ends(trained: Run) -> None:
    """Whoever watches sees every phase from its start to its end, and a loss while training."""
    order = list(dict.fromkeys(now.phase for now in trained.progress))
    assert order == list(Phase)
    for phase in Phase:
        last = [now for now in trained.progress if now.phase is phase][-1]
        assert last.done == last.total
    losses = [now.loss for now in trained.progress if now.phase is Phase.TRAIN]
    assert all(loss is not None for loss in losses)


def test_a_picture_shows_the_run(trained: Run) -> None:
    """Beside the package lies a PNG with the loss, the heat maps and the threshold."""
    picture = cv2.imread(str(trained.result.picture))
    assert picture is not None
    assert picture.shape[0] > 300
    assert picture.std() > 10


def test_the_run_says_how_small_a_defect_it_sees(trained: Run) -> None:
    """The package states for every contrast what was tried and seen, and the size found lies among them."""
    told = trained.package.manifest.figures["sensitivity"]
    assert told == trained.result.sensitivity.figures()
    assert [each["contrast"] for each in told] == sorted(each["contrast"] for each in told)
    for each in told:
        sizes = [tried["diameter_px"] for tried in each["tried"]]
        if each["tried"][0]["seen"] >= each["seen"]:
            assert sizes[-1] <= each["diameter_px"] <= sizes[0]
        else:
            assert each["diameter_px"] is None


def test_the_same_seed_gives_the_same_model(trained: Run, tmp_path: Path, key: SigningKey) -> None:
    """Photographs and seed decide everything: threshold and golden scores come out again."""
    settings = replace(SETTINGS, int8=False)
    again = train_package(
        trained.photographs, PackageLabel("pcb", "2"), settings, tmp_path, key=key, watch=lambda _: None
    )
    first = trained.package.manifest
    assert again.manifest.threshold.value == pytest.approx(first.threshold.value, rel=1e-3)
    assert [golden.score for golden in again.manifest.golden] == pytest.approx(
        [golden.score for golden in first.golden], abs=0.02 * first.threshold.value
    )


def test_one_photograph_trains_with_a_warning_in_the_manifest(tmp_path: Path) -> None:
    """A single photograph gives a model whose manifest says what that means; here a small, unsigned one."""
    result = train_package(
        photographs(tmp_path / "good", 1),
        PackageLabel("pcb", "1"),
        TrainingSettings(size=64, epochs=8, int8=False),
        tmp_path / "out",
        key=None,
        watch=lambda _: None,
    )
    assert "guessed" in result.manifest.figures["warnings"][0]
    assert result.manifest.threshold.n == 1
    assert result.manifest.algorithm == "combined"


def test_a_defective_part_among_the_photographs_is_named_in_the_manifest(tmp_path: Path) -> None:
    """Training goes on with the rest and with it; what is left out by name is not in the set.

    A model of that size, with a defect learned, may see no drawn spot: then, and only then, it says so.
    """
    good = tmp_path / "good"
    good.mkdir()
    for number, defect in enumerate([None, None, "foreign_object", None, None]):
        pixels = render("crate", seed=number, defect=defect).pixels
        assert cv2.imwrite(str(good / f"{number}.png"), pixels)
    settings = TrainingSettings(algorithm="memory_bank", size=64, int8=False, leave_out=("0.png",))
    result = train_package(
        good, PackageLabel("crate", "1"), settings, tmp_path / "out", key=None, watch=lambda _: None
    )
    named, *others = result.manifest.figures["warnings"]
    assert named.startswith("2.png")
    assert result.warnings == (named, *others)
    blind = all(each["diameter_px"] is None for each in result.manifest.figures["sensitivity"])
    assert [other[:13] for other in others] == ["No drawn spot"] * blind
    assert result.manifest.training_set.size == 4


@pytest.mark.parametrize("algorithm", ["memory_bank", "stfpm", "auto"])
def test_each_algorithm_and_a_comparison_give_a_package(tmp_path: Path, algorithm: str) -> None:
    """Each is a package like any other; auto says what cross-validation found of all three."""
    result = train_package(
        photographs(tmp_path / "good", 3),
        PackageLabel("pcb", "1"),
        TrainingSettings(algorithm=algorithm, size=80, epochs=6, int8=False),  # type: ignore[arg-type]
        tmp_path / "out",
        key=None,
        watch=lambda _: None,
    )
    manifest = result.manifest
    compared = manifest.figures["cross_validation"]
    assert set(compared) == ({"memory_bank", "stfpm", "combined"} if algorithm == "auto" else {algorithm})
    assert all(0.0 <= value <= 1.0 for value in compared.values())
    best = max(compared, key=lambda name: compared[name])
    usual = "combined" if algorithm == "auto" else algorithm
    assert manifest.algorithm == (best if compared[best] > compared[usual] + 0.02 else usual)
    good = [golden.score for golden in manifest.golden if golden.kind == "good"]
    assert max(good) < manifest.threshold.value
    thresholds = manifest.figures["thresholds"]
    assert 1.0 <= thresholds["0.05"] <= thresholds["0.01"] <= thresholds["0.001"]


def test_an_empty_folder_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Without photographs nothing is written, and the error says what to photograph."""
    (tmp_path / "good").mkdir()
    label, out = PackageLabel("pcb", "1"), tmp_path / "out"
    with pytest.raises(DatasetError, match="3 to 10"):
        train_package(tmp_path / "good", label, SETTINGS, out, key=None, watch=lambda _: None)
    assert not out.exists()


def test_a_loss_that_leaves_the_numbers_stops_the_run() -> None:
    """Diverging training ends with a clear error instead of a model of nothing."""
    pictures = torch.zeros(4, 64, 64, 3, dtype=torch.uint8)
    lesson = Lesson(pictures, (torch.full((4, 64, 16, 16), torch.nan),), ())
    with pytest.raises(DivergedError, match="step 1"):
        teach(lesson, Schedule(steps=2), "resnet18", ("layer1",))


def test_a_budget_ends_the_run_early_and_the_watcher_learns_of_it() -> None:
    """A budget that no step fits into leaves the few steps that were needed to find out."""
    pictures = torch.zeros(4, 64, 64, 3, dtype=torch.uint8)
    lesson = Lesson(pictures, (torch.zeros(4, 64, 16, 16),), ())
    told: list[tuple[int, int]] = []
    schedule = Schedule(steps=50, budget_s=1e-6)
    teach(
        lesson, schedule, "resnet18", ("layer1",), on_step=lambda done, total, _: told.append((done, total))
    )
    assert told[0] == (1, 50)
    assert told[-1] == (5, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"algorithm": "magic"},
        {"size": 100},
        {"size": 16},
        {"false_reject_rate": 0.0},
        {"layers": ("layer2",)},
        {"epochs": -1},
    ],
)
def test_settings_out_of_range_say_what_is_allowed(wrong: dict[str, Any]) -> None:
    """A setting that cannot be used is refused with the ones that can."""
    with pytest.raises(SettingError) as caught:
        TrainingSettings(**wrong)
    assert caught.value.remedy


def test_the_command_makes_a_key_and_a_package_and_answers_in_json(tmp_path: Path) -> None:
    """`okng-trainer train --json` as a process: one JSON object; package, picture and key on disk."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "trainer", "train", str(photographs(tmp_path / "good", 2))),
            *(
                "--name",
                "pcb",
                "--version",
                "7",
                "--false-reject-rate",
                "2%",
                "--size",
                "64",
                "--epochs",
                "8",
                "--algorithm",
                "stfpm",
                "--layers",
                "1",
            ),
            "--no-int8",
            *("--key", str(tmp_path / "keys" / "mine.pem"), "--out", str(tmp_path / "out"), "--json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert Path(told["package"]).name == "pcb-7.okng"
    assert told["threshold"]["false_reject_rate"] == 0.02
    assert Path(told["picture"]).exists()
    assert Path(told["public_key"]).exists()
    assert (tmp_path / "keys" / "mine.pem").stat().st_mode & 0o077 == 0


def test_the_command_ends_with_two_lines_when_there_is_nothing_to_train_from(tmp_path: Path) -> None:
    """A missing folder is told with what to do, on stderr, with exit code 2."""
    key = tmp_path / "key.pem"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "trainer", "train", str(tmp_path / "none"), "--name", "x"),
            *("--key", str(key)),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 2
    assert "is not a folder" in done.stderr
    assert "->" in done.stderr
    assert "Traceback" not in done.stderr
