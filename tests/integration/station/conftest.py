"""A whole station, for tests that look at it from outside."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.process import Service, service
from tests.support.station_folder import StationFolder


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Service]:
    """Core and gateway, under ``run``."""
    folder = StationFolder(tmp_path)
    with service(folder.path, "run", "--config", "edge.yaml") as running:
        yield running
