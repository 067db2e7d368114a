"""A zip that can be trusted not to hurt: bounded, flat, regular files only.

Writing is deterministic: the same files give the same bytes. Entries are stored, not deflated (FP16
weights do not shrink), all dated 1980-01-01. Reading accepts stored and deflated entries and
refuses, before a byte of content is unpacked: too many or too large files, entries that claim to
shrink more than weights or pictures can, names that leave the folder or occur twice, links, encryption.
"""

import io
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from edge_service.contract.manifest import is_file_name
from edge_service.errors import PackageError
from edge_service.language import say

_DATE = (1980, 1, 1, 0, 0, 0)
_REGULAR = stat.S_IFREG | 0o644
_ENCRYPTED = 0x1
_UNIX = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an archive may unpack to. ``ratio`` holds for files above ``small_bytes``."""

    total_bytes: int = 1 << 30
    file_bytes: int = 512 << 20
    files: int = 256
    ratio: int = 100
    small_bytes: int = 1 << 20


LIMITS = Limits()


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of ``files``, in the order given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system = _UNIX
            entry.external_attr = _REGULAR << 16
            archive.writestr(entry, content)
    return buffer.getvalue()


def unpack(data: bytes, limits: Limits = LIMITS) -> dict[str, bytes]:
    """Return every file in the zip. Raises PackageError, always with a reason a person can read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _inspect(entries, len(data), limits)
            return {entry.filename: archive.read(entry) for entry in entries}
    except zipfile.BadZipFile as error:
        raise _broken(str(error)) from error
    except (
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        OverflowError,
        NotImplementedError,
        RuntimeError,
    ) as error:
        raise _broken(str(error)) from error


def _inspect(entries: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    """Look at the table of contents alone."""
    if len(entries) > limits.files:
        raise _refused(f"{len(entries)} files, {limits.files} are allowed")
    names = [entry.orig_filename for entry in entries]
    if len({name.casefold() for name in names}) != len(names):
        raise _refused("the same file name occurs twice")
    if sum(entry.file_size for entry in entries) > limits.total_bytes:
        raise _refused(f"it unpacks to more than {limits.total_bytes} bytes")
    if sum(entry.compress_size for entry in entries) > size:
        raise _refused("its files overlap")
    for entry in entries:
        _inspect_entry(entry, limits)


def _inspect_entry(entry: zipfile.ZipInfo, limits: Limits) -> None:
    name = entry.orig_filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if not is_file_name(name) or name != entry.filename:
        raise _refused(f"file name {name[:80]!r} is not allowed")
    if kind not in {0, stat.S_IFREG}:
        raise _refused(f"{name} is not a regular file")
    if entry.flag_bits & _ENCRYPTED:
        raise _refused(f"{name} is encrypted")
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise _refused(f"{name} is compressed by method {entry.compress_type}")
    if entry.file_size > limits.file_bytes:
        raise _refused(f"{name} unpacks to more than {limits.file_bytes} bytes")
    if entry.file_size > max(limits.small_bytes, limits.ratio * entry.compress_size):
        raise _refused(f"{name} claims to unpack to {entry.file_size} bytes from {entry.compress_size}")


def _broken(reason: str) -> PackageError:
    return PackageError(
        say(f"the package is damaged or cut short ({reason})", f"模型包已损坏或不完整（{reason}）"),
        remedy=say(
            "copy it again from the training server and compare its size with the original",
            "请从训练服务器重新复制，并与原文件核对大小",
        ),
    )


def _refused(reason: str) -> PackageError:
    return PackageError(
        say(f"the package is refused: {reason}", f"拒绝该模型包：{reason}"),
        remedy=say(
            "this was not written by okng-trainer: fetch the package from your training server",
            "该文件不是由 okng-trainer 生成：请从训练服务器获取模型包",
        ),
    )
