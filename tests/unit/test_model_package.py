"""The model package: what goes in comes out, and nothing else does."""

import hashlib
import json
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_service.contract.archive import pack, unpack
from edge_service.contract.keys import load_public_key, new_signing_key
from edge_service.contract.model_package import (
    build_package,
    load_bytes,
    read_package,
    read_package_file,
    write_package,
)
from edge_service.contract.trust import Trust
from edge_service.errors import DiskFullError, PackageError, SignatureError
from tests.support.disks import FullDisk
from tests.support.tiny_model import tiny_package
from tests.support.trust import server_key, server_trust, signed_package

GOLDEN = Path(__file__).parent / "golden_packages"


def with_files(**changes: bytes | None) -> bytes:
    """Return the signed package with files replaced, added, or (None) taken out; signature as it was."""
    files: dict[str, bytes | None] = {**unpack(signed_package()), **changes}
    return pack({name: content for name, content in files.items() if content is not None})


def with_manifest(**changes: object) -> bytes:
    """Return the package with manifest fields changed and signed anew by the server."""
    files = unpack(signed_package())
    manifest = json.dumps(json.loads(files["manifest.json"]) | changes).encode()
    return pack(files | {"manifest.json": manifest, "signature": server_key().sign(manifest)})


def test_what_was_written_is_read():
    """Manifest, graph and golden images come back as they went in."""
    manifest, contents = tiny_package()
    package = read_package(build_package(manifest, contents, server_key()), server_trust())
    graph = package.graph()
    assert (graph.xml, graph.weights) == (contents["model.xml"], contents["model.bin"])
    assert (graph.height, graph.width) == (64, 64)
    assert package.manifest.threshold == manifest.threshold
    assert package.manifest.key_id == server_key().public.key_id
    assert package.files == contents


def test_the_same_inputs_give_the_same_bytes():
    """A package depends on nothing but what it is made of: no clock, no order, no machine."""
    manifest, contents = tiny_package()
    backwards = dict(reversed(contents.items()))
    assert build_package(manifest, contents, server_key()) == build_package(manifest, backwards, server_key())


def test_version_1_stays_readable():
    """A package written by format version 1 is read for ever, unknown fields and all."""
    trust = Trust.of(load_public_key(GOLDEN / "server.pub"))
    package = read_package_file(GOLDEN / "tiny-1.format-1.okng", trust)
    assert package.digest == "50a8879ac6817527cd0a42f70db6899a641049313f4fcccd47c4dd3edcc05461"
    assert package.manifest.threshold.value == 0.1
    assert package.manifest.figures == {"train_s": 1.5, "note": "标准"}
    assert package.manifest.model_extra == {"later_field": {"kept": True}}
    assert [golden.kind for golden in package.manifest.golden] == ["good", "defective"]


def test_unknown_fields_survive_writing_again():
    """What a newer writer put into a manifest of this format is still there after reading and writing."""
    package = read_package(with_manifest(added_later={"a": [1, 2]}), server_trust())
    again = read_package(build_package(package.manifest, package.files, server_key()), server_trust())
    assert again.manifest.model_extra == {"added_later": {"a": [1, 2]}}


@pytest.mark.parametrize("name", ["model.xml", "model.bin", "golden/good-1.png"])
def test_a_changed_file_is_refused(name: str):
    """One changed byte in any file is found, and the file is named."""
    content = unpack(signed_package())[name]
    changed = content[:-1] + bytes([content[-1] ^ 1])
    with pytest.raises(SignatureError, match=name):
        read_package(with_files(**{name: changed}), server_trust())


def test_a_changed_manifest_is_refused():
    """A manifest changed after signing (a kinder threshold, say) is nobody's."""
    manifest = unpack(signed_package())["manifest.json"].replace(b'"value": 0.1', b'"value": 9.9')
    with pytest.raises(SignatureError, match="does not fit"):
        read_package(with_files(**{"manifest.json": manifest}), server_trust())


