"""The station on its table, for every test of this room."""

from pathlib import Path

import pytest

from tests.support.station_bench import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A station that does not run yet."""
    return Bench(tmp_path)
