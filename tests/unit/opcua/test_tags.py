"""The PLC folder: what it shows, what may be written, what its methods say."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from asyncua import Client, Node, ua

from edge_service.domain.signals import SIGNALS
from edge_service.gateway.opcua.tags import kind_of
from edge_service.link import Answer, Event, Role
from tests.support.opcua_bench import OpcUaBench, client_of, station_state
from tests.support.opcua_vision import INSPECTION, variables_below


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaBench]:
    """A server on which everybody is an operator."""
    folder = tmp_path_factory.mktemp("opcua") / "pki"
    with OpcUaBench(folder, allow_none=True, anonymous=Role.OPERATOR) as running:
        yield running


@pytest.fixture
def bench(server: OpcUaBench) -> OpcUaBench:
    """The server as it was at its start."""
    server.core.asked.clear()
    server.core.answers.clear()
    server.core.gone = False
    server.hear(Event("command", station_state()["command"]))
    server.hear(Event("signals", station_state()["signals"]))
    return server


class Seen:
    """Keeps what a subscription brings."""

    def __init__(self) -> None:
        self.values: list[tuple[str, Any, ua.DataValue]] = []
        self.something = asyncio.Event()

    def datachange_notification(self, node: Node, value: Any, data: Any) -> None:
        """Take a changed value."""
        self.values.append((node.nodeid.Identifier, value, data.monitored_item.Value))
        self.something.set()

    async def until(self, count: int) -> None:
        """Wait for so many values."""
        async with asyncio.timeout(10):
            while len(self.values) < count:
                self.something.clear()
                await self.something.wait()


def tag(client: Client, name: str) -> Node:
    """Return the node of a signal."""
    return client.get_node(f"ns=2;s=PLC.{name}")


async def test_every_signal_is_a_tag_with_a_plain_type(bench: OpcUaBench):
    """Browsed from Objects, by its register name, with its meaning as description."""
    async with await client_of(bench) as client:
        folder = await client.nodes.objects.get_child(["2:line-1", "2:PLC"])
        seen = {}
        for group in await folder.get_children(nodeclassmask=ua.NodeClass.Object):
            for node in await group.get_children():
                seen[node.nodeid.Identifier.removeprefix("PLC.")] = await node.read_data_type()
        assert seen == {signal.name: ua.NodeId(kind_of(signal).value) for signal in SIGNALS}
        described = await tag(client, "Status.TriggerReady").read_description()
        assert described.Text == "A trigger would be accepted now"


async def test_a_result_comes_whole_with_one_timestamp(bench: OpcUaBench):
    """InspectionId first, InspectionIdEnd last; unchanged values get the new timestamp, too."""
    signals = station_state()["signals"] | {
        "Result.InspectionId": 41,
        "Result.InspectionIdEnd": 41,
        "Result.Verdict": 2,
        "Result.Score": 3.0,
        "Result.CapturedAt": 1_700_000_000,
        "Result.CapturedMs": 500,
        "Result.PartSerial": "A41",
    }
    names = ("Result.InspectionId", "Result.Verdict", "Result.Recipe", "Result.InspectionIdEnd")
    async with await client_of(bench) as client:
        bench.hear(Event("signals", signals))
        values = [await tag(client, name).read_data_value() for name in names]
        assert [value.Value.Value for value in values] == [41, 2, 0, 41]
        assert len({value.SourceTimestamp for value in values}) == 1
        captured = await tag(client, "Result.CapturedAt").read_value()
        assert captured == datetime.fromtimestamp(1_700_000_000.5, UTC)
        assert await tag(client, "Result.PartSerial").read_value() == "A41"


async def test_a_subscription_brings_changes_and_the_core_s_absence(bench: OpcUaBench):
    """First the value, then the change, then Bad_NoCommunication without a value, then the truth again."""
    seen = Seen()
    async with await client_of(bench) as client:
        subscription = await client.create_subscription(50, seen)
        await subscription.subscribe_data_change(tag(client, "Status.Heartbeat"))
        await seen.until(1)
        bench.hear(Event("signals", {"Status.Heartbeat": 7}))
        await seen.until(2)
        bench.away(away=True)
        await seen.until(3)
        bench.hear(Event("signals", {"Status.Heartbeat": 9}))
        bench.away(away=False)
        await seen.until(4)
        await subscription.delete()
    statuses = [data.StatusCode.name for _, _, data in seen.values]
    assert [value for _, value, _ in seen.values] == [0, 7, None, 9]
    assert statuses == ["Good", "Good", "BadNoCommunication", "Good"]


async def test_without_the_core_no_variable_of_the_station_is_good(bench: OpcUaBench):
    """Every variable under the station, without exception but the methods' arguments."""
    async with await client_of(bench) as client:
        station = await client.nodes.objects.get_child(["2:line-1"])
        bench.away(away=True)
        try:
            variables = [node async for node in variables_below(station)]
            values = await client.read_attributes(variables, ua.AttributeIds.Value)
            assert len(variables) > len(SIGNALS)
            assert {value.StatusCode.name for value in values} == {"BadNoCommunication"}
            assert all(value.Value is None or value.Value.Value is None for value in values)
            bench.core.gone = True
            assert await client.get_node("ns=2;s=PLC").call_method("2:StartInspection", "A1") == [-601, ""]
            with pytest.raises(ua.uaerrors.BadNoCommunication):
                await write(client, {"TriggerSeq": (1, "UInt16")})
        finally:
            bench.away(away=False)


