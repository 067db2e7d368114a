"""Which version judges: install, activate, roll back, pin, retreat, and who did it."""

from pathlib import Path

import pytest

from edge_service.errors import (
    PackageError,
)
from edge_service.model_store.store import ModelStore, identity_of
from tests.support.model_stores import names, passes
from tests.support.trust import signed_package


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
