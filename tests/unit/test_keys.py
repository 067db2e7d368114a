"""Keys and trust: who may sign for this box."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from edge_service.contract.keys import (
    SigningKey,
    fingerprint,
    load_or_create_signing_key,
    load_public_key,
    load_signing_key,
    new_signing_key,
    parse_public_key,
)
from edge_service.contract.trust import TrustStore
from edge_service.errors import ConfigurationError, SignatureError

# RFC 8032, section 7.1, test 2
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)


def test_signatures_are_those_of_the_specification():
    """Public key and signature equal the published test vector, so any Ed25519 tool can check them."""
    key = SigningKey(Ed25519PrivateKey.from_private_bytes(SEED))
    assert key.public.raw == PUBLIC
    assert key.sign(b"\x72") == SIGNATURE
    key.public.verify(SIGNATURE, b"\x72")
    with pytest.raises(SignatureError):
        key.public.verify(SIGNATURE, b"\x73")


def test_a_private_key_is_for_its_owner_alone(tmp_path: Path):
    """The key file is made with mode 0600, its public half beside it; a second start finds the same key."""
    path = tmp_path / "keys" / "signing.pem"
    key = load_or_create_signing_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_create_signing_key(path).public == key.public
    assert load_public_key(tmp_path / "keys" / "signing.pem.pub") == key.public
    assert sorted(file.name for file in path.parent.iterdir()) == ["signing.pem", "signing.pem.pub"]


def test_two_that_start_together_get_one_key(tmp_path: Path):
    """However many processes make the key at once, all go on with the same one."""
    path = tmp_path / "signing.pem"
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: load_or_create_signing_key(path).public, range(8)))
    assert len(set(keys)) == 1


def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path):
    """A key with loose permissions may have been copied: refused, with the command that mends it."""
    path = tmp_path / "signing.pem"
    load_or_create_signing_key(path)
    path.chmod(0o644)
    with pytest.raises(ConfigurationError) as refused:
        load_signing_key(path)
    assert refused.value.remedy == f"chmod 600 {path}"


def test_a_private_key_is_never_shown():
    """Neither repr nor str of a key gives it away."""
    key = new_signing_key()
    secret = key.private.private_bytes_raw().hex()
    assert secret not in repr(key)
    assert secret not in str(key)


def _pem_files() -> dict[str, bytes]:
    rsa = generate_private_key(65537, 2048)
    return {
        "empty": b"",
        "noise": os.urandom(100),
        "rsa": rsa.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "private": rsa.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "cut": new_signing_key().public.pem()[:60],
    }


@pytest.mark.parametrize(("kind", "pem"), _pem_files().items())
def test_a_public_key_file_that_is_none_is_refused(kind: str, pem: bytes):
    """Empty, cut or foreign files and keys of another kind are refused in words."""
    with pytest.raises(ConfigurationError, match="no Ed25519 key"):
        parse_public_key(pem, source=kind)


def test_a_private_key_file_that_is_none_is_refused(tmp_path: Path):
    """A missing file, noise, and a public key where the private one should be are told."""
    path = tmp_path / "signing.pem"
    with pytest.raises(ConfigurationError, match="cannot read"):
        load_signing_key(path)
    for content in (b"noise", new_signing_key().public.pem()):
        path.write_bytes(content)
        path.chmod(0o600)
        with pytest.raises(ConfigurationError, match="no Ed25519 key"):
            load_signing_key(path)


def test_a_fingerprint_is_grouped_for_the_eye():
    """Sixteen groups of four digits."""
    key_id = new_signing_key().public.key_id
    assert fingerprint(key_id).split(" ") == [key_id[i : i + 4] for i in range(0, 64, 4)]


def test_the_trust_folder_keeps_keys(tmp_path: Path):
    """Keys added are trusted by the next load, twice is once, and none are trusted where no folder is."""
    store = TrustStore(tmp_path / "trust", digests=["ab"])
    assert store.load().keys == {}
    keys = [new_signing_key().public for _ in range(2)]
    for key in (*keys, keys[0]):
        store.add(key)
    assert store.load().keys == {key.key_id: key for key in keys}
    assert store.load().digests == frozenset({"ab"})


def test_a_broken_file_in_the_trust_folder_is_named(tmp_path: Path):
    """A damaged key file is an error that names it, not a key silently forgotten."""
    store = TrustStore(tmp_path)
    store.add(new_signing_key().public)
    broken = next(tmp_path.iterdir())
    broken.write_bytes(b"")
    with pytest.raises(ConfigurationError, match=broken.name):
        store.load()
