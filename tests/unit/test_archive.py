"""The zip of a package is refused before it can hurt."""

import stat
import zipfile
from io import BytesIO

import pytest

from edge_service.contract.archive import Limits, pack, unpack
from edge_service.errors import PackageError


def zipped(*entries: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a zip as an attacker would write it: nothing is checked."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return buffer.getvalue()


def test_what_was_packed_is_unpacked():
    """Names, contents and order survive; deflated entries are read as well."""
    files = {"b.txt": b"2", "a/c.bin": bytes(range(256)), "empty": b""}
    assert unpack(pack(files)) == files
    assert list(unpack(pack(files))) == ["b.txt", "a/c.bin", "empty"]
    assert unpack(zipped(("a", b"x" * 999), method=zipfile.ZIP_DEFLATED)) == {"a": b"x" * 999}


@pytest.mark.parametrize(
    "name",
    [
        "../up",
        "/etc/passwd",
        "a/../../b",
        "C:\\x",
        "a\\b",
        ".hidden",
        "a//b",
        "a/",
        "./a",
        "a\nb",
        "猫",
        "a/b/c/d",
    ],
)
def test_names_that_leave_the_folder_or_confuse_are_refused(name: str):
    """No path upwards, no absolute path, no folder, no hidden file, no odd character."""
    with pytest.raises(PackageError, match="not allowed"):
        unpack(zipped((name, b"x")))


def test_a_name_cut_by_a_zero_byte_is_refused():
    """A name that a reader would see differently from what is in the zip is refused."""
    data = zipped(("good.txtXevil", b"x")).replace(b"good.txtXevil", b"good.txt\0evil")
    with pytest.raises(PackageError, match="not allowed"):
        unpack(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "A")])
def test_one_name_twice_is_refused(names: tuple[str, str]):
    """Two entries of one name, also by another case, could be checked once and used differently."""
    with pytest.raises(PackageError, match="twice"):
        unpack(zipped(*((name, b"x") for name in names)))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFDIR, stat.S_IFCHR, stat.S_IFIFO])
def test_only_regular_files_are_taken(kind: int):
    """A symbolic link, folder, device or pipe has no business in a package."""
    entry = zipfile.ZipInfo("model.bin")
    entry.external_attr = (kind | 0o777) << 16
    with pytest.raises(PackageError, match="regular"):
        unpack(zipped((entry, b"/etc/passwd")))


def test_a_zip_bomb_is_refused_unopened():
    """A small file that claims to unpack to a huge one is refused by its table of contents."""
    bomb = zipped(("model.bin", bytes(20_000_000)), method=zipfile.ZIP_DEFLATED)
    assert len(bomb) < 100_000
    with pytest.raises(PackageError, match="claims to unpack"):
        unpack(bomb)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(total_bytes=29), "unpacks to more than 29"),
        (Limits(file_bytes=9), "unpacks to more than 9"),
        (Limits(files=2), "3 files"),
    ],
)
def test_size_and_number_are_bounded(limits: Limits, reason: str):
    """Total size, size of a file and number of files each have a limit, which the message names."""
    with pytest.raises(PackageError, match=reason):
        unpack(pack({name: bytes(10) for name in "abc"}), limits)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(method: int):
    """Only stored and deflated: one decompressor to trust."""
    with pytest.raises(PackageError, match="compressed by method"):
        unpack(zipped(("a", b"x" * 100), method=method))


def test_an_encrypted_entry_is_refused():
    """An entry with the encryption bit set is refused in words."""
    data = bytearray(zipped(("a", b"x")))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(PackageError, match="encrypted"):
        unpack(bytes(data))


def test_overlapping_entries_are_refused():
    """Two entries that share their bytes unpack to more than there is: refused."""
    one = zipped(("a", b"x" * 1000), ("b", b"y"))
    central = one.index(b"PK\x01\x02")
    second = one.index(b"PK\x01\x02", central + 1)
    data = bytearray(one)
    data[second + 20 : second + 24] = (5000).to_bytes(4, "little")
    with pytest.raises(PackageError, match="overlap"):
        unpack(bytes(data))


@pytest.mark.parametrize("data", [b"", b"PK", b"no zip at all", b"PK\x05\x06" + bytes(17)])
def test_what_is_no_zip_is_damaged(data: bytes):
    """An empty or foreign file is a damaged package, with the remedy to copy it again."""
    with pytest.raises(PackageError, match="damaged") as refused:
        unpack(data)
    assert "copy it again" in refused.value.remedy
