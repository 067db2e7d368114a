"""The key that packages are signed with when there is no server: made on first use, then kept."""

import os
from dataclasses import dataclass
from pathlib import Path

from edge_service.contract.keys import SigningKey, load_or_create_signing_key

_FILE = "signing.pem"


@dataclass(frozen=True, slots=True)
class Signer:
    """A signing key, where it lies, and whether this run made it."""

    key: SigningKey
    path: Path
    made_now: bool

    @property
    def public_path(self) -> Path:
        """Where the public half lies, which an edge must learn to trust."""
        return self.path.with_name(f"{self.path.name}.pub")


def signing_key(path: Path | None) -> Signer:
    """Load the key at ``path`` (default: the user's own), or make it. Raises ConfigurationError."""
    where = path or _default_path()
    made_now = not where.exists()
    if made_now:
        where.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return Signer(load_or_create_signing_key(where), where, made_now)


def _default_path() -> Path:
    data = os.environ.get("XDG_DATA_HOME")
    home = Path(data) if data else Path.home() / ".local" / "share"
    return home / "okng" / _FILE
