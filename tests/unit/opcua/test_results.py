"""OPC 40100-1: results that are kept, shown, found, and learnt again."""

from datetime import UTC, datetime
from pathlib import Path

from asyncua import ua

from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE
from edge_service.link import Event, Snapshot
from tests.support.opcua_bench import OpcUaBench, client_of, station_state
from tests.support.opcua_vision import INSPECTION, int32, listed, listen


async def test_results_are_kept_shown_and_found(vision: OpcUaBench):
    """By id, by components, by filter and page; the oldest go."""
    async with await client_of(vision) as client:
        for number in range(60, 68):
            serial = "ODD" if number % 2 else "EVEN"
            result = INSPECTION | {"id": f"line-1-12-{number}", "job": f"job-{number}", "serial": serial}
            vision.hear(Event("inspection", result))
        management = client.get_node("ns=2;s=ResultManagement")
        wanted = STRUCTURE["ResultIdDataType"](Id="line-1-12-66")
        _, found, error = await management.call_method("3:GetResultById", wanted, int32(0))
        assert (found.ResultId.Id, found.PartId.Id, error) == ("line-1-12-66", "EVEN", 0)
        *components, error = await management.call_method("3:GetResultComponentsById", wanted, int32(0))
        assert (components[4], components[12].Id, error) == (1, "job-66", 0)
        gone = STRUCTURE["ResultIdDataType"](Id="line-1-12-60")
        assert (await management.call_method("3:GetResultById", gone, int32(0)))[2] == -121
        none = ua.Variant(None, ua.VariantType.ExtensionObject)
        part = STRUCTURE["PartIdDataType"](Id="ODD")
        filters = [int32(0), none, part, none, none, none, none, none, none]
        unsigned = [ua.Variant(each, ua.VariantType.UInt32) for each in (2, 0)]
        complete, count, _, listed, error = await management.call_method(
            "3:GetResultListFiltered", *filters, *unsigned, int32(0)
        )
        assert (complete, count, error) == (False, 2, 0)
        assert [each.ResultId.Id for each in listed] == ["line-1-12-67", "line-1-12-65"]
        shown = [
            await client.get_node(f"ns=2;s=ResultManagement.Results.Result{n}").read_value() for n in (0, 1)
        ]
        assert {each.ResultId.Id for each in shown} == {"line-1-12-66", "line-1-12-67"}


async def test_the_last_result_is_there_after_a_restart_and_is_no_news(vision: OpcUaBench):
    """A gateway that comes back knows it from the core, once, and tells no event of it."""
    async with await client_of(vision) as client:
        events = await listen(client)
        last = INSPECTION | {"id": "line-1-12-99"}
        for _ in range(2):
            vision.hear(Snapshot(station_state(last=last)))
        management = client.get_node("ns=2;s=ResultManagement")
        wanted = STRUCTURE["ResultIdDataType"](Id="line-1-12-99")
        _, found, error = await management.call_method("3:GetResultById", wanted, int32(0))
        assert (found.ResultId.Id, error) == ("line-1-12-99", 0)
        assert "ResultReadyEventType" not in events.names


async def test_a_server_that_starts_learns_what_was(tmp_path: Path):
    """Results and history as the core kept them, in order, page by page; no event, and nothing as current."""
    numbers = range(30, 55)
    told = [INSPECTION | {"id": f"line-1-12-{n}", "at": 1_700_000_000.0 + n} for n in numbers]
    blank = {name: value for name, value in station_state()["signals"].items() if name.startswith("Result.")}
    shown = [blank | {"Result.InspectionId": n, "at": 1_700_000_000.0 + n} for n in numbers]
    past = {"inspections": told[::-1], "records": shown[::-1]}
    with OpcUaBench(tmp_path / "pki", allow_none=True, results=20) as late:
        late.core.past = lambda kind, skip: past[kind][skip : skip + 10]
        async with await client_of(late) as client:
            events = await listen(client)
            for _ in range(2):
                late.hear(Snapshot(station_state(last=told[-1])))
            assert await client.get_node("ns=2;s=PLC.Result.Verdict").read_value() == 0
            tag = client.get_node("ns=2;s=PLC.Result.InspectionId")
            assert await tag.read_value() == 0
            kept = await tag.read_raw_history(datetime(2020, 1, 1, tzinfo=UTC), datetime.now(UTC))
            assert [value.Value.Value for value in kept] == list(numbers)[-20:]
            assert kept[-1].SourceTimestamp == datetime.fromtimestamp(1_700_000_054, UTC)
            late.hear(Event("inspection", told[-1]))
            await events.until(1)
            assert await listed(client) == [f"line-1-12-{n}" for n in reversed(numbers)][:20]
        assert events.names == ["ResultReadyEventType"]
