"""Whom this box believes: public keys that may sign model packages, and single packages known by digest.

``TrustStore`` is a folder of public key files, ``<key id>.pem`` each; ``load`` turns it into the plain
value ``Trust`` that the package reader asks.

::

    store = TrustStore(Path("/var/lib/okng/trust"))
    store.add(load_public_key(Path("server.pub")))
    read_package(data, store.load())
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from edge_service.contract.keys import PublicKey, fingerprint, load_public_key
from edge_service.durable import Disk, LocalDisk
from edge_service.errors import SignatureError
from edge_service.language import say


@dataclass(frozen=True, slots=True)
class Trust:
    """Keys by id, and the manifest digests (SHA-256, hex) that need no signature."""

    keys: Mapping[str, PublicKey] = field(default_factory=dict)
    digests: frozenset[str] = frozenset()

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

    def trusted(self) -> list[PublicKey]:
        """Return every trusted key, in order of id. Raises ConfigurationError for a file that is no key."""
        files = sorted(self._folder.glob("[0-9a-f]*.pem")) if self._folder.is_dir() else []
        return [load_public_key(file) for file in files]

    def load(self) -> Trust:
        """Return what is trusted right now."""
        return Trust.of(*self.trusted(), digests=self._digests)
