"""The ready models that ``okng-edge run --sim`` judges with, and why they may: their digests.

They carry no signature, for no private key lies in the repository; a station whose camera is
simulated trusts exactly these manifests, by SHA-256.
"""

import json
from importlib.resources import files
from importlib.resources.abc import Traversable

_FOLDER = "ready_model"
_DIGESTS = "digests.json"


def ready_packages() -> dict[str, bytes]:
    """Return file name -> bytes of every ready model package."""
    return {each.name: each.read_bytes() for each in _folder().iterdir() if each.name.endswith(".okng")}


def ready_digests() -> tuple[str, ...]:
    """Return the manifests' SHA-256 digests (hex) of the ready models."""
    path = _folder() / _DIGESTS
    return tuple(json.loads(path.read_text())) if path.is_file() else ()


def _folder() -> Traversable:
    return files("edge_service.simulation") / _FOLDER
