"""The model store: install, activate, roll back, and what is left when something dies in between."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge_service.contract.keys import new_signing_key
from edge_service.contract.model_package import ModelPackage, build_package
from edge_service.contract.trust import Trust
from edge_service.domain.inspection import RawScore
from edge_service.errors import (
    ConfigurationError,
    DiskFullError,
    InferenceError,
    PackageError,
    SelfTestError,
    SignatureError,
)
from edge_service.model_store.self_test import self_test
from edge_service.model_store.store import ModelStore, identity_of
from tests.support.disks import FullDisk
from tests.support.killed_store import CHOICE
from tests.support.tiny_model import CELL, tiny_package
from tests.support.trust import server_key, server_trust, signed_package


class PlainScorer:
    """The tiny model in numpy, with an error of its own added to every score."""

    def __init__(self, error: float = 0.0) -> None:
        self.error = error

    def score(self, pixels: NDArray[np.uint8]) -> RawScore:
        """Return score and map as the tiny model defines them."""
        strange = np.abs(pixels.astype(np.float32) - 128.0).mean(axis=2) / 255.0
        cells = strange.reshape(64 // CELL, CELL, 64 // CELL, CELL).mean(axis=(1, 3)).astype(np.float32)
        return RawScore(float(cells.max()) + self.error, cells + np.float32(self.error), 1.0, "CPU")


def passes(package: ModelPackage) -> object:
    """Run the self-test on a device that agrees with the server."""
    return self_test(package, PlainScorer())


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """An empty store that trusts the server."""
    return ModelStore(tmp_path / "models", server_trust)


def names(folder: Path) -> list[str]:
    """Return every file below ``folder`` but the lock and the histories, as relative paths."""
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != ".history.jsonl")
    return sorted(str(file.relative_to(folder)) for file in files if file.name != ".lock")


def test_a_model_is_installed_activated_and_loaded(store: ModelStore):
    """Installed is not active; activated is, and it loads with its own name, version and digest."""
    installed = store.install(signed_package())
    assert store.active_version("pcb") is None
    with pytest.raises(PackageError, match="no model pcb is active") as refused:
        store.active("pcb")
    assert "okng-edge model activate" in refused.value.remedy
    store.activate("pcb", "1", passes)
    identity = identity_of(store.active("pcb"))
    assert (identity.name, identity.version, identity.digest) == ("pcb", "1", installed.digest)


def test_what_is_kept_are_the_signed_bytes(store: ModelStore, tmp_path: Path):
    """The file in the store is the package, byte for byte."""
    store.install(signed_package())
    assert (tmp_path / "models/pcb/1/package.okng").read_bytes() == signed_package()


def test_the_version_before_is_one_rollback_away(store: ModelStore):
    """Rollback goes back to the version before, and a second one undoes the first."""
    for version in ("1", "2", "3"):
        store.install(signed_package(version=version))
        store.activate("pcb", version, passes)
    assert store.rollback("pcb", passes).manifest.version == "2"
    assert store.active("pcb").manifest.version == "2"
    store.rollback("pcb", passes)
    assert store.active_version("pcb") == "3"


def test_activating_the_active_version_keeps_the_way_back(store: ModelStore):
    """Activating twice does not forget which version was before."""
    for version in ("1", "2", "2"):
        store.install(signed_package(version=version))
        store.activate("pcb", version, passes)
    store.rollback("pcb", passes)
    assert store.active_version("pcb") == "1"


def test_without_an_earlier_version_there_is_no_rollback(store: ModelStore):
    """Neither an empty store nor a first version can be rolled back."""
    with pytest.raises(PackageError, match="no earlier version"):
        store.rollback("pcb", passes)
    store.install(signed_package())
    store.activate("pcb", "1", passes)
    with pytest.raises(PackageError, match="no earlier version"):
        store.rollback("pcb", passes)
    assert store.active_version("pcb") == "1"


def test_installing_twice_is_installing_once(store: ModelStore, tmp_path: Path):
    """The same package again changes nothing."""
    assert store.install(signed_package()) == store.install(signed_package())
    assert names(tmp_path / "models") == ["pcb/1/package.okng"]


def test_a_version_means_one_content_for_ever(store: ModelStore):
    """Another package of an installed name and version is refused: results could not be told apart."""
    first = store.install(signed_package())
    with pytest.raises(PackageError, match="other content"):
        store.install(signed_package(golden_score=0.001))
    assert store.load("pcb", "1").digest == first.digest


def test_models_of_other_names_do_not_meet(store: ModelStore):
    """Each name has its own active version."""
    for name in ("pcb", "crate"):
        store.install(signed_package(name))
    store.activate("pcb", "1", passes)
    assert (store.active_version("pcb"), store.active_version("crate")) == ("1", None)
    described = [(model.name, model.version, model.active, model.problem) for model in store.installed()]
    assert described == [("crate", "1", False, ""), ("pcb", "1", True, "")]


def test_a_stranger_s_package_is_not_installed(store: ModelStore, tmp_path: Path):
    """What nobody trusted signed does not reach the store."""
    with pytest.raises(SignatureError):
        store.install(build_package(*tiny_package(), new_signing_key()))
    assert names(tmp_path) == []


def test_a_model_that_fails_its_self_test_is_not_activated(store: ModelStore):
    """The message names the image, what was expected and what came; the model in use stays."""
    store.install(signed_package())
    store.activate("pcb", "1", passes)
    store.install(signed_package(version="2", golden_score=0.25))
    with pytest.raises(SelfTestError, match=r"golden/good-1.png .* expected 0.25 ± 0.005, got 0 on CPU"):
        store.activate("pcb", "2", passes)
    assert store.active_version("pcb") == "1"


def test_a_rollback_is_self_tested_too(store: ModelStore):
    """A box whose device changed since does not go back to a model that it cannot judge with."""
    for version in ("1", "2"):
        store.install(signed_package(version=version))
        store.activate("pcb", version, passes)
    with pytest.raises(SelfTestError):
        store.rollback("pcb", lambda package: self_test(package, PlainScorer(0.1)))
    assert store.active_version("pcb") == "2"


@pytest.mark.parametrize("error", [0.006, -0.006, float("nan"), float("inf")])
def test_a_device_that_disagrees_fails_the_self_test(store: ModelStore, error: float):
    """A score outside the tolerance, or none at all, is a disagreement."""
    package = store.install(signed_package())
    with pytest.raises(SelfTestError, match="good-1"):
        self_test(package, PlainScorer(error))


def test_a_score_must_follow_from_its_map(store: ModelStore):
    """A device that gets the score right and the map wrong is found out: masks and heat maps rest on it."""

    class WrongMap(PlainScorer):
        def score(self, pixels: NDArray[np.uint8]) -> RawScore:
            raw = super().score(pixels)
            return RawScore(raw.score, raw.anomaly_map * np.float32(0.5) + np.float32(0.3), 1.0, "CPU")

    with pytest.raises(SelfTestError, match="does not follow from its map"):
        self_test(store.install(signed_package()), WrongMap())


def test_a_map_of_another_size_fails_the_self_test(store: ModelStore):
    """The manifest states the map's size, and masks are drawn for it."""

    class SmallMap(PlainScorer):
        def score(self, pixels: NDArray[np.uint8]) -> RawScore:
            raw = super().score(pixels)
            return RawScore(raw.score, raw.anomaly_map[:4, :4].copy(), 1.0, "CPU")

    with pytest.raises(SelfTestError, match="map"):
        self_test(store.install(signed_package()), SmallMap())


