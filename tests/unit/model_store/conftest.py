"""A store for every test of this room."""

from pathlib import Path

import pytest

from edge_service.model_store.store import ModelStore
from tests.support.trust import server_trust


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    """An empty store that trusts the server."""
    return ModelStore(tmp_path / "models", server_trust)
