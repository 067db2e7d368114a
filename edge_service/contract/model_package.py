"""The model package ``NAME-VERSION.okng``: a signed zip that makes a bare edge able to judge one product.

::

    manifest.json                       contract.manifest.Manifest
    signature                           64 raw Ed25519 bytes over manifest.json's exact bytes
    model.xml, model.bin                OpenVINO IR, FP16; model_int8.xml/.bin where it earned its place
    golden/...                          pictures with the scores that the server computed

Theory of trust, in the order of reading: the zip is bounded (``archive``); format version and key id
come from the manifest's head; someone trusted vouches for the manifest's bytes (``trust``); only then is
the manifest believed; every file has the size and SHA-256 that it states, and no file is there that it
does not name. What comes out is a ``ModelPackage`` whose bytes are the very ones that were checked.

::

    data = build_package(manifest, {"model.xml": xml, "model.bin": weights, "golden/1.png": png}, key)
    package = read_package(data, Trust.of(key.public))
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from edge_service.contract.archive import LIMITS, pack, unpack
from edge_service.contract.keys import SigningKey
from edge_service.contract.manifest import FORMAT_VERSION, FileEntry, Manifest, is_file_name
from edge_service.contract.trust import Trust
from edge_service.durable import Disk, LocalDisk
from edge_service.errors import PackageError, SignatureError
from edge_service.language import say

MANIFEST = "manifest.json"
SIGNATURE = "signature"
SUFFIX = ".okng"
Variant = Literal["fp16", "int8"]

_STEMS: dict[Variant, str] = {"fp16": "model", "int8": "model_int8"}
_MOST_MANIFEST_BYTES = 4 << 20


@dataclass(frozen=True, slots=True)
class ModelGraph:
    """One OpenVINO IR of a package with the size of the pictures it takes."""

    xml: bytes
    weights: bytes
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A verified package. ``digest``: SHA-256 (hex) of the manifest's bytes, which names it for ever."""

    manifest: Manifest
    digest: str
    files: Mapping[str, bytes]

    def graph(self, variant: Variant = "fp16") -> ModelGraph:
        """Return the IR to load. Raises PackageError when the package has no such variant."""
        if variant not in self.variants():
            raise PackageError(
                say(
                    f"package {self.label} has no {variant} model",
                    f"模型包 {self.label} 不含 {variant} 模型",
                ),
                remedy=say("choose fp16", "请选择 fp16"),
            )
        stem, size = _STEMS[variant], self.manifest.input_size
        return ModelGraph(self.files[f"{stem}.xml"], self.files[f"{stem}.bin"], size.height, size.width)

    def variants(self) -> tuple[Variant, ...]:
        """Name the variants it holds."""
        return tuple(
            variant
            for variant, stem in _STEMS.items()
            if f"{stem}.xml" in self.files and f"{stem}.bin" in self.files
        )

    @property
    def label(self) -> str:
        """Name and version, for people."""
        return f"{self.manifest.name} {self.manifest.version}"


def build_package(manifest: Manifest, contents: Mapping[str, bytes], key: SigningKey | None) -> bytes:
    """Return the package's bytes; the same inputs give the same bytes.

    ``key`` None leaves it unsigned: only a box that trusts its digest will take it. Raises PackageError
    when the manifest and ``contents`` do not make a package that an edge can use.
    """
    for name in contents:
        if not is_file_name(name) or name in {MANIFEST, SIGNATURE}:
            raise _unusable(f"file name {name!r} is not allowed in a package")
    complete = manifest.model_copy(
        update={
            "key_id": key.public.key_id if key else "",
            "files": {name: _entry(contents[name]) for name in sorted(contents)},
        }
    )
    _check_completeness(complete)
    manifest_bytes = _document(complete)
    files = {MANIFEST: manifest_bytes}
    if key:
        files[SIGNATURE] = key.sign(manifest_bytes)
    return pack(files | {name: contents[name] for name in sorted(contents)})


def write_package(
    path: Path,
    manifest: Manifest,
    contents: Mapping[str, bytes],
    key: SigningKey | None,
    *,
    disk: Disk | None = None,
) -> None:
    """Build a package and put it at ``path``, whole or not at all. Raises PackageError, DiskFullError."""
    (disk or LocalDisk()).write(path, build_package(manifest, contents, key))