def test_a_device_that_breaks_fails_the_self_test(store: ModelStore):
    """An engine that raises on a golden image is a failed self-test that names the image."""

    class Broken:
        def score(self, pixels: NDArray[np.uint8]) -> RawScore:
            raise InferenceError(f"no memory for {pixels.shape}")

    with pytest.raises(SelfTestError, match=r"good-1.png .* no memory"):
        self_test(store.install(signed_package()), Broken())


def test_a_golden_image_that_is_no_image_fails_the_self_test(store: ModelStore):
    """A signed file that no decoder reads is told by name."""
    manifest, contents = tiny_package()
    package = store.install(
        build_package(manifest, contents | {"golden/good-1.png": b"no image"}, server_key())
    )
    with pytest.raises(SelfTestError, match=r"good-1.png .* no picture"):
        self_test(package, PlainScorer())


def test_golden_results_are_told(store: ModelStore):
    """A passed self-test says per image what was expected and what came."""
    results = self_test(store.install(signed_package()), PlainScorer(0.001))
    assert [(result.kind, round(result.got - result.expected, 6)) for result in results] == [
        ("good", 0.001),
        ("defective", 0.001),
    ]


@pytest.mark.parametrize(
    "spoil", [lambda _: b"", lambda d: d[:-9], lambda d: d.replace(b"<layers>", b"<Layers>")]
)
def test_a_package_damaged_on_disk_is_not_loaded(
    store: ModelStore, tmp_path: Path, spoil: Callable[[bytes], bytes]
):
    """What was verified at install is verified again at load; the list says what is wrong."""
    store.install(signed_package())
    store.activate("pcb", "1", passes)
    file = tmp_path / "models/pcb/1/package.okng"
    file.write_bytes(spoil(file.read_bytes()))
    with pytest.raises(PackageError):
        store.active("pcb")
    assert store.installed()[0].problem


