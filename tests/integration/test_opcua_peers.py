"""node-opcua, a client of another make: every endpoint, the standard's types, recovery."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from edge_service.gateway.opcua.users import Users
from edge_service.link import Answer, Event, Role, Snapshot
from tests.integration.station.test_opcua_station import free_port, listening
from tests.support.node_peer import PEERS, run_node
from tests.support.opcua_bench import Credentials, OpcUaBench, station_state
from tests.support.opcua_vision import INSPECTION
from tests.support.process import service
from tests.support.station_folder import StationFolder
from tests.unit.opcua.test_security import CLIENT, PASSWORD, USER, trust

pytestmark = pytest.mark.timeout(240)

PACKAGE = "node-opcua-client"
READS, OPERATES, REFUSED = "reads (BadUserAccessDenied)", "operates", "refused"
SECURE = {"anonymous": READS, "password": OPERATES, "wrong password": REFUSED, "certificate": OPERATES}
OPEN = {"anonymous": READS, "password": REFUSED, "wrong password": REFUSED, "certificate": REFUSED}


def people(folder: Path) -> None:
    """Trust the client; an operator by password, an engineer by certificate."""
    trust(folder, CLIENT)
    users = Users(folder)
    users.put("anna", Role.OPERATOR, password=PASSWORD)
    users.put("erik", Role.ENGINEER, certificate=USER.der)


def files(folder: Path, **owners: Credentials) -> Path:
    """Write certificates and keys as node-opcua reads them."""
    for name, owner in owners.items():
        _, key = owner.write(folder, name)
        key.rename(folder / f"{name}.key")
        (folder / f"{name}.pem").write_bytes(owner.certificate.public_bytes(Encoding.PEM))
    return folder


async def test_every_endpoint_takes_whom_it_should(tmp_path: Path, require_node: Callable[[str], str]):
    """Seven endpoints, four kinds of proof: twenty-eight outcomes."""
    node, folder = require_node(PACKAGE), files(tmp_path / "client", client=CLIENT, user=USER)
    people(tmp_path / "pki")
    with OpcUaBench(tmp_path / "pki", allow_none=True) as bench:
        facts = await run_node(node, "opcua.mjs", "matrix", bench.url, str(folder))
    assert len(facts) == 28
    for fact in facts:
        assert fact["outcome"] == (OPEN if fact["policy"] == "None" else SECURE)[fact["who"]], fact


async def test_a_result_is_decoded_by_a_client_of_another_make(
    tmp_path: Path, require_node: Callable[[str], str]
):
    """Browse, read, history, StartSingleJob with a structure, ResultReady with every mandatory field."""
    node, folder = require_node(PACKAGE), files(tmp_path / "client", client=CLIENT, user=USER)
    people(tmp_path / "pki")
    with OpcUaBench(tmp_path / "pki") as bench:
        signals = station_state()["signals"] | {"Station.TestText": "AB", "Result.InspectionId": 40}
        bench.hear(Snapshot(station_state(signals=signals)))
        bench.core.answers["start_job"] = Answer(1, data={"job": "line-1-12-40"})
        visit = asyncio.create_task(run_node(node, "opcua.mjs", "visit", bench.url, str(folder)))
        assert await asyncio.to_thread(bench.core.was_asked.wait, 60)
        bench.hear(Event("inspection", INSPECTION))
        children, text, past, started, told = await visit
        assert bench.core.asked == [("start_job", {"serial": "A7"}, Role.OPERATOR)]
    assert {"3:VisionStateMachine", "3:ResultManagement", "2:PLC"} <= set(children["children"])
    assert (text, past) == ({"text": "AB"}, {"past": [40]})
    assert started == {"started": "Good", "job": "line-1-12-40", "error": 0}
    result = told["result"]
    assert (result["ResultId"], result["JobId"]) == ({"id": "line-1-12-41"}, {"id": "line-1-12-40"})
    assert (result["IsPartial"], result["ResultState"], result["PartId"]["id"]) == (False, 1, "A41")
    assert (result["InternalRecipeId"]["id"], result["InternalConfigurationId"]["id"]) == ("1", "00000001")
    assert result["CreationTime"] == "2023-11-14T22:13:20.500Z"
    assert result["ResultContent"] == [2, 0, 3, 1, 0, 10, 20, 7, 9, 41]


async def test_a_subscription_survives_the_gateway_s_death(
    tmp_path: Path, require_node: Callable[[str], str]
):
    """The gateway is killed; the client, left to itself, has its tag again when it is back."""
    node, clients = require_node(PACKAGE), files(tmp_path / "client", client=CLIENT, user=USER)
    folder = StationFolder(tmp_path)
    people(tmp_path / "data" / "opcua")
    folder.tree["gateway"]["opcua"] = {"host": "127.0.0.1", "port": free_port()}
    folder.write()
    with service(folder.path, "run", "--config", "edge.yaml") as station:
        station.ready()
        url = await asyncio.to_thread(listening, station)
        watching = await asyncio.create_subprocess_exec(
            *(node, "opcua.mjs", "recover", url, str(clients)),
            cwd=PEERS,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            async with asyncio.timeout(120):
                first = await value(watching)
                os.kill(station.logged("child_started", 2)["pid"], signal.SIGKILL)
                killed = asyncio.get_running_loop().time()
                await asyncio.to_thread(listening, station, 2)
                back = asyncio.get_running_loop().time()
                while await value(watching) <= first + 8:  # 4 beats a second: none from before the kill
                    pass
                recovered = asyncio.get_running_loop().time()
            print(f"gateway back after {back - killed:.1f} s, subscription after {recovered - killed:.1f} s")
        finally:
            watching.stdin.close()
            await watching.wait()
        assert station.stop() == 0


async def value(watching: asyncio.subprocess.Process) -> int:
    """Wait for the next good value of the station's heartbeat."""
    while True:
        line = await watching.stdout.readline()
        assert line, "the client ended"
        fact: dict[str, Any] = json.loads(line)
        if fact["status"] == "Good":
            return int(fact["value"])