def test_an_unknown_key_is_named_with_its_remedy():
    """A package signed by a stranger shows the fingerprint and how to trust it."""
    stranger = new_signing_key()
    data = build_package(*tiny_package(), stranger)
    with pytest.raises(SignatureError, match=stranger.public.key_id[:4]) as refused:
        read_package(data, server_trust())
    assert "okng-edge trust add" in refused.value.remedy


@pytest.mark.parametrize("signature", [None, b"", b"x" * 63, b"x" * 64, b"x" * 65])
def test_a_missing_or_broken_signature_is_refused(signature: bytes | None):
    """No signature, one of the wrong length and one made up are all refused."""
    with pytest.raises(SignatureError):
        read_package(with_files(signature=signature), server_trust())


def test_an_unsigned_package_needs_a_trusted_digest():
    """Unsigned is refused, unless this box trusts the very manifest by its digest."""
    data = build_package(*tiny_package(), None)
    with pytest.raises(SignatureError, match="not signed"):
        read_package(data, server_trust())
    digest = read_package(data, Trust.of(digests=[_manifest_digest(data)])).digest
    assert digest == _manifest_digest(data)


def test_trust_by_digest_still_checks_every_file():
    """A trusted manifest vouches for its files by their hashes: a changed one is refused."""
    data = build_package(*tiny_package(), None)
    files = unpack(data) | {"model.bin": b"other"}
    with pytest.raises(SignatureError, match=r"model\.bin"):
        read_package(pack(files), Trust.of(digests=[_manifest_digest(data)]))


def test_a_newer_format_says_update_the_edge():
    """A package of a format this edge does not know is refused with the way out."""
    with pytest.raises(PackageError, match="format version 2") as refused:
        read_package(with_manifest(format_version=2), server_trust())
    assert "update" in refused.value.remedy


@pytest.mark.parametrize(
    "changes",
    [
        {"format_version": 0},
        {"format_version": "new"},
        {"threshold": {"value": 0.0, "method": "given", "n": 1}},
        {"threshold": {"value": -1.0, "method": "given", "n": 1}},
        {"threshold": {"value": float("nan"), "method": "given", "n": 1}},
        {"threshold": {"value": float("inf"), "method": "given", "n": 1}},
        {"golden": []},
        {"golden": [{"file": "golden/none.png", "kind": "good", "score": 0.1, "tolerance": 0.1}]},
        {"golden": [{"file": "../../etc/passwd", "kind": "good", "score": 0.1, "tolerance": 0.1}]},
        {"name": "../pcb"},
        {"name": ".hidden"},
        {"version": "1/2"},
        {"input_size": {"height": 0, "width": 64}},
        {"files": {}},
        {"key_id": "../../key"},
    ],
)
def test_a_signed_manifest_is_still_checked(changes: dict[str, object]):
    """A signature does not make nonsense usable: every field is held to its range."""
    with pytest.raises(PackageError):
        read_package(with_manifest(**changes), server_trust())


@pytest.mark.parametrize(
    "manifest", [b"", b"{}", b"[]", b"\xff\xfe", b'{"format_version": 1', b"[" * 200_000, b"null"]
)
def test_a_manifest_that_is_none_is_refused(manifest: bytes):
    """Empty, cut, binary or absurdly nested manifests are refused in words."""
    with pytest.raises(PackageError):
        read_package(with_files(**{"manifest.json": manifest}), server_trust())


def test_missing_files_are_named():
    """A package without manifest, or without a file that the manifest names, says which."""
    with pytest.raises(PackageError, match=r"manifest\.json"):
        read_package(with_files(**{"manifest.json": None}), server_trust())
    with pytest.raises(PackageError, match=r"model\.bin"):
        read_package(with_files(**{"model.bin": None}), server_trust())


def test_a_file_nobody_signed_is_refused():
    """A file slipped into a signed package makes it a changed package."""
    with pytest.raises(SignatureError, match=r"extra\.txt"):
        read_package(with_files(**{"extra.txt": b"hello"}), server_trust())


