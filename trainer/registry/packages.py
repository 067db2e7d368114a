"""Model packages: verified with the edge's own reader before they are stored, found by name and version.

Only packages signed by this server's key come in, because only those will be believed by its boxes.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select

from edge_service.contract.manifest import Manifest
from edge_service.contract.messages import ModelReference
from edge_service.contract.model_package import read_package
from edge_service.contract.trust import Trust
from edge_service.errors import PackageError, SignatureError
from edge_service.language import say
from trainer.blobs import BlobFolder
from trainer.db import Database, insert_new
from trainer.db.tables import packages
from trainer.errors import Refusal, RequestError


@dataclass(frozen=True, slots=True)
class StoredPackage:
    """A package on this server; ``sha256`` is that of its file. ``job``: the one that made it."""

    sha256: str
    model: ModelReference
    size_bytes: int
    key_id: str
    manifest: Manifest
    job: int | None
    made_at: float


class Packages:
    """Stores packages and finds them."""

    def __init__(
        self, database: Database, blobs: BlobFolder, trust: Trust, clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._blobs, self._trust, self._clock = database, blobs, trust, clock

    def register(self, data: bytes, job: int | None = None) -> StoredPackage:
        """Verify and store a package; the same file again changes nothing.

        Raises RequestError: UNREADABLE (damaged, or signed by a stranger), CONFLICT (another package has
        its name and version); DiskFullError.
        """
        try:
            package = read_package(data, self._trust)
        except SignatureError as error:
            raise RequestError(Refusal.UNREADABLE, error.what, remedy=_own_key()) from error
        except PackageError as error:
            raise RequestError(Refusal.UNREADABLE, error.what, remedy=error.remedy) from error
        manifest = package.manifest
        sha256 = self._blobs.put(data)
        row = {
            "sha256": sha256,
            "name": manifest.name,
            "version": manifest.version,
            "digest": package.digest,
            "size_bytes": len(data),
            "key_id": manifest.key_id,
            "manifest": manifest.model_dump_json(),
            "job": job,
            "made_at": self._clock(),
        }
        with self._database.change() as connection:
            insert_new(connection, packages, row)
        stored = self.find(manifest.name, manifest.version)
        if stored.sha256 != sha256:
            raise RequestError(
                Refusal.CONFLICT,
                say(
                    f"another package is called {manifest.name} {manifest.version}",
                    f"已有另一个模型包名为 {manifest.name} {manifest.version}",
                ),
                remedy=say("give yours another version", "请使用其他版本号"),
            )
        return stored

    def all(self) -> list[StoredPackage]:
        """Return every package, newest first."""
        query = select(packages).order_by(packages.c.made_at.desc(), packages.c.version.desc())
        with self._database.read() as connection:
            return [_stored(row) for row in connection.execute(query)]

    def find(self, name: str, version: str = "") -> StoredPackage:
        """Return a package by name and version, the newest without one. Raises RequestError NOT_FOUND."""
        query = select(packages).where(packages.c.name == name)
        if version:
            query = query.where(packages.c.version == version)
        return self._one(query.order_by(packages.c.made_at.desc()), f"{name} {version}".strip())

    def get(self, sha256: str) -> StoredPackage:
        """Return a package by the SHA-256 of its file. Raises RequestError NOT_FOUND."""
        return self._one(select(packages).where(packages.c.sha256 == sha256), sha256[:16])

    def _one(self, query: Any, wanted: str) -> StoredPackage:
        with self._database.read() as connection:
            row = connection.execute(query.limit(1)).first()
        if row is None:
            raise RequestError(
                Refusal.NOT_FOUND,
                say(f"there is no model {wanted}", f"没有模型 {wanted}"),
                remedy=say(
                    "okng-trainer models list shows those there are",
                    "okng-trainer models list 可查看现有模型",
                ),
            )
        return _stored(row)


def _own_key() -> str:
    return say(
        "train on this server, or sign the package with its key (signing.key in trainer.yaml)",
        "请在本服务器上训练，或使用其密钥签名（trainer.yaml 中的 signing.key）",
    )


def _stored(row: Row[Any]) -> StoredPackage:
    return StoredPackage(
        sha256=row.sha256,
        model=ModelReference(name=row.name, version=row.version, digest=row.digest),
        size_bytes=row.size_bytes,
        key_id=row.key_id,
        manifest=Manifest.model_validate_json(row.manifest),
        job=row.job,
        made_at=row.made_at,
    )