async def write(client: Client, values: dict[str, tuple[Any, str]]) -> None:
    """Write tags of the command block in one request; raise what the first bad status says."""
    for status in await write_all(client, values):
        status.check()


async def write_all(client: Client, values: dict[str, tuple[Any, str]]) -> list[ua.StatusCode]:
    """Write tags of the command block in one request; return the status of each."""
    parameters = ua.WriteParameters()
    for name, (value, kind) in values.items():
        item = ua.WriteValue()
        item.NodeId = tag(client, f"Command.{name}").nodeid
        item.AttributeId = ua.AttributeIds.Value
        item.Value = ua.DataValue(ua.Variant(value, ua.VariantType[kind]))
        parameters.NodesToWrite.append(item)
    return await client.uaclient.write(parameters)


async def test_one_request_is_one_write(bench: OpcUaBench):
    """All its signals reach the core together, with the writer's name."""
    async with await client_of(bench) as client:
        await write(
            client,
            {"PartSerial": ("A9", "String"), "Encoder": (70_000, "UInt32"), "TriggerSeq": (9, "UInt16")},
        )
    values = {"Command.PartSerial": "A9", "Command.Encoder": 70_000, "Command.TriggerSeq": 9}
    asked = {"values": values, "writer": "opcua:anonymous"}
    assert bench.core.asked == [("write_command", asked, Role.OPERATOR)]


async def test_a_null_text_is_an_empty_one(bench: OpcUaBench):
    """Some clients send it so."""
    async with await client_of(bench) as client:
        await write(client, {"PartSerial": (None, "String")})
    assert [arguments["values"] for _, arguments, _ in bench.core.asked] == [{"Command.PartSerial": ""}]


async def test_a_request_with_one_wrong_value_writes_nothing(bench: OpcUaBench):
    """A trigger never goes out beside a serial that was refused."""
    async with await client_of(bench) as client:
        statuses = await write_all(client, {"PartSerial": (7, "UInt16"), "TriggerSeq": (9, "UInt16")})
    assert [status.name for status in statuses] == ["BadTypeMismatch", "BadRequestNotAllowed"]
    assert bench.core.asked == []


@pytest.mark.parametrize(
    ("name", "value", "kind", "status"),
    [
        ("PartSerial", "x" * 41, "String", "BadOutOfRange"),
        ("PartSerial", "x" * 200_000, "String", "BadOutOfRange"),
        ("PartSerial", "部品", "String", "BadOutOfRange"),
        ("TriggerSeq", [7] * 100_000, "UInt16", "BadTypeMismatch"),
        ("TriggerSeq", [], "UInt16", "BadTypeMismatch"),
        ("TriggerSeq", 7, "UInt32", "BadTypeMismatch"),
        ("PartSerial", ["A1", "A2"], "String", "BadTypeMismatch"),
        ("Trigger", 1, "Byte", "BadTypeMismatch"),
    ],
)
async def test_a_value_that_is_none_of_the_tag_s_is_refused(
    bench: OpcUaBench, name: str, value: Any, kind: str, status: str
):
    """Too long, an array where there is one value, another type: nothing reaches the core."""
    async with await client_of(bench) as client:
        (answer,) = await write_all(client, {name: (value, kind)})
    assert answer.name == status
    assert bench.core.asked == []


@pytest.mark.parametrize(
    ("code", "status"), [(250, "BadRequestNotAllowed"), (121, "BadOutOfRange"), (217, "BadUserAccessDenied")]
)
async def test_the_handshake_s_refusal_is_told(bench: OpcUaBench, code: int, status: str):
    """Another owner, a value out of range, a role: each has its status."""
    bench.core.answers["write_command"] = Answer(1, code, what="no")
    async with await client_of(bench) as client:
        (answer,) = await write_all(client, {"TriggerSeq": (9, "UInt16")})
    assert answer.name == status