def test_every_truncation_is_refused():
    """However short a copy broke off, it is refused as a damaged package."""
    data = signed_package()
    for length in range(0, len(data), 101):
        with pytest.raises(PackageError):
            read_package(data[:length], server_trust())


@given(place=st.integers(0, 10**6), flip=st.integers(1, 255))
@settings(max_examples=300, deadline=None)
def test_no_changed_byte_changes_the_model(place: int, flip: int):
    """A flipped byte anywhere is refused in words, or was in the zip's padding and changed nothing."""
    data = bytearray(signed_package())
    data[place % len(data)] ^= flip
    try:
        package = read_package(bytes(data), server_trust())
    except PackageError:
        return
    assert package == read_package(signed_package(), server_trust())


@given(st.binary(max_size=2000))
@settings(max_examples=200, deadline=None)
def test_noise_is_refused(data: bytes):
    """Anything that is no package is refused with a PackageError and no other exception."""
    with pytest.raises(PackageError):
        read_package(data, server_trust())


def test_a_package_file_that_is_not_there_says_so(tmp_path: Path):
    """A missing path and a folder are told apart from a damaged package."""
    with pytest.raises(PackageError, match="there is no model package"):
        load_bytes(tmp_path / "none.okng")
    with pytest.raises(PackageError, match="cannot read"):
        load_bytes(tmp_path)


def test_a_full_disk_leaves_no_package(tmp_path: Path):
    """Writing to a full disk is a DiskFullError, and nothing stands under the package's name."""
    manifest, contents = tiny_package()
    with pytest.raises(DiskFullError):
        write_package(tmp_path / "pcb-1.okng", manifest, contents, server_key(), disk=FullDisk())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["signature", "manifest.json", "../x", "/x", "a b", "golden/../../x", ""])
def test_the_writer_refuses_names_that_the_reader_would(name: str):
    """No package leaves the server that an edge would have to refuse."""
    manifest, contents = tiny_package()
    with pytest.raises(PackageError):
        build_package(manifest, {**contents, name: b""}, server_key())


def test_the_writer_refuses_an_incomplete_package():
    """Without weights or a golden image there is no package."""
    manifest, contents = tiny_package()
    for missing in ("model.bin", "golden/good-1.png"):
        with pytest.raises(PackageError, match=missing):
            build_package(manifest, {k: v for k, v in contents.items() if k != missing}, server_key())


def test_a_figure_that_is_no_number_is_written_as_null():
    """JSON knows no NaN: a diverged training's loss must not make a manifest that others cannot read."""
    manifest, contents = tiny_package()
    spoilt = manifest.model_copy(update={"figures": {"loss": float("nan")}})
    package = read_package(build_package(spoilt, contents, server_key()), server_trust())
    assert package.manifest.figures == {"loss": None}


def test_int8_is_offered_only_where_it_is():
    """The INT8 graph is loaded when the package has it, and refused in words when it has not."""
    manifest, contents = tiny_package()
    plain = read_package(build_package(manifest, contents, server_key()), server_trust())
    with pytest.raises(PackageError, match="int8"):
        plain.graph("int8")
    both = contents | {"model_int8.xml": b"<net/>", "model_int8.bin": b"1"}
    package = read_package(build_package(manifest, both, server_key()), server_trust())
    assert package.variants() == ("fp16", "int8")
    assert package.graph("int8").weights == b"1"


def test_a_manifest_is_frozen():
    """What was verified cannot be changed afterwards."""
    manifest = read_package(signed_package(), server_trust()).manifest
    with pytest.raises(ValueError, match="frozen"):
        manifest.name = "other"


def test_any_unzip_reads_it():
    """A package is an ordinary zip that people can look into."""
    with zipfile.ZipFile(BytesIO(signed_package())) as archive:
        assert archive.testzip() is None
        assert archive.namelist()[0] == "manifest.json"


def _manifest_digest(data: bytes) -> str:
    return hashlib.sha256(unpack(data)["manifest.json"]).hexdigest()