def read_package(data: bytes, trust: Trust) -> ModelPackage:
    """Verify a package's bytes. Raises SignatureError (nobody trusted, or changed), else PackageError."""
    files = unpack(data)
    signature = files.pop(SIGNATURE, None)
    manifest_bytes = files.pop(MANIFEST, None)
    if manifest_bytes is None:
        raise _unusable("it has no manifest.json")
    trust.check(manifest_bytes, signature, _head(manifest_bytes).key_id)
    manifest = _parse(manifest_bytes)
    _check_files(manifest, files)
    _check_completeness(manifest)
    return ModelPackage(manifest, hashlib.sha256(manifest_bytes).hexdigest(), files)


def read_package_file(path: Path, trust: Trust) -> ModelPackage:
    """Verify the package at ``path``. Raises like ``read_package``, and PackageError when it is missing."""
    return read_package(load_bytes(path), trust)


def load_bytes(path: Path) -> bytes:
    """Read a package file, never more than a package may hold. Raises PackageError."""
    try:
        if path.stat().st_size > LIMITS.total_bytes:
            raise _unusable(f"{path} is larger than {LIMITS.total_bytes} bytes")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PackageError(
            say(f"there is no model package {path}", f"没有模型包 {path}"),
            remedy=say("check the path; a package ends in .okng", "请检查路径；模型包以 .okng 结尾"),
        ) from error
    except OSError as error:
        raise PackageError(
            say(f"cannot read {path}: {error.strerror}", f"无法读取 {path}：{error.strerror}"),
            remedy=say("check whose file it is, and the disk", "请检查文件属主和磁盘"),
        ) from error


class _Head(BaseModel):
    """What is read of a manifest before it is trusted."""

    format_version: int
    key_id: str = ""


def _head(manifest_bytes: bytes) -> _Head:
    if len(manifest_bytes) > _MOST_MANIFEST_BYTES:
        raise _unusable(f"its manifest is larger than {_MOST_MANIFEST_BYTES} bytes")
    try:
        head = _Head.model_validate_json(manifest_bytes)
    except ValidationError as error:
        raise _unusable(f"its manifest cannot be read: {_first(error)}") from error
    if head.format_version > FORMAT_VERSION:
        raise PackageError(
            say(
                f"the package has format version {head.format_version}; this edge reads {FORMAT_VERSION}",
                f"模型包格式版本为 {head.format_version}，本机可读版本为 {FORMAT_VERSION}",
            ),
            remedy=say(
                "update the edge software, or export the model for this edge",
                "请升级边缘软件，或为本机重新导出模型",
            ),
        )
    return head


def _parse(manifest_bytes: bytes) -> Manifest:
    try:
        return Manifest.model_validate_json(manifest_bytes)
    except ValidationError as error:
        raise _unusable(f"its manifest is not valid: {_first(error)}") from error


def _check_files(manifest: Manifest, files: Mapping[str, bytes]) -> None:
    """Hold what is there against what the manifest says is there."""
    if extra := sorted(files.keys() - manifest.files.keys()):
        raise SignatureError(
            say(f"the package holds a file nobody signed: {extra[0]}", f"模型包含有未签名的文件：{extra[0]}"),
            remedy=_fetch_again(),
        )
    if missing := sorted(manifest.files.keys() - files.keys()):
        raise _unusable(f"{missing[0]} is missing from it")
    for name, entry in manifest.files.items():
        if _entry(files[name]) != FileEntry(size=entry.size, sha256=entry.sha256):
            raise SignatureError(
                say(f"{name} in the package was changed after signing", f"模型包中的 {name} 在签名后被修改"),
                remedy=_fetch_again(),
            )


def _check_completeness(manifest: Manifest) -> None:
    """See that everything an edge needs is named."""
    needed = ["model.xml", "model.bin", *(golden.file for golden in manifest.golden)]
    for name in needed:
        if name not in manifest.files:
            raise _unusable(f"{name} is missing from it")


def _document(manifest: Manifest) -> bytes:
    """Return the manifest as people can read it, one way only; a number that is not finite becomes null."""
    fields = manifest.model_dump(mode="json")
    return f"{json.dumps(fields, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)}\n".encode()


def _entry(content: bytes) -> FileEntry:
    return FileEntry(size=len(content), sha256=hashlib.sha256(content).hexdigest())


def _first(error: ValidationError) -> str:
    """Return the first complaint: where, and what."""
    complaint = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in complaint["loc"])
    return f"{where}: {complaint['msg']}" if where else complaint["msg"]


def _fetch_again() -> str:
    return say("fetch it again from the training server", "请从训练服务器重新获取")


def _unusable(reason: str) -> PackageError:
    return PackageError(
        say(f"the model package cannot be used: {reason}", f"模型包无法使用：{reason}"),
        remedy=say(
            "fetch it again from the training server, or export it anew",
            "请从训练服务器重新获取，或重新导出",
        ),
    )
