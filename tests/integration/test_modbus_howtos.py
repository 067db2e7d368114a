"""The how-tos on Modbus do what they say: commands run, the table is computed, configurations load."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_service.config import parse
from edge_service.fieldbus.channel import Access
from edge_service.fieldbus.memory import Memory
from edge_service.fieldbus.modbus_rtu import ModbusRtuSettings
from edge_service.fieldbus.modbus_server import ModbusTcpServer, ModbusTcpSettings
from edge_service.fieldbus.tls import TlsSettings
from tests.support.certificates import Pair, trusting
from tests.support.machine_station import MachineStation
from tests.support.modbus_raw import read, write
from tests.support.modbus_tls import TlsMaster

DOCS = Path(__file__).parents[2] / "docs" / "how-to"


def block(page: str, kind: str) -> str:
    """Return the first block of that kind on a page."""
    found = re.search(rf"^```{kind}\n(.*?)^```$", (DOCS / page).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


@pytest.fixture
def made(tmp_path: Path, require_program: Callable[[str], str]) -> Path:
    """Run the page's openssl commands for a station on 127.0.0.1."""
    require_program("openssl")
    folder = tmp_path
    script = block("modbus-tls.md", "sh").replace("192.168.1.10", "127.0.0.1")
    done = subprocess.run(
        ["bash", "-euc", script], cwd=folder, check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return folder


async def test_the_certificates_of_the_page_do(made: Path):
    """A station and two masters with what the commands make: operator writes, observer reads."""
    tls = TlsSettings(made / "station.pem", made / "station.key", made / "masters-ca.pem")
    assert tls.without_role is Access.NOTHING
    settings = ModbusTcpSettings(host="127.0.0.1", port=0, tls=tls)
    async with MachineStation() as station, ModbusTcpServer(settings, Memory(station)) as server:
        for name, reply in (("scada", "9001"), ("plc", "1000000001")):
            context = trusting(made / "masters-ca.pem", Pair(made / f"{name}.pem", made / f"{name}.key"))
            async with TlsMaster(server.socket_address(), context) as master:
                await master.shake_hands()
                assert await master.ask(read(96, 1, 4)) == bytes.fromhex("04020001")
                assert await master.ask(write(0, 0)) == bytes.fromhex(reply)


@pytest.mark.parametrize("page", ["modbus-tls.md", "modbus-rtu.md", "client-mode.md"])
def test_the_configuration_switches_its_role_on(page: str):
    """What the page shows loads, and enables what the page is about."""
    modbus = parse(block(page, "yaml").encode(), page, DOCS).modbus
    role = {"modbus-tls.md": modbus.tls, "modbus-rtu.md": modbus.rtu, "client-mode.md": modbus.client}[page]
    assert role.enabled
    assert not modbus.tcp.enabled


def on_the_wire_ms(baud: int, characters: int) -> int:
    """Return what request and reply of so many characters take, each with the silence before it."""
    return round(1000 * (characters * 11 / baud + 2 * ModbusRtuSettings("", baud).t35_s))


def test_wire_times_of_the_page_are_computed():
    """Each time in the table is characters times 11 bits, and twice t3.5."""
    characters = {"read 120": 8 + 245, "read 16": 8 + 37, "write 36": 81 + 8, "write 5": 19 + 8}
    text = (DOCS / "modbus-rtu.md").read_text("utf-8")
    assert f"| baud | {' | '.join(characters)} |" in text
    for baud in (9600, 19200, 115200):
        times = (f"{on_the_wire_ms(baud, count)} ms" for count in characters.values())
        assert f"| {baud} | {' | '.join(times)} |" in text


def test_every_test_that_the_page_on_bad_manners_names_is_there():
    """Whoever renames or drops such a test mends the page."""
    text = (DOCS.parent / "explanation" / "bad-manners.md").read_text("utf-8")
    named = re.findall(r"\| `([\w/]+\.py)` (test_\w+) \|$", text, re.MULTILINE)
    rows = [line for line in text.splitlines() if line.startswith("| ") and "held by" not in line]
    assert len(named) == len(rows)
    for file, test in named:
        assert f"def {test}(" in (DOCS.parents[1] / "tests" / file).read_text("utf-8"), f"{file} {test}"