def test_a_damaged_package_is_mended_by_installing_it_again(store: ModelStore, tmp_path: Path):
    """Installing the good copy replaces the damaged one."""
    store.install(signed_package())
    (tmp_path / "models/pcb/1/package.okng").write_bytes(b"")
    store.install(signed_package())
    assert store.load("pcb", "1").digest


def test_trust_is_asked_at_every_load(tmp_path: Path):
    """A key that is no longer trusted no longer vouches for what it signed."""
    trust = [server_trust()]
    store = ModelStore(tmp_path, lambda: trust[0])
    store.install(signed_package())
    trust[0] = Trust()
    with pytest.raises(SignatureError):
        store.load("pcb", "1")


def test_a_package_under_another_name_is_not_loaded(store: ModelStore, tmp_path: Path):
    """A good package copied into another model's folder does not judge that model's parts."""
    store.install(signed_package())
    (tmp_path / "models/crate").mkdir()
    (tmp_path / "models/pcb/1").rename(tmp_path / "models/crate/1")
    with pytest.raises(PackageError, match="crate 1"):
        store.load("crate", "1")


@pytest.mark.parametrize("name", ["../pcb", "", ".", "..", "/etc", "a/b", "a\0b", "pcb\n", "x" * 64, ".lock"])
def test_names_cannot_leave_the_store(store: ModelStore, name: str):
    """A name from a PLC, a recipe or a command line is a name and never a path."""
    for call in (
        lambda: store.load(name, "1"),
        lambda: store.load("pcb", name),
        lambda: store.active(name),
        lambda: store.activate(name, "1", passes),
        lambda: store.rollback(name, passes),
    ):
        with pytest.raises(PackageError):
            call()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"active": 1}', b"\xff"])
def test_a_spoilt_pointer_is_told(store: ModelStore, tmp_path: Path, content: bytes):
    """A pointer file that somebody edited is an error with a remedy, not a guess."""
    store.install(signed_package())
    (tmp_path / "models/pcb/.active.json").write_bytes(content)
    with pytest.raises(PackageError, match="cannot be read") as refused:
        store.active("pcb")
    assert "activate pcb" in refused.value.remedy
    assert store.installed()[0].problem


