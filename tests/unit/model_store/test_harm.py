"""What is left when a disk is full, a file is damaged, a name lies or a process is killed."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edge_service.contract.keys import new_signing_key
from edge_service.contract.model_package import build_package
from edge_service.contract.trust import Trust
from edge_service.errors import (
    ConfigurationError,
    DiskFullError,
    PackageError,
    SignatureError,
)
from edge_service.model_store.store import ModelStore
from tests.support.disks import FullDisk
from tests.support.killed_store import CHOICE
from tests.support.model_stores import names, passes
from tests.support.tiny_model import tiny_package
from tests.support.trust import server_key, server_trust, signed_package


def test_a_stranger_s_package_is_not_installed(store: ModelStore, tmp_path: Path):
    """What nobody trusted signed does not reach the store."""
    with pytest.raises(SignatureError):
        store.install(build_package(*tiny_package(), new_signing_key()))
    assert names(tmp_path) == []


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


def test_a_pointer_of_an_older_software_is_understood(store: ModelStore, tmp_path: Path):
    """What was written before pins and probation existed still says which version judges."""
    for version in ("1", "2"):
        store.install(signed_package(version=version))
    (tmp_path / "models/pcb/.active.json").write_text('{"active": "2", "previous": "1"}')
    assert store.active("pcb").manifest.version == "2"
    assert store.rollback("pcb", passes).manifest.version == "1"
