"""The models of this box: installed, active, previous.

::

    models/
      .lock
      pcb/
        .active.json                  {"active": "1.1", "previous": "1.0", ...}
        .history.jsonl                who changed what, when and why
        1.0/package.okng              exactly the bytes that were signed
        1.1/package.okng
        1.1/.choice.json              the variant that is the fastest on this box
      .incoming/SHA256.okng         fetched by the gateway, believed by nobody yet

Rules: a package is verified when it is installed and again each time it is loaded. Installing and
activating are one rename each, of a file that is whole and on the disk, so whatever dies in between, the
store is as it was before or as it is after; leavings are swept away by the next install. Only a model that
passed its self-test on this box is activated; the one before stays and is one ``rollback`` away. A version
that is pinned stays active until it is unpinned; one that was rolled back because it failed on parts is
rejected: it is activated again only by name.

::

    store = ModelStore(Path("/var/lib/okng/models"), trust_store.load)
    package = store.install(load_bytes(path))
    store.activate("pcb", package.manifest.version, examine)
    package = store.active("pcb")
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from edge_service.contract.manifest import is_model_name
from edge_service.contract.model_package import ModelPackage, load_bytes, read_package
from edge_service.contract.trust import Trust
from edge_service.domain.inspection import ModelIdentity
from edge_service.durable import Disk, LocalDisk, translated
from edge_service.errors import PackageError
from edge_service.language import say
from edge_service.model_store.choice import Choice, read_choice, write_choice
from edge_service.model_store.history import note, read

PACKAGE = "package.okng"
POINTER = ".active.json"
LOCK = ".lock"
INCOMING = ".incoming"

_SHA256 = re.compile("[0-9a-f]{64}")

Examine = Callable[[ModelPackage], object]
"""Runs a package's self-test on this box's engine; raises SelfTestError when it fails."""


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """One version in the store. ``problem``: why it cannot be used; empty when it can."""

    name: str
    version: str
    digest: str
    size_bytes: int
    active: bool
    previous: bool
    problem: str = ""
    pinned: bool = False
    rejected: bool = False


class _Pointer(BaseModel):
    """Which version of a model judges, which did before, and what is known of them."""

    active: str
    previous: str | None = None
    pinned: bool = False
    proven: bool = False  # the active one has judged enough parts
    rejected: tuple[str, ...] = ()  # failed on parts, and were rolled back
    retreated: bool = False  # the station went back by itself, and nobody has decided anything since


def incoming(root: Path, sha256: str) -> Path:
    """Return where a package with this SHA-256 waits, whole or in part, until the core has verified it."""
    if not _SHA256.fullmatch(sha256):
        raise _unknown(sha256[:80])
    return root / INCOMING / f"{sha256}.okng"


class ModelStore:
    """The folder of models. ``trust``: asked anew at every install and load."""

    def __init__(self, root: Path, trust: Callable[[], Trust], *, disk: Disk | None = None) -> None:
        self._root = root
        self._trust = trust
        self._disk = disk or LocalDisk()

    def install(self, data: bytes) -> ModelPackage:
        """Verify a package and put it in the store; the same package twice is once.

        Raises SignatureError, PackageError (also when this version is there with other content),
        DiskFullError; then the store is as it was.
        """
        package = read_package(data, self._trust())
        manifest = package.manifest
        with self._alone():
            if not self._is_there(package):
                self._disk.write(self._folder(manifest.name, manifest.version) / PACKAGE, data)
                note(self._root / manifest.name, "installed", version=manifest.version)
        return package

    def verified(self, data: bytes) -> ModelPackage:
        """Return what is in a package without keeping it. Raises SignatureError, PackageError."""
        return read_package(data, self._trust())

    def load(self, name: str, version: str) -> ModelPackage:
        """Return an installed package, verified. Raises PackageError, SignatureError."""
        path = self._folder(name, version) / PACKAGE
        if not path.exists():
            raise _unknown(f"{name} {version}")
        package = read_package(load_bytes(path), self._trust())
        if (package.manifest.name, package.manifest.version) != (name, version):
            raise _unknown(f"{name} {version}")
        return package

    def active(self, name: str) -> ModelPackage:
        """Return the package that judges ``name``, verified. Raises PackageError when none is active."""
        pointer = self._pointer(name)
        if pointer is None:
            raise _none_active(name)
        return self.load(name, pointer.active)

    def active_version(self, name: str) -> str | None:
        """Return the version that judges ``name``, None when there is none."""
        pointer = self._pointer(name)
        return pointer.active if pointer else None

    def previous_version(self, name: str) -> str | None:
        """Return the version that judged ``name`` before, None when there is none."""
        pointer = self._pointer(name)
        return pointer.previous if pointer else None

    def choice(self, name: str, version: str) -> Choice | None:
        """Return which variant was found the fastest on this box; None when nobody has measured."""
        return read_choice(self._folder(name, version))

    def record_choice(self, name: str, version: str, choice: Choice) -> None:
        """Keep which variant is the fastest, where this version is installed."""
        folder = self._folder(name, version)
        if (folder / PACKAGE).exists():
            write_choice(folder, choice, self._disk)

    def activate(self, name: str, version: str, examine: Examine, *, by: str = "") -> ModelPackage:
        """Let ``version`` judge from the next load on, if ``examine`` lets it pass. ``by``: for the history.

        Activating the version that judges already accepts it where the station ``retreated`` to it.
        Raises what ``examine`` raises (SelfTestError), PackageError (also while another version is pinned),
        DiskFullError; then nothing changed.
        """
        self._refuse_pinned(name, version)
        package = self.load(name, version)
        examine(package)
        with self._alone():
            pointer = self._pointer(name)
            if pointer is not None and pointer.active == version and pointer.retreated:
                self._point(name, pointer.model_copy(update={"retreated": False}))
                note(self._root / name, "accepted", version=version, by=by)
            if pointer is None or pointer.active != version:
                before = pointer.active if pointer else None
                rejected = tuple(each for each in (pointer.rejected if pointer else ()) if each != version)
                self._point(name, _Pointer(active=version, previous=before, rejected=rejected))
                note(self._root / name, "activated", version=version, before=before, by=by)
        return package

    def rollback(self, name: str, examine: Examine, *, by: str = "", failure: str = "") -> ModelPackage:
        """Let the version judge that did before; a second rollback undoes the first.

        ``failure``: what the version in use failed with; it is rejected then.
        """
        pointer = self._pointer(name)
        if pointer is None or pointer.previous is None:
            raise PackageError(
                say(f"there is no earlier version of model {name}", f"模型 {name} 没有更早的版本"),
                remedy=say(
                    "okng-edge model list shows what is installed", "okng-edge model list 可列出已安装模型"
                ),
            )
        self._refuse_pinned(name, pointer.previous)
        package = self.load(name, pointer.previous)
        examine(package)
        rejected = {*pointer.rejected, pointer.active} if failure else set(pointer.rejected)
        rejected.discard(pointer.previous)
        back = _Pointer(
            active=pointer.previous,
            previous=pointer.active,
            rejected=tuple(sorted(rejected)),
            retreated=bool(failure),
        )
        with self._alone():
            self._point(name, back)
            facts = {"version": back.active, "before": back.previous, "by": by, "failure": failure}
            note(self._root / name, "rolled_back", **facts)
        return package

    def pin(self, name: str, *, pinned: bool = True, by: str = "") -> str:
        """Keep the active version of ``name`` whatever comes, or let it change again; return which it is.

        Raises PackageError when none is active.
        """
        with self._alone():
            pointer = self._pointer(name)
            if pointer is None:
                raise _none_active(name)
            self._point(name, pointer.model_copy(update={"pinned": pinned}))
            note(self._root / name, "pinned" if pinned else "unpinned", version=pointer.active, by=by)
        return pointer.active

    def prove(self, name: str, version: str) -> None:
        """Note that the active version has judged enough parts to be trusted on the line."""
        with self._alone():
            pointer = self._pointer(name)
            if pointer is not None and pointer.active == version and not pointer.proven:
                self._point(name, pointer.model_copy(update={"proven": True}))

    def on_probation(self, name: str) -> bool:
        """Whether the active version is new on this line and there is one to go back to."""
        pointer = self._pointer(name)
        return pointer is not None and pointer.previous is not None and not pointer.proven

    def retreated(self, name: str) -> bool:
        """Whether the station left a failing version by itself and nobody has chosen a version since."""
        pointer = self._pointer(name)
        return pointer is not None and pointer.retreated

    def rejected(self, name: str) -> tuple[str, ...]:
        """Return the versions that failed on parts here."""
        pointer = self._pointer(name)
        return pointer.rejected if pointer else ()

    def history(self, name: str) -> list[Mapping[str, Any]]:
        """Return what happened to the models of this name, oldest first."""
        return read(self._pointer_file(name).parent)

    def stamps(self) -> tuple[tuple[str, int, int], ...]:
        """Return what changes whenever a package or a pointer does."""
        files = [*self._root.glob(f"*/*/{PACKAGE}"), *self._root.glob(f"*/{POINTER}")]
        return tuple((str(file), status.st_ino, status.st_mtime_ns) for file, status in _statuses(files))

    def installed(self) -> list[InstalledModel]:
        """Return every version in the store, verified, in order of name and version."""
        found = []
        for path in sorted(self._root.glob(f"*/*/{PACKAGE}")) if self._root.is_dir() else []:
            name, version = path.parent.parent.name, path.parent.name
            if not name.startswith("."):
                found.append(self._described(name, version, path))
        return found

    def _described(self, name: str, version: str, path: Path) -> InstalledModel:
        digest, problem, pointer = "", "", None
        try:
            pointer = self._pointer(name)
            digest = self.load(name, version).digest
        except PackageError as error:
            problem = error.what
        return InstalledModel(
            name,
            version,
            digest,
            path.stat().st_size,
            active=pointer is not None and pointer.active == version,
            previous=pointer is not None and pointer.previous == version,
            problem=problem,
            pinned=pointer is not None and pointer.pinned and pointer.active == version,
            rejected=pointer is not None and version in pointer.rejected,
        )

    def _is_there(self, package: ModelPackage) -> bool:
        """Tell whether this very package is installed; a damaged one counts as missing.

        Raises PackageError when its version is taken by another package.
        """
        try:
            present = self.load(package.manifest.name, package.manifest.version)
        except PackageError:
            return False
        if present.digest != package.digest:
            raise PackageError(
                say(
                    f"model {package.label} is installed already, with other content",
                    f"模型 {package.label} 已安装，但内容不同",
                ),
                remedy=say(
                    "give the new model a version of its own, so that results can be told apart",
                    "请为新模型指定新的版本号，以便区分结果",
                ),
            )
        return True

    def _folder(self, name: str, version: str) -> Path:
        if not (is_model_name(name) and is_model_name(version)):
            raise _unknown(f"{name} {version}")
        return self._root / name / version

    def _refuse_pinned(self, name: str, version: str) -> None:
        pointer = self._pointer(name)
        if pointer is not None and pointer.pinned and pointer.active != version:
            raise PackageError(
                say(
                    f"model {name} is pinned to version {pointer.active}",
                    f"模型 {name} 已固定为版本 {pointer.active}",
                ),
                remedy=say(
                    f"if it shall change: okng-edge model unpin {name}",
                    f"如需更换：okng-edge model unpin {name}",
                ),
            )

    def _point(self, name: str, pointer: _Pointer) -> None:
        self._disk.write(self._pointer_file(name), pointer.model_dump_json().encode())

    def _pointer_file(self, name: str) -> Path:
        if not is_model_name(name):
            raise _unknown(name)
        return self._root / name / POINTER

    def _pointer(self, name: str) -> _Pointer | None:
        path = self._pointer_file(name)
        try:
            return _Pointer.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise PackageError(
                say(f"{path} cannot be read", f"无法读取 {path}"),
                remedy=say(
                    f"delete it, then: okng-edge model activate {name} VERSION",
                    f"请删除该文件，然后执行 okng-edge model activate {name} VERSION",
                ),
            ) from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from writing to the store, and sweep away what a killed one left."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            lock = (self._root / LOCK).open("wb")
        except OSError as error:
            raise translated(error, self._root) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for leaving in (*self._root.glob("*/.*.tmp"), *self._root.glob("*/*/.*.tmp")):
                leaving.unlink(missing_ok=True)
            yield


def identity_of(package: ModelPackage) -> ModelIdentity:
    """Return who the model is, as results carry it."""
    return ModelIdentity(package.manifest.name, package.manifest.version, package.digest)


def _statuses(files: list[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for file in sorted(files):
        with suppress(FileNotFoundError):
            yield file, file.stat()


def _none_active(name: str) -> PackageError:
    return PackageError(
        say(f"no model {name} is active", f"没有已激活的模型 {name}"),
        remedy=say(
            "okng-edge model install FILE, then okng-edge model activate NAME VERSION",
            "请执行 okng-edge model install FILE，再执行 okng-edge model activate NAME VERSION",
        ),
    )


def _unknown(what: str) -> PackageError:
    return PackageError(
        say(f"model {what} is not installed", f"模型 {what} 未安装"),
        remedy=say("okng-edge model list shows what is installed", "okng-edge model list 可列出已安装模型"),
    )