def test_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path):
    """Installing and activating on a full disk are DiskFullErrors, and the active model stays."""
    root = tmp_path / "models"
    good = ModelStore(root, server_trust)
    good.install(signed_package())
    good.activate("pcb", "1", passes)
    before = names(root)
    with pytest.raises(DiskFullError):
        ModelStore(root, server_trust, disk=FullDisk()).install(signed_package(version="2"))
    assert names(root) == before
    narrow = ModelStore(root, server_trust, disk=FullDisk(room=1))
    narrow.install(signed_package(version="2"))
    with pytest.raises(DiskFullError):
        narrow.activate("pcb", "2", passes)
    assert good.active_version("pcb") == "1"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 64 KiB, where this user may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk: Path):
    """On a real full file system nothing is half-installed, and space given back is enough to go on."""
    store = ModelStore(small_disk / "models", server_trust)
    store.install(signed_package())
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(100_000))
    with pytest.raises(DiskFullError) as refused:
        store.install(signed_package(version="2"))
    assert "df -h" in refused.value.remedy
    assert names(small_disk / "models") == ["pcb/1/package.okng"]
    filler.unlink()
    store.install(signed_package(version="2"))
    store.activate("pcb", "2", passes)
    assert store.active("pcb").manifest.version == "2"


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path):
    """A file where the folder should be is told as such, with what to check."""
    (tmp_path / "models").write_bytes(b"")
    with pytest.raises(ConfigurationError, match="cannot write"):
        ModelStore(tmp_path / "models", server_trust).install(signed_package())


def test_killed_at_any_step_the_store_is_usable(tmp_path: Path):
    """SIGKILL before any change to the disk leaves the old model or the new one active, and both sound.

    So it is with the record of the fastest variant and with the pin: whole or not there. And whatever was
    left lying around, the same commands then go through and sweep it away.
    """
    template, out = tmp_path / "template", tmp_path / "out"
    before = ModelStore(template / "models", server_trust)
    before.install(signed_package())
    before.activate("pcb", "1", passes)
    (template / "server.pub").write_bytes(server_key().public.pem())
    (tmp_path / "pcb-2.okng").write_bytes(signed_package(version="2"))
    command = ["-m", "tests.support.killed_store", template, tmp_path / "pcb-2.okng", out]
    subprocess.run([sys.executable, *map(str, command)], check=True, timeout=60)

    runs = sorted(out.iterdir(), key=lambda folder: int(folder.name))
    assert len(runs) > 8, "the store changes the disk in more steps than that"
    seen = []
    for run in runs:
        store = ModelStore(run / "models", server_trust)
        active = store.active("pcb")
        (newest, *_) = reversed(store.installed())
        choice = store.choice("pcb", "2")
        assert choice in (None, CHOICE)
        seen.append((len(store.installed()), active.manifest.version, choice == CHOICE, newest.pinned))
        assert not any(model.problem for model in store.installed())
        store.install(signed_package(version="2"))
        store.activate("pcb", "2", passes)
        store.record_choice("pcb", "2", CHOICE)
        assert store.pin("pcb") == "2"
        there = ["pcb/.active.json", "pcb/1/package.okng", "pcb/2/.choice.json", "pcb/2/package.okng"]
        assert names(run / "models") == there
    assert seen == sorted(seen), "once there, it stays"
    assert set(seen) == {
        (1, "1", False, False),  # as before
        (2, "1", False, False),  # installed
        (2, "2", False, False),  # active
        (2, "2", True, False),  # its variant noted
        (2, "2", True, True),  # pinned
    }


def test_golden_images_are_decoded_as_the_camera_sees(store: ModelStore):
    """A golden image reaches the engine as uint8 BGR of its own size."""
    seen: list[NDArray[np.uint8]] = []

    class Watching(PlainScorer):
        def score(self, pixels: NDArray[np.uint8]) -> RawScore:
            seen.append(pixels)
            return super().score(pixels)

    package = store.install(signed_package())
    self_test(package, Watching())
    content = np.frombuffer(package.files["golden/good-1.png"], np.uint8)
    assert np.array_equal(seen[0], cv2.imdecode(content, cv2.IMREAD_COLOR))


