"""OPC UA on a real station: a PLC of tags, the core's absence, the gateway's death."""

import asyncio
import os
import signal
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, Node, ua

from edge_service.domain.inspection import Verdict
from edge_service.domain.signals import SIGNALS
from edge_service.gateway.opcua.machine_vision.structures import register
from edge_service.simulation.plc import SimulatedPlc
from tests.support.opcua_vision import int32, listed, listen, name_of, variables_below
from tests.support.process import Service, service
from tests.support.station_folder import StationFolder

pytestmark = pytest.mark.timeout(180)


def free_port() -> int:
    """Return a port that was free a moment ago: a restarted gateway must come back to the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Service]:
    """A whole station whose OPC UA server takes anybody from this box as an operator."""
    folder = StationFolder(tmp_path)
    folder.tree["gateway"]["opcua"] = {
        "host": "127.0.0.1",
        "port": free_port(),
        "allow_none": True,
        "anonymous": "operator",
    }
    folder.tree["station"]["data_dir"] = "data"
    folder.write()
    with service(folder.path, "run", "--config", "edge.yaml") as running:
        yield running


def listening(station: Service, times: int = 1) -> str:
    """Wait until the server has begun to listen so many times; return where."""
    return str(station.logged("opcua_listening", times)["address"])


class Values:
    """The last value of each tag that is watched, and a way to wait for one."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}
        self._changed = asyncio.Event()

    def datachange_notification(self, node: Node, value: Any, data: Any) -> None:
        """Keep it, or the status that it has instead."""
        status = data.monitored_item.Value.StatusCode
        good = status is None or status.is_good()
        self.last[node.nodeid.Identifier.removeprefix("PLC.")] = value if good else status.name
        self._changed.set()

    async def until(self, name: str, value: Any, timeout_s: float = 20) -> None:
        """Wait until a tag has that value."""
        async with asyncio.timeout(timeout_s):
            while self.last.get(name) != value:
                self._changed.clear()
                await self._changed.wait()


async def watch(client: Client, *names: str) -> Values:
    """Subscribe to tags."""
    values = Values()
    subscription = await client.create_subscription(50, values)
    await subscription.subscribe_data_change([client.get_node(f"ns=2;s=PLC.{name}") for name in names])
    return values


async def write(client: Client, **values: tuple[Any, str]) -> None:
    """Write tags of the command block in one request."""
    nodes = [client.get_node(f"ns=2;s=PLC.Command.{name}") for name in values]
    data = [ua.DataValue(ua.Variant(value, ua.VariantType[kind])) for value, kind in values.values()]
    await client.write_values(nodes, data)


async def test_a_plc_of_tags_drives_the_handshake(station: Service) -> None:
    """Enable, trigger, read, acknowledge, all through PLC/; while it owns the station, Modbus only reads."""
    where, url = station.ready(), listening(station)
    async with Client(url) as client:
        values = await watch(
            client, "Status.TriggerReady", "Status.ResultsValid", "Result.TriggerSeq", "Result.Verdict"
        )
        off, on = (False, "Boolean"), (True, "Boolean")
        await write(client, TriggerEnable=off, TriggerSeq=(0, "UInt16"))
        await write(client, TriggerEnable=on, SequenceMode=on, BufferResultsEnable=on)
        await values.until("Status.TriggerReady", value=True)
        await write(client, PartSerial=("A1", "String"), TriggerSeq=(1, "UInt16"))
        await values.until("Result.TriggerSeq", 1)
        assert values.last["Result.Verdict"] == Verdict.OK
        number = await client.get_node("ns=2;s=PLC.Result.InspectionId").read_value()
        assert await client.get_node("ns=2;s=PLC.Result.PartSerial").read_value() == "A1"
        plc = client.get_node("ns=2;s=PLC")
        error, job = await plc.call_method("2:StartInspection", "B2")
        assert (error, job) == (-217, "")
        await write(client, ResultAckId=(number, "UInt16"))
        await values.until("Status.ResultsValid", value=False)
        await write(client, TriggerEnable=off)
        error, job = await plc.call_method("2:StartInspection", "B2")
        assert (error, job) == (0, "line-1-1-2")
        async with SimulatedPlc(*where, mode="sequence") as modbus:
            assert (await modbus.inspect()).verdict is not Verdict.NONE
            with pytest.raises(ua.uaerrors.BadRequestNotAllowed):
                await client.get_node("ns=2;s=PLC.Command.TriggerSeq").write_value(
                    ua.Variant(9, ua.VariantType.UInt16)
                )
    assert station.stop() == 0


async def test_a_silent_core_turns_every_tag_bad(station: Service) -> None:
    """Within the link's time-out; the truth comes back with the core."""
    station.ready()
    url = listening(station)
    core = station.logged("child_started")["pid"]
    async with Client(url) as client:
        values = await watch(client, "Status.TriggerReady", "Station.TestText")
        await values.until("Station.TestText", "AB")
        os.kill(core, signal.SIGSTOP)
        try:
            await values.until("Station.TestText", "BadNoCommunication")
            await values.until("Status.TriggerReady", "BadNoCommunication")
        finally:
            os.kill(core, signal.SIGCONT)
        await values.until("Station.TestText", "AB")
    assert station.stop() == 0


