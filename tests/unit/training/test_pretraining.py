"""Teacher weights of one's own: they learn, stop and go on, and come out as weights that are taken."""

import json
import signal
from pathlib import Path

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from edge_service.simulation import render  # noqa: E402 - after the skip
from trainer.cli import main  # noqa: E402
from trainer.domain import LAYERS  # noqa: E402
from trainer.errors import DatasetError, SettingError  # noqa: E402
from trainer.teacher.backbone import build_teacher  # noqa: E402
from trainer.teacher.inventory import inspect  # noqa: E402
from trainer.teacher.natural import NaturalPictures  # noqa: E402
from trainer.teacher.pretraining import Course, Pretraining  # noqa: E402
from trainer.teacher.weights import load_weights  # noqa: E402

pytestmark = pytest.mark.training
COURSE = Course(steps=12, batch=4, side=32, mixed=False)


@pytest.fixture
def pictures(tmp_path: Path) -> NaturalPictures:
    """Return a few rendered parts in place of natural photographs."""
    for number, product in enumerate(["pcb", "crate"]):
        small = cv2.resize(render(product, seed=number).pixels, (160, 120))
        assert cv2.imwrite(str(tmp_path / f"{number}.png"), small)
    return NaturalPictures(tmp_path)


def test_the_loss_falls_and_a_stopped_run_goes_on_as_if_it_had_not_been(
    pictures: NaturalPictures, tmp_path: Path
) -> None:
    """Stopped half-way and resumed from its checkpoint, every value comes out the same."""
    weights = load_weights("bundled")
    losses: list[float] = []
    whole = Pretraining(COURSE, weights, pictures, "cpu")
    assert whole.run(lambda _, loss: losses.append(loss) is None)
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])
    first = Pretraining(COURSE, weights, pictures, "cpu")
    assert not first.run(lambda step, _: step < 5)
    first.save(tmp_path / "checkpoint")
    second = Pretraining(COURSE, weights, pictures, "cpu")
    second.resume(tmp_path / "checkpoint")
    assert second.step == 5
    assert second.run(lambda *_: True)
    expected = whole.tensors()
    for name, value in second.tensors().items():
        torch.testing.assert_close(value, expected[name], rtol=0.01, atol=1e-3)
    with pytest.raises(SettingError, match="other settings"):
        Pretraining(Course(steps=13), weights, pictures, "cpu").resume(tmp_path / "checkpoint")


def test_the_command_writes_weights_and_card_that_a_training_run_takes(
    pictures: NaturalPictures, tmp_path: Path
) -> None:
    """What `teacher pretrain` writes fills a teacher, and `weights` finds its card."""
    assert len(pictures) == 2
    out = tmp_path / "own.safetensors"
    tiny = ["--steps", "2", "--batch", "2", "--side", "32", "--device", "cpu", "--out", str(out)]
    with pytest.raises(SystemExit) as ended:
        main(["teacher", "pretrain", str(tmp_path), "--reference", "bundled", *tiny])
    assert ended.value.code == 0
    build_teacher(load_weights(f"file:{out}"), LAYERS)
    found = inspect(f"file:{out}")
    assert found.damage == ""
    assert found.layers == LAYERS
    assert found.licence.startswith("not stated")
    assert not (tmp_path / "own.safetensors.checkpoint").exists()


@pytest.mark.usefixtures("pictures")
def test_a_stop_keeps_where_the_run_stands_and_says_how_to_go_on(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SIGTERM after the second of four steps: a checkpoint, a sentence, exit 143; again, and it goes on."""
    out = tmp_path / "own.safetensors"
    command = ["teacher", "pretrain", str(tmp_path), "--reference", "bundled", "--out", str(out)]
    command += ["--steps", "4", "--batch", "2", "--side", "32", "--device", "cpu"]
    learn = Pretraining._learn

    def learn_and_stop(run: Pretraining) -> float:
        loss = learn(run)
        if run.step == 1:
            signal.raise_signal(signal.SIGTERM)
        return loss

    monkeypatch.setattr(Pretraining, "_learn", learn_and_stop)
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 128 + signal.SIGTERM
    assert "stopped after step 2; the same command goes on" in capsys.readouterr().err
    assert not out.exists()
    monkeypatch.undo()
    with pytest.raises(SystemExit) as ended:
        main([*command, "--json"])
    assert ended.value.code == 0
    told = capsys.readouterr()
    assert "going on at step 2" in told.err
    assert len(json.loads(told.out)["cosines"]) == len(LAYERS)


def test_every_fiftieth_picture_is_never_learned_from_and_a_broken_one_is_passed_over(tmp_path: Path) -> None:
    """Crops to learn show none of the held-out pictures, crops to measure nothing else."""
    for number in range(100):
        value = 250 if number % 50 == 49 else 10
        assert cv2.imwrite(str(tmp_path / f"{number:03}.png"), np.full((40, 40, 3), value, np.uint8))
    (tmp_path / "007.png").write_bytes(b"broken")
    pictures = NaturalPictures(tmp_path)
    assert len(pictures.held_out) == 2
    assert np.median(pictures.crops(0, batch=64, side=32, seed=0)) < 100
    assert np.median(pictures.new_crops(0, batch=64, side=32, seed=0)) > 150
    pictures.crops(1, batch=400, side=32, seed=0)
    assert [Path(name).name for name in pictures.unreadable] == ["007.png"]


def test_no_pictures_are_told_of(tmp_path: Path) -> None:
    """An empty folder says what to give."""
    with pytest.raises(DatasetError, match="No picture"):
        NaturalPictures(tmp_path)
