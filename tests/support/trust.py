"""One signing key for tests, made once a run, and the trust that goes with it."""

from functools import cache

from edge_service.contract.keys import SigningKey, new_signing_key
from edge_service.contract.model_package import build_package
from edge_service.contract.trust import Trust
from tests.support.tiny_model import tiny_package


@cache
def server_key() -> SigningKey:
    """Return the key that signs every package of this run."""
    return new_signing_key()


def server_trust() -> Trust:
    """Return the trust of a box that knows the server."""
    return Trust.of(server_key().public)


@cache
def signed_package(name: str = "pcb", version: str = "1", *, golden_score: float = 0.0) -> bytes:
    """Return a tiny package signed by the server; ``golden_score`` other than 0 fails the self-test."""
    return build_package(*tiny_package(name, version, golden_score=golden_score), server_key())
