"""Whom this box believes: public keys that may sign model packages, and single packages known by digest.

``TrustStore`` is a folder of public key files, ``<key id>.pem`` each; ``load`` turns it into the plain
value ``Trust`` that the package reader asks.

::

    store = TrustStore(Path("/var/lib/okng/trust"))
    store.add(load_public_key(Path("server.pub")))
    read_package(data, store.load())
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from edge_service.contract.keys import PublicKey, fingerprint, load_public_key
from edge_service.durable import Disk, LocalDisk
from edge_service.errors import ConfigurationError, SignatureError
from edge_service.language import say

_KEY_ID = re.compile(r"[0-9a-f]{64}")
_REVOKED = ".revoked"


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys by id, and the manifest digests (SHA-256, hex) that need no signature."""

    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    digests: frozenset[str] = frozenset()
    revoked: frozenset[str] = frozenset()

    @classmethod
    def of(cls, *keys: PublicKey, digests: Iterable[str] = ()) -> "Trust":
        """Trust these keys and these manifests."""
        return cls({key.key_id: key for key in keys}, frozenset(digests))

    def check(self, manifest: bytes, signature: bytes | None, key_id: str) -> None:
        """Return when someone trusted vouches for ``manifest``'s bytes, else raise SignatureError."""
        if hashlib.sha256(manifest).hexdigest() in self.digests:
            return
        if not key_id or signature is None:
            raise SignatureError(
                say("the package is not signed", "模型包没有签名"),
                remedy=say(
                    "install packages made by your training server; it signs every one of them",
                    "请安装由训练服务器生成的模型包，它会为每个包签名",
                ),
            )
        if key_id in self.revoked:
            raise SignatureError(
                say(
                    f"the package is signed by a key that was revoked on this box: {fingerprint(key_id)}",
                    f"模型包由本机已吊销的密钥签名：{fingerprint(key_id)}",
                ),
                remedy=say(
                    "install a package that the server signed with its new key",
                    "请安装由服务器新密钥签名的模型包",
                ),
            )
        key = self.keys.get(key_id)
        if key is None:
            raise SignatureError(
                say(
                    f"the package is signed by a key this box does not know: {fingerprint(key_id)}",
                    f"模型包由本机未知的密钥签名：{fingerprint(key_id)}",
                ),
                remedy=say(
                    "compare it with the fingerprint that the training server shows; if they are the same: "
                    "okng-edge trust add FILE (its public key file)",
                    "请与训练服务器显示的指纹核对；若一致，请执行 okng-edge trust add FILE（公钥文件）",
                ),
            )
        key.verify(signature, manifest)


class TrustStore:
    """The folder of trusted public keys. ``digests``: manifests trusted as they are (the ready model)."""

    def __init__(self, folder: Path, *, digests: Iterable[str] = (), disk: Disk | None = None) -> None:
        self._folder = folder
        self._digests = frozenset(digests)
        self._disk = disk or LocalDisk()

    def add(self, key: PublicKey) -> None:
        """Trust a key from now on; twice is once. Raises ConfigurationError, DiskFullError."""
        self._disk.write(self._folder / f"{key.key_id}.pem", key.pem())

    def revoke(self, key_id: str) -> None:
        """Never again believe a key, whoever adds it; what it signed does not load any more.

        ``key_id``: 64 hex digits. Raises ConfigurationError for anything else, DiskFullError.
        """
        if not _KEY_ID.fullmatch(key_id):
            raise ConfigurationError(
                say(f"{key_id[:80]} is no key id", f"{key_id[:80]} 不是密钥标识"),
                remedy=say(
                    "okng-edge trust list --json shows the ids", "okng-edge trust list --json 可列出标识"
                ),
            )
        self._disk.write(self._folder / f"{key_id}{_REVOKED}", b"")

    def revoked(self) -> frozenset[str]:
        """Return the ids of the keys that are never believed."""
        files = self._folder.glob(f"*{_REVOKED}") if self._folder.is_dir() else ()
        return frozenset(file.name.removesuffix(_REVOKED) for file in files)

    def trusted(self) -> list[PublicKey]:
        """Return every trusted key, in order of id. Raises ConfigurationError for a file that is no key."""
        files = sorted(self._folder.glob("[0-9a-f]*.pem")) if self._folder.is_dir() else []
        revoked = self.revoked()
        return [load_public_key(file) for file in files if file.stem not in revoked]

    def load(self) -> Trust:
        """Return what is trusted right now."""
        trust = Trust.of(*self.trusted(), digests=self._digests)
        return replace(trust, revoked=self.revoked())
