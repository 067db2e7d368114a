"""Teacher weights: where they come from, and what is refused."""

import hashlib
import json
import socket
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
from safetensors.torch import save_file  # noqa: E402 - after the skip

from trainer.cli import main  # noqa: E402
from trainer.domain import LAYERS  # noqa: E402
from trainer.errors import WeightsError  # noqa: E402
from trainer.teacher.backbone import build_teacher  # noqa: E402
from trainer.teacher.weights import BUNDLED_SHA256, TeacherWeights, bundled_content, load_weights  # noqa: E402

pytestmark = pytest.mark.training


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection: bundled and file weights must not want one."""

    def refuse(*_args: object) -> None:
        raise AssertionError("the network was touched")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_bundled_weights_are_the_ones_on_the_model_card() -> None:
    """The file in the package has the digest that the code and the card state, and fills a ResNet-18."""
    assert hashlib.sha256(bundled_content()).hexdigest() == BUNDLED_SHA256
    teacher = build_teacher(load_weights("bundled"), LAYERS)
    features = teacher(torch.zeros(1, 3, 64, 64))
    assert [tuple(feature.shape[1:]) for feature in features.values()] == [
        (64, 16, 16),
        (128, 8, 8),
        (256, 4, 4),
    ]
    assert not any(parameter.requires_grad for parameter in teacher.parameters())


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_file_gives_the_same_teacher_as_the_bundled_weights(tmp_path: Path, suffix: str) -> None:
    """The same tensors from a file of either kind fill the same network; the digest is the file's."""
    tensors = dict(load_weights("bundled").tensors)
    path = tmp_path / f"mine{suffix}"
    if suffix == ".pth":
        torch.save({"state_dict": tensors}, path)
    else:
        save_file(tensors, path)
    loaded = load_weights(f"file:{path}")
    assert loaded.source == f"file:mine{suffix}"
    assert loaded.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert torch.equal(loaded.tensors["conv1.weight"], tensors["conv1.weight"])


def test_a_missing_layer_is_named(tmp_path: Path) -> None:
    """Weights that lack a tensor are refused, with the first missing key."""
    tensors = dict(load_weights("bundled").tensors)
    del tensors["layer3.0.conv1.weight"]
    save_file(tensors, tmp_path / "short.safetensors")
    with pytest.raises(WeightsError, match=r"layer3\.0\.conv1\.weight"):
        build_teacher(load_weights(f"file:{tmp_path / 'short.safetensors'}"), LAYERS)


def test_weights_of_another_network_are_refused() -> None:
    """A tensor of another shape is refused before it is copied anywhere."""
    tensors = dict(load_weights("bundled").tensors)
    tensors["conv1.weight"] = torch.zeros(32, 3, 3, 3)
    with pytest.raises(WeightsError, match=r"conv1\.weight"):
        build_teacher(TeacherWeights("file:x", "resnet18", "0" * 64, tensors), LAYERS)


def test_weights_that_are_not_numbers_are_refused() -> None:
    """A file with infinities would train to nothing; it is refused."""
    tensors = dict(load_weights("bundled").tensors)
    tensors["conv1.weight"] = torch.full_like(tensors["conv1.weight"], torch.inf)
    with pytest.raises(WeightsError, match="not finite"):
        build_teacher(TeacherWeights("file:x", "resnet18", "0" * 64, tensors), LAYERS)


@pytest.mark.parametrize("name", ["broken.safetensors", "broken.pth"])
def test_a_damaged_file_is_refused(tmp_path: Path, name: str) -> None:
    """A truncated or foreign file leads to a clear error, not to a traceback."""
    (tmp_path / name).write_bytes(b"not weights")
    with pytest.raises(WeightsError, match="cannot be read"):
        load_weights(f"file:{tmp_path / name}")


@pytest.mark.parametrize("source", ["", "file:", "imagenet", "file:/nowhere/x.pth", "timm:", "timm:no_such"])
def test_an_unknown_source_says_what_is_allowed(source: str) -> None:
    """What names no weights is refused with the ways to name some."""
    with pytest.raises(WeightsError) as caught:
        load_weights(source)
    assert caught.value.remedy


def test_the_weights_verb_tells_that_the_file_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    """`okng-trainer weights` names the file and its digest."""
    with pytest.raises(SystemExit) as ended:
        main(["weights"])
    assert ended.value.code == 0
    assert BUNDLED_SHA256 in capsys.readouterr().out


def test_the_weights_verb_tells_licence_layers_and_what_is_damaged(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file of one's own is listed with its card; a damaged one ends the command with 1, and says why."""
    tensors = dict(load_weights("bundled").tensors)
    own, damaged = tmp_path / "own.safetensors", tmp_path / "damaged.safetensors"
    save_file({name: value for name, value in tensors.items() if not name.startswith("layer3")}, own)
    own.with_suffix(".md").write_text("# own\n\n| | |\n|---|---|\n| Licence | MIT |\n")
    damaged.write_bytes(bundled_content()[:10_000])
    with pytest.raises(SystemExit) as ended:
        main(["weights", str(own), str(damaged), "--json"])
    assert ended.value.code == 1
    bundled, mine, broken = json.loads(capsys.readouterr().out)
    assert bundled["ok"]
    assert bundled["licence"].startswith("Apache-2.0")
    assert bundled["layers"] == list(LAYERS)
    assert (mine["ok"], mine["licence"], mine["layers"]) == (True, "MIT", ["layer1", "layer2"])
    assert not broken["ok"]
    assert "damaged.safetensors" in broken["damage"]