async def test_nothing_else_can_be_written(bench: OpcUaBench):
    """Status and results are read-only, and so is every other attribute and node of the server."""
    async with await client_of(bench) as client:
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await tag(client, "Status.Heartbeat").write_value(ua.Variant(1, ua.VariantType.UInt16))
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await tag(client, "Command.TriggerSeq").write_attribute(
                ua.AttributeIds.DisplayName, ua.DataValue(ua.LocalizedText("mine"))
            )
        with pytest.raises(ua.uaerrors.BadNotWritable):
            await client.get_node(ua.ObjectIds.Server_ServiceLevel).write_value(
                ua.Variant(0, ua.VariantType.Byte)
            )
        with pytest.raises(ua.uaerrors.BadNodeIdUnknown):
            await client.get_node("ns=2;s=PLC.Nothing").write_value(1)
        with pytest.raises(ua.uaerrors.BadServiceUnsupported):
            await client.nodes.objects.add_object(2, "mine")


async def test_methods_take_and_give_plain_values(bench: OpcUaBench):
    """Error is 0 or the negative code; the job's name comes with it."""
    bench.core.answers["start_job"] = Answer(1, data={"job": "line-1-12-40"})
    bench.core.answers["clear_error"] = Answer(1, 122)
    async with await client_of(bench) as client:
        plc = client.get_node("ns=2;s=PLC")
        assert await plc.call_method("2:StartInspection", "A1") == [0, "line-1-12-40"]
        assert await plc.call_method("2:ClearError") == -122
        bench.hear(Event("inspection", INSPECTION))
        latest = await plc.call_method("2:GetLatestResult")
        assert latest[:6] == [0, "line-1-12-41", "line-1-12-40", 41, 2, 0]
        assert latest[8:10] == [9, "A41"]
        with pytest.raises(ua.uaerrors.BadUserAccessDenied):
            await plc.call_method("2:SelectRecipe", ua.Variant(1, ua.VariantType.UInt16))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "BadArgumentsMissing"),
        (["A1", "B2"], "BadTooManyArguments"),
        ([7], "BadInvalidArgument"),
        ([["A1"]], "BadInvalidArgument"),
    ],
)
async def test_wrong_arguments_are_named(bench: OpcUaBench, arguments: list[Any], error: str):
    """Count and type have their own status; nothing reaches the core."""
    async with await client_of(bench) as client:
        with pytest.raises(getattr(ua.uaerrors, error)):
            await client.get_node("ns=2;s=PLC").call_method("2:StartInspection", *arguments)
    assert bench.core.asked == []


@pytest.mark.parametrize("serial", ["x" * 41, "x" * 200_000, "部品"])
async def test_a_serial_that_fits_no_register_is_refused(bench: OpcUaBench, serial: str):
    """Error -121, however long it is."""
    async with await client_of(bench) as client:
        answer = await client.get_node("ns=2;s=PLC").call_method("2:StartInspection", serial)
    assert answer == [-121, ""]
    assert bench.core.asked == []


async def test_users_see_what_they_may_do(bench: OpcUaBench):
    """UserAccessLevel and UserExecutable are those of the session's role."""
    async with await client_of(bench) as client:
        level = await tag(client, "Command.TriggerSeq").read_attribute(ua.AttributeIds.UserAccessLevel)
        assert level.Value.Value == 3
        may = client.get_node("ns=2;s=PLC.StartInspection").read_attribute(ua.AttributeIds.UserExecutable)
        assert (await may).Value.Value is True
        select = client.get_node("ns=2;s=PLC.SelectRecipe").read_attribute(ua.AttributeIds.UserExecutable)
        assert (await select).Value.Value is False


async def test_identification_names_station_and_software(bench: OpcUaBench):
    """What a person looks for first; and the server says that it is fit for service."""
    async with await client_of(bench) as client:
        place = await client.nodes.objects.get_child(["2:line-1", "2:Identification"])
        values = {
            (await node.read_browse_name()).Name: await node.read_value()
            for node in await place.get_properties()
        }
        assert (values["Station"], values["BootId"], values["Manufacturer"]) == ("line-1", 12, "okng")
        assert await client.get_node(ua.ObjectIds.Server_ServiceLevel).read_value() == 255
        assert (await client.get_namespace_array())[1:3] == ["urn:okng:line-1", "urn:okng:opcua"]
