"""One server for all tests of the vision system: building its thousand nodes takes a second or two."""

from collections.abc import Iterator

import pytest

from edge_service.link import Role, Snapshot
from tests.support.opcua_bench import OpcUaBench, station_state


@pytest.fixture(scope="session")
def vision_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaBench]:
    """A server on which everybody is an engineer."""
    folder = tmp_path_factory.mktemp("opcua") / "pki"
    with OpcUaBench(folder, allow_none=True, anonymous=Role.ENGINEER, shown_results=2, results=5) as running:
        yield running


@pytest.fixture
def vision(vision_server: OpcUaBench) -> OpcUaBench:
    """The server, its station ready with recipe 1."""
    vision_server.core.asked.clear()
    vision_server.core.answers.clear()
    vision_server.core.gone = False
    signals = station_state()["signals"] | {"Station.ActiveRecipe": 1, "Station.ConfigurationChecksum": 0xABC}
    vision_server.hear(Snapshot(station_state(signals=signals)))
    return vision_server
