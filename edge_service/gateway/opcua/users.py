"""Users of the OPC UA server: ``users.json`` in its folder, passwords only as scrypt hashes.

The file is read again when it changes, so ``okng-edge opcua user add`` counts from the next login on. An
unknown name takes as long to refuse as a wrong password.
"""

import hashlib
import hmac
import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from edge_service.durable import Disk, LocalDisk
from edge_service.errors import ConfigurationError
from edge_service.language import say
from edge_service.link import Role

_N, _R, _P, _BYTES = 2**15, 8, 1, 32  # 32 MiB and about 0.1 s on a small box
_SHORTEST = 8


@dataclass(frozen=True, slots=True)
class User:
    """A name, what it may do, and what proves it: a password's hash, certificates' SHA-256, or both."""

    name: str
    role: Role
    salt: str = ""  # hex
    password: str = ""  # hex
    certificates: tuple[str, ...] = ()  # hex


class Users:
    """The file, read when it changed."""

    def __init__(self, folder: Path, disk: Disk | None = None) -> None:
        self.path = folder / "users.json"
        self._disk = disk or LocalDisk()
        self._read_at: tuple[int, int] | None = None
        self._users: dict[str, User] = {}

    def all(self) -> list[User]:
        """Return every user. Raises ConfigurationError for a file that is none."""
        self._refresh()
        return list(self._users.values())

    def put(
        self, name: str, role: Role, *, password: str | None = None, certificate: bytes | None = None
    ) -> User:
        """Add a user or change one. Raises ConfigurationError for a password that is too short."""
        self._refresh()
        user = replace(self._users.get(name, User(name, role)), role=role)
        if password is not None:
            if len(password) < _SHORTEST:
                raise ConfigurationError(
                    say(f"the password has fewer than {_SHORTEST} characters", f"密码少于 {_SHORTEST} 个字符")
                )
            salt = os.urandom(16)
            user = replace(user, salt=salt.hex(), password=_hash(password, salt).hex())
        if certificate is not None:
            known = hashlib.sha256(certificate).hexdigest()
            user = replace(user, certificates=tuple(sorted({*user.certificates, known})))
        self._write({**self._users, name: user})
        return user

    def remove(self, name: str) -> bool:
        """Remove a user; False when there is none of that name."""
        self._refresh()
        if name not in self._users:
            return False
        self._write({key: user for key, user in self._users.items() if key != name})
        return True

    def role_by_password(self, name: str, password: str) -> Role | None:
        """Return the user's role, None for a wrong name or password. Takes about 0.1 s either way."""
        self._refresh()
        user = self._users.get(name)
        known = user is not None and bool(user.password)
        salt = bytes.fromhex(user.salt) if user and known else b"\0" * 16
        expected = bytes.fromhex(user.password) if user and known else b"\0" * _BYTES
        right = hmac.compare_digest(_hash(password, salt), expected)
        return user.role if user and known and right else None

    def by_certificate(self, certificate: bytes) -> User | None:
        """Return the user that this certificate (DER) stands for."""
        self._refresh()
        digest = hashlib.sha256(certificate).hexdigest()
        return next((user for user in self._users.values() if digest in user.certificates), None)

    def _refresh(self) -> None:
        try:
            state = self.path.stat()
        except FileNotFoundError:
            self._users, self._read_at = {}, None
            return
        stamp = (state.st_mtime_ns, state.st_ino)
        if stamp == self._read_at:
            return
        try:
            rows = json.loads(self.path.read_bytes())["users"]
            users = [
                User(**{**row, "role": Role(row["role"]), "certificates": tuple(row["certificates"])})
                for row in rows
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigurationError(
                say(f"{self.path} is not a list of users: {error!r}", f"{self.path} 不是用户列表：{error!r}"),
                remedy=say(
                    "move the file away and add the users again: okng-edge opcua user add NAME --role ROLE",
                    "请移走该文件并重新添加用户：okng-edge opcua user add NAME --role ROLE",
                ),
            ) from error
        self._users, self._read_at = {user.name: user for user in users}, stamp

    def _write(self, users: dict[str, User]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"users": [asdict(user) for user in users.values()]}, indent=1)
        self._disk.write(self.path, text.encode(), mode=0o600)
        self._users, self._read_at = users, None


def _hash(password: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=_BYTES, n=_N, r=_R, p=_P).derive(password.encode("utf-8"))
