"""The status page in a real browser, in both languages."""

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_service.simulation.plc import SimulatedPlc
from tests.support.process import Service

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def read_page(tmp_path: Path, require_program: Callable[[str], str]) -> Callable[[str], str]:
    """Return a function that gives what a browser has made of a page after a few seconds."""
    browser = require_program("chromium")
    options = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'browser'}")

    def read(url: str) -> str:
        command = [browser, *options, "--virtual-time-budget=4000", "--dump-dom", url]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout

    return read


async def test_people_read_verdict_and_what_to_do(station: Service, read_page: Callable[[str], str]) -> None:
    """The last verdict with its serial, why no trigger would be taken, and a warning with its remedy."""
    address, where = station.line("gateway http="), station.ready()
    async with SimulatedPlc(*where, mode="sequence") as plc:
        await plc.inspect(serial=b"ONE")
        await plc.inspect(serial=b"TWO")
    english = await asyncio.to_thread(read_page, f"http://{address}/?lang=en")
    for words in (">NG<", ">TWO<", "TriggerEnable is 0.", "Write TriggerEnable 1 first."):
        assert words in english, words
    chinese = await asyncio.to_thread(read_page, f"http://{address}/?lang=zh")
    for words in (">NG<", "先写 TriggerEnable 1。", "热力图"):
        assert words in chinese, words
    assert station.stop() == 0