async def test_a_dead_core_leaves_nothing_good(tmp_path: Path) -> None:
    """Not one variable of the station, nor of a gateway that starts while the core is dead."""
    folder = StationFolder(tmp_path)
    folder.tree["gateway"]["opcua"] = {"host": "127.0.0.1", "port": free_port(), "allow_none": True}
    folder.write()
    arguments = ("--config", "edge.yaml")
    with (
        service(folder.path, "core", *arguments) as core,
        service(folder.path, "gateway", *arguments) as gateway,
    ):
        where, url = core.ready(), listening(gateway)
        async with Client(url) as client, SimulatedPlc(*where, mode="sequence") as plc:
            values = await watch(client, "Station.TestText", "Statistics.Ok")
            assert (await plc.inspect()).verdict is Verdict.OK
            await values.until("Statistics.Ok", 1)
            core.process.kill()
            killed = asyncio.get_running_loop().time()
            await values.until("Station.TestText", "BadNoCommunication")
            print(f"Bad_NoCommunication {asyncio.get_running_loop().time() - killed:.1f} s after the kill")
            assert await statuses(client) == {"BadNoCommunication"}
        gateway.process.kill()
        gateway.ended()
        with service(folder.path, "gateway", *arguments) as again:
            async with Client(listening(again)) as client:
                assert await statuses(client) == {"BadNoCommunication"}
                values = await watch(client, "Station.TestText", "Result.Verdict", "Status.Ok")
                with service(folder.path, "core", *arguments) as reborn:
                    reborn.ready()
                    await values.until("Station.TestText", "AB")
                    await values.until("Result.Verdict", 0)
                    assert values.last["Status.Ok"] is False
                    assert reborn.stop() == 0
            assert again.stop() == 0


async def statuses(client: Client) -> set[str]:
    """Return the statuses of every variable below the station's object, and see that none has a value."""
    station = await client.nodes.objects.get_child(["2:line-1"])
    nodes = [node async for node in variables_below(station)]
    values = await client.read_attributes(nodes, ua.AttributeIds.Value)
    assert len(nodes) > len(SIGNALS)
    assert all(value.Value is None or value.Value.Value is None for value in values)
    return {value.StatusCode.name for value in values}


async def test_every_part_of_the_plc_is_told_as_the_standard_says(station: Service) -> None:
    """Modbus triggers: each is 670 with its job, exposure end, 760, a result of the same job; Halt is 421."""
    where, url = station.ready(), listening(station)
    register(3)  # how the standard's structures travel, known to this client too
    async with Client(url) as client:
        events = await listen(client)
        async with SimulatedPlc(*where, mode="sequence") as plc:
            first = await plc.inspect(serial=b"ONE")
            second = await plc.inspect(serial=b"TWO")
            seen = await events.until(12)
        assert (first.verdict, second.verdict) == (Verdict.OK, Verdict.NG)
        one_part = [
            "ReadyToSingleExecutionAuto",
            "JobStartedEventType",
            "AcquisitionDoneEventType",
            "SingleExecutionToReadyAuto",
            "ReadyEventType",
            "ResultReadyEventType",
        ]
        assert sorted(events.names) == sorted(one_part * 2)
        results = [event for event in seen if event["ResultId"]]
        assert [result["PartId"].Id for result in results] == ["ONE", "TWO"]
        assert [result["JobId"].Id for result in results] == ["line-1-1-1", "line-1-1-2"]
        assert [result["ResultContent"][0].Value for result in results] == [Verdict.OK, Verdict.NG]
        halt = client.get_node("ns=2;s=VisionStateMachine")
        assert await halt.call_method("3:Halt", int32(1), "end of shift") == 0
        assert name_of((await events.until(13))[12]) == "OperationalToHalted"
        assert await halt.call_method("3:Reset", int32(1), "") == 0
        await events.until(16)
        assert events.names[13:16] == [
            "HaltedToPreoperational",
            "PreoperationalToInitializedAuto",
            "InitializedToReadyAuto",
        ]
    assert station.stop() == 0


async def test_results_outlive_the_gateway(station: Service) -> None:
    """Killed and back, it lists what was judged before and meanwhile, and has the history of the tags."""
    where = station.ready()
    listening(station)
    async with SimulatedPlc(*where, mode="sequence") as plc:
        numbers = [(await plc.inspect()).inspection_id for _ in range(3)]
        os.kill(station.logged("child_started", 2)["pid"], signal.SIGKILL)
        numbers.append((await plc.inspect()).inspection_id)
    url = await asyncio.to_thread(listening, station, 2)
    register(3)
    async with Client(url) as client:
        values = await watch(client, "Station.TestText")
        await values.until("Station.TestText", "AB")
        assert await listed(client) == [f"line-1-1-{number}" for number in reversed(numbers)]
        tag = client.get_node("ns=2;s=PLC.Result.InspectionId")
        kept = await tag.read_raw_history(datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC))
        assert [value.Value.Value for value in kept] == numbers
        assert await tag.read_value() == 0
    assert station.stop() == 0


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    """The gateway ends with the port, and what to do."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        folder = StationFolder(tmp_path)
        folder.tree["gateway"]["opcua"] = {"host": "127.0.0.1", "port": taken.getsockname()[1]}
        folder.write()
        with service(folder.path, "gateway", "--config", "edge.yaml") as gateway:
            assert gateway.ended() == 2
            assert "gateway.opcua.port" in gateway.stderr
