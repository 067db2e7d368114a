"""Ed25519 keys (RFC 8032): the server signs model packages, an edge knows the public half.

A key's id is the SHA-256 of its 32 raw public bytes, in hex; people compare it in groups of four
(``fingerprint``). Private keys are unencrypted PKCS #8 PEM, readable by their owner alone; public
keys are SubjectPublicKeyInfo PEM.

::

    key = load_or_create_signing_key(Path("keys/signing.pem"))
    signature = key.sign(b"...")
    key.public.verify(signature, b"...")
"""

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from edge_service.durable import LocalDisk, sync_folder
from edge_service.errors import ConfigurationError, SignatureError
from edge_service.language import say

SIGNATURE_BYTES = 64
_MOST_KEY_BYTES = 16 * 1024
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class PublicKey:
    """Tells whether the owner of the private half signed something. ``raw``: the 32 public bytes."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """SHA-256 of the raw key, 64 hex digits."""
        return hashlib.sha256(self.raw).hexdigest()

    def verify(self, signature: bytes, data: bytes) -> None:
        """Return when ``signature`` (64 bytes) is this key's over ``data``; raise SignatureError when not."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, data)
        except InvalidSignature as error:
            raise SignatureError(
                say("the signature does not fit the content", "签名与内容不符"),
                remedy=say(
                    "the file was changed after signing: fetch it again from the training server",
                    "文件在签名后被修改：请从训练服务器重新获取",
                ),
            ) from error

    def pem(self) -> bytes:
        """Return the public key file."""
        return Ed25519PublicKey.from_public_bytes(self.raw).public_bytes(
            Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
        )


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """The private half. Never printed."""

    private: Ed25519PrivateKey

    @property
    def public(self) -> PublicKey:
        """The half that edges know."""
        return PublicKey(self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))

    def sign(self, data: bytes) -> bytes:
        """Return the 64 raw bytes of the signature over ``data``; the same data gives the same bytes."""
        return self.private.sign(data)

    def pem(self) -> bytes:
        """Return the private key file: to be written with mode 0600 only."""
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def new_signing_key() -> SigningKey:
    """Make a key from the operating system's randomness."""
    return SigningKey(Ed25519PrivateKey.generate())


def fingerprint(key_id: str) -> str:
    """Group a key id for people: ``1a2b 3c4d ...``."""
    return " ".join(key_id[i : i + 4] for i in range(0, len(key_id), 4))


def parse_public_key(pem: bytes, *, source: str = "") -> PublicKey:
    """Read a public key file. Raises ConfigurationError when it is none, or not an Ed25519 key."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(source) from error
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(source)
    return PublicKey(key.public_bytes(Encoding.Raw, PublicFormat.Raw))


def load_public_key(path: Path) -> PublicKey:
    """Read the public key file at ``path``. Raises ConfigurationError: missing, or no Ed25519 key."""
    try:
        pem = path.read_bytes()[:_MOST_KEY_BYTES]
    except OSError as error:
        raise _unreadable(path, error) from error
    return parse_public_key(pem, source=str(path))


def load_signing_key(path: Path) -> SigningKey:
    """Read a private key file. Raises ConfigurationError: missing, readable by others, no Ed25519 key."""
    try:
        if path.stat().st_mode & _OTHERS:
            raise ConfigurationError(
                say(f"private key {path} can be read by others", f"私钥 {path} 可被其他用户读取"),
                remedy=f"chmod 600 {path}",
            )
        key = load_pem_private_key(path.read_bytes()[:_MOST_KEY_BYTES], password=None)
    except OSError as error:
        raise ConfigurationError(
            say(
                f"cannot read private key {path}: {error.strerror}", f"无法读取私钥 {path}：{error.strerror}"
            ),
            remedy=say("check the path and whose file it is", "请检查路径和文件属主"),
        ) from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _no_key(str(path)) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(str(path))
    return SigningKey(key)


def load_or_create_signing_key(path: Path) -> SigningKey:
    """Return the key at ``path``; where there is none, make one, with its public half beside it (``.pub``).

    Two processes that start together end up with the same key: only one can give the file its name.
    """
    if not path.exists():
        key = new_signing_key()
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        LocalDisk().write(temporary, key.pem(), mode=0o600)
        try:
            os.link(temporary, path)
            sync_folder(path.parent)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
    key = load_signing_key(path)
    public = path.with_name(f"{path.name}.pub")
    if not public.exists():
        LocalDisk().write(public, key.public.pem())
    return key


def _unreadable(path: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        say(f"cannot read key {path}: {error.strerror}", f"无法读取密钥 {path}：{error.strerror}"),
        remedy=say("check the path and whose file it is", "请检查路径和文件属主"),
    )


def _no_key(source: str) -> ConfigurationError:
    where = source or say("this file", "该文件")
    return ConfigurationError(
        say(f"{where} holds no Ed25519 key in PEM form", f"{where} 不含 PEM 格式的 Ed25519 密钥"),
        remedy=say(
            "use the public key file that the training server shows (-----BEGIN PUBLIC KEY-----)",
            "请使用训练服务器提供的公钥文件（-----BEGIN PUBLIC KEY-----）",
        ),
    )
