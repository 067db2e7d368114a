"""A station folder that is enrolled at a server, with short waits, and waiting for what servers see."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from edge_service.contract.trust import TrustStore
from edge_service.enrolment import Enrolment, EnrolmentFile
from tests.support.fake_server import FakeServer
from tests.support.process import ROOT
from tests.support.station_folder import StationFolder

WAIT_S = 60.0


class EnrolledFolder(StationFolder):
    """``server``'s key signs the model on it, and is trusted."""

    def __init__(self, path: Path, server: FakeServer, *, model: bool = True) -> None:
        super().__init__(path, model=False)
        self.key = server.key
        TrustStore(path / "data" / "trust").add(self.key.public)
        if model:
            self.install("1", activate=True)
        self.tree["uplink"] = {
            "timeout_s": 1.0,
            "health_s": 0.2,
            "models_s": 0.2,
            "retry_most_s": 0.5,
        }
        self.tree["outbox"] = {"images": {"spot_check_every": 2}}
        self.tree["gateway"]["opcua"] = {"enabled": False}
        self.write()
        self.enrol(server.url, server.token)

    def enrol(self, url: str, token: str) -> None:
        """Write the enrolment as the command line does."""
        EnrolmentFile(self.path / "data" / "server.json").write(
            Enrolment(url=url, token=token, station="line-1", key_id=self.key.public.key_id)
        )


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another process brings about."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - another process brings it about
            await asyncio.sleep(0.02)


def okng_edge(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``okng-edge`` to its end in ``folder``."""
    return subprocess.run(
        [sys.executable, "-m", "edge_service", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "OKNG_LANG": "en", "PATH": "/usr/bin:/bin", "HOME": str(folder)},
        timeout=WAIT_S,
        check=False,
    )
