"""One real server for the tests of a file."""

from collections.abc import Iterator

import pytest

from tests.support.training_server import TrainingServer, training_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingServer]:
    """Run a server as long as this file's tests."""
    with training_server(tmp_path_factory.mktemp("server")) as running:
        yield running