def test_a_pinned_version_stays(store: ModelStore):
    """While it is pinned no other version is activated or rolled back to; unpinned, it changes again."""
    for version in ("1", "2"):
        store.install(signed_package(version=version))
        store.activate("pcb", version, passes)
    assert store.pin("pcb") == "2"
    with pytest.raises(PackageError, match="pinned to version 2") as refused:
        store.activate("pcb", "1", passes)
    assert "unpin" in refused.value.remedy
    with pytest.raises(PackageError, match="pinned"):
        store.rollback("pcb", passes)
    store.activate("pcb", "2", passes)
    assert [model.pinned for model in store.installed()] == [False, True]
    store.pin("pcb", pinned=False)
    assert store.rollback("pcb", passes).manifest.version == "1"


def test_a_version_that_failed_on_parts_is_rejected_until_it_is_named_again(store: ModelStore):
    """A rollback because of failures says so in the list; activating that version by name forgives it."""
    for version in ("1", "2"):
        store.install(signed_package(version=version))
        store.activate("pcb", version, passes)
    store.rollback("pcb", passes, by="station", failure="401, 3 parts in a row")
    assert (store.active_version("pcb"), store.rejected("pcb")) == ("1", ("2",))
    assert [model.rejected for model in store.installed()] == [False, True]
    store.activate("pcb", "2", passes)
    assert store.rejected("pcb") == ()


def test_a_version_is_on_probation_until_it_is_proven(store: ModelStore):
    """The first version never is: nothing is before it. A later one is until it has judged enough."""
    store.install(signed_package())
    store.activate("pcb", "1", passes)
    assert not store.on_probation("pcb")
    store.install(signed_package(version="2"))
    store.activate("pcb", "2", passes)
    assert store.on_probation("pcb")
    store.prove("pcb", "1")
    assert store.on_probation("pcb")
    store.prove("pcb", "2")
    assert not store.on_probation("pcb")


def test_the_history_says_who_changed_what_and_why(store: ModelStore, tmp_path: Path):
    """Installations, activations, rollbacks and pins are kept in order; a torn line is passed over."""
    for version in ("1", "2"):
        store.install(signed_package(version=version))
        store.activate("pcb", version, passes, by="cli")
    store.rollback("pcb", passes, by="station", failure="401")
    with (tmp_path / "models/pcb/.history.jsonl").open("a") as file:
        file.write('{"event": "act')
    told = [
        (each["event"], each["version"], each.get("by"), each.get("failure")) for each in store.history("pcb")
    ]
    assert told == [
        ("installed", "1", None, None),
        ("activated", "1", "cli", None),
        ("installed", "2", None, None),
        ("activated", "2", "cli", None),
        ("rolled_back", "1", "station", "401"),
    ]


def test_a_pointer_of_an_older_software_is_understood(store: ModelStore, tmp_path: Path):
    """What was written before pins and probation existed still says which version judges."""
    for version in ("1", "2"):
        store.install(signed_package(version=version))
    (tmp_path / "models/pcb/.active.json").write_text('{"active": "2", "previous": "1"}')
    assert store.active("pcb").manifest.version == "2"
    assert store.rollback("pcb", passes).manifest.version == "1"


def test_a_retreat_stands_until_somebody_chooses(store: ModelStore):
    """After a roll back by the station it is told as such until a version is activated by name."""
    for version in ("1", "2"):
        store.install(signed_package(version=version))
        store.activate("pcb", version, passes)
    store.rollback("pcb", passes)
    assert not store.retreated("pcb"), "a person went back"
    store.rollback("pcb", passes)
    store.rollback("pcb", passes, by="station", failure="code 401 on 3 parts")
    assert store.retreated("pcb")
    store.activate("pcb", "1", passes, by="mei")
    assert not store.retreated("pcb")
    assert store.rejected("pcb") == ("2",)
    last = store.history("pcb")[-1]
    assert (last["event"], last["version"], last["by"]) == ("accepted", "1", "mei")
