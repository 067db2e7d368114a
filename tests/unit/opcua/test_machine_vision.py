"""OPC 40100-1: types, state machine, events, results, recipes, conditions, as a client meets them."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, Node, ua

from edge_service.gateway.opcua.machine_vision.states import STEPS, steps
from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE
from edge_service.gateway.opcua.machine_vision.table import NAMED, TABLE
from edge_service.link import Answer, Event, Role, Snapshot
from tests.support.nodeset import differences, from_server, from_table
from tests.support.opcua_bench import OpcUaBench, client_of, station_state
from tests.unit.opcua.test_tags import INSPECTION

FIELDS = (
    "EventType",
    "SourceName",
    "Message",
    "Severity",
    "JobId",
    "Transition",
    "FromState",
    "ToState",
    "ResultId",
    "IsPartial",
    "IsSimulated",
    "ResultState",
    "PartId",
    "InternalRecipeId",
    "InternalConfigurationId",
    "CreationTime",
    "ProcessingTimes",
    "ResultContent",
    "InternalId",
    "EventId",
    "Retain",
    "ErrorCode",
    "StopReaction",
    "CausePath",
    "ConditionName",
    "AckedState",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaBench]:
    """A server on which everybody is an engineer."""
    folder = tmp_path_factory.mktemp("opcua") / "pki"
    with OpcUaBench(folder, allow_none=True, anonymous=Role.ENGINEER, shown_results=2, results=5) as running:
        yield running


@pytest.fixture
def bench(server: OpcUaBench) -> OpcUaBench:
    """The server, its station ready with recipe 1."""
    server.core.asked.clear()
    server.core.answers.clear()
    server.core.gone = False
    signals = station_state()["signals"] | {"Station.ActiveRecipe": 1, "Station.ConfigurationChecksum": 0xABC}
    server.hear(Snapshot(station_state(signals=signals)))
    return server


class Events:
    """Collects a client's events as dictionaries of the fields it selected."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self.subscription: Any = None
        self._more = asyncio.Event()

    def event_notification(self, event: Any) -> None:
        """Take one."""
        self.seen.append({name: getattr(event, name, None) for name in FIELDS})
        self._more.set()

    async def until(self, count: int) -> list[dict[str, Any]]:
        """Wait for so many."""
        async with asyncio.timeout(10):
            while len(self.seen) < count:
                self._more.clear()
                await self._more.wait()
        return self.seen

    @property
    def names(self) -> list[str]:
        """Their types, with the transition of those that have one."""
        return [name_of(event) for event in self.seen]


def name_of(event: dict[str, Any]) -> str:
    """Return an event's type, or the transition that it tells of."""
    kind = TABLE[event["EventType"].Identifier].name
    return event["Transition"].Text if kind == "StateChangedEventType" else kind


async def listen(client: Client, node: Node | None = None) -> Events:
    """Subscribe to every field that is of interest, at the server object unless told otherwise."""
    events = Events()
    subscription = events.subscription = await client.create_subscription(50, events)
    wanted = ua.EventFilter()
    for name in FIELDS:
        clause = ua.SimpleAttributeOperand()
        clause.TypeDefinitionId, clause.AttributeId = (
            ua.NodeId(ua.ObjectIds.BaseEventType),
            ua.AttributeIds.Value,
        )
        clause.BrowsePath = [ua.QualifiedName(name, 0)]
        wanted.SelectClauses.append(clause)
    await subscription.subscribe_events(node or client.nodes.server, evfilter=wanted)
    return events


def moment(**facts: Any) -> Event:
    """Return one moment of the inspection loop."""
    return Event("moments", {"moments": [{"at": 1_700_000_000.0, **facts}]})


def int32(number: int) -> ua.Variant:
    """Return a number as the standard's methods take it."""
    return ua.Variant(number, ua.VariantType.Int32)


def machine(client: Client, path: str = "") -> Node:
    """Return a node of the state machine."""
    return client.get_node(f"ns=2;s=VisionStateMachine{path}")


def test_the_core_s_way_is_found_in_the_standard_s_transitions():
    """A cause takes its own transition first, everything else is automatic."""

    def numbers(*way: Any) -> list[int]:
        return [step.number for step in steps(*way)]

    assert numbers(6, 7) == [670]
    assert numbers(7, 6) == [760]
    assert numbers(6, 7, "StartSingleJob") == [671]
    assert numbers(7, 6, "Abort") == [762]
    assert numbers(8, 6, "Stop") == [861]
    assert numbers(6, 1) == [410]
    assert numbers(1, 6) == [150, 560]
    assert numbers(1, 6, "SelectModeAutomatic") == [151, 560]
    assert numbers(7, 3) == [430]
    assert numbers(3, 6) == [340, 560]
    assert numbers(6, 2, "Halt") == [421]
    assert numbers(2, 6, "Reset") == [211, 150, 560]
    assert numbers(6, 6, "Reset") == [411, 150, 560]
    assert numbers(7, 5) == [760, 650]
    assert numbers(6, 6) == []
    assert all(steps(a, b) for a in (1, 2, 3, 5, 6, 7, 8) for b in (1, 2, 3, 5, 6, 7, 8) if a != b)
    assert len({step.number for step in STEPS}) == len(STEPS)


async def test_every_standard_node_is_as_the_table_says(bench: OpcUaBench):
    """Class, browse name, parent, type, modelling rule and data type of each; a difference is told."""
    async with await client_of(bench) as client:
        found = await from_server(client)
    expected = from_table()
    assert list(differences(expected, found)) == []
    assert found.keys() == expected.keys()
    halt = NAMED["VisionStateMachineType"].number
    wrong = expected | {
        halt: replace(expected[halt], parent="i=58"),
        6048: replace(expected[6048], rule="i=78"),
    }
    told = list(differences(wrong, {number: node for number, node in found.items() if number != 1003}))
    assert told == [
        f"{halt} mv:VisionStateMachineType: parent is i=2771, not i=58",
        "6048 mv:DiagnosticLevel: rule is i=80, not i=78",
    ]


async def test_the_station_has_every_mandatory_node_of_its_type(bench: OpcUaBench):
    """Each mandatory instance declaration has its node, by the standard's browse name."""
    async with await client_of(bench) as client:
        station = await client.nodes.objects.get_child(["2:line-1"])
        kind = await station.read_type_definition()
        assert (kind.Identifier, kind.NamespaceIndex) == (1003, 3)
        for path in (
            ["3:VisionStateMachine", "0:CurrentState", "0:Id"],
            ["3:VisionStateMachine", "3:AutomaticModeStateMachine", "3:StartSingleJob", "0:InputArguments"],
            ["3:VisionStateMachine", "3:Operational", "0:StateNumber"],
            ["3:ResultManagement", "3:GetResultListFiltered"],
            ["3:ResultManagement", "3:Results", "2:Result0", "3:ResultId"],
            ["3:RecipeManagement", "3:Recipes", "2:PCB", "3:Prepare"],
            ["3:ConfigurationManagement", "3:ActiveConfiguration"],
            ["3:SystemState"],
        ):
            assert await station.get_child(path), path


async def test_a_part_is_told_from_trigger_to_result(bench: OpcUaBench):
    """670, JobStarted, AcquisitionDone, 760, Ready, ResultReady with every mandatory field."""
    async with await client_of(bench) as client:
        events = await listen(client)
        bench.hear(moment(state=7, job="line-1-12-40"))
        assert (
            await machine(client, ".AutomaticModeStateMachine.CurrentState").read_value()
        ).Text == "SingleExecution"
        bench.hear(moment(state=6, exposed="line-1-12-40"))
        bench.hear(Event("inspection", INSPECTION))
        seen = await events.until(6)
        assert events.names == [
            "ReadyToSingleExecutionAuto",
            "JobStartedEventType",
            "AcquisitionDoneEventType",
            "SingleExecutionToReadyAuto",
            "ReadyEventType",
            "ResultReadyEventType",
        ]
        assert {event["JobId"].Id for event in seen if event["JobId"]} == {"line-1-12-40"}
        last = await machine(client, ".AutomaticModeStateMachine.LastTransition.Number").read_value()
        assert last == 760
    result = seen[-1]
    assert (result["ResultId"].Id, result["PartId"].Id) == ("line-1-12-41", "A41")
    assert (result["IsPartial"], result["IsSimulated"], result["ResultState"]) == (False, True, 1)
    assert (result["InternalRecipeId"].Id, result["InternalConfigurationId"].Id) == ("1", "00000001")
    assert result["CreationTime"].timestamp() == 1_700_000_000.5
    assert result["ProcessingTimes"].AcquisitionDuration == 3.0
    assert [value.Value for value in result["ResultContent"]][:2] == [2, 0]
    assert len({event["EventId"] for event in seen}) == 6


async def test_an_event_comes_from_its_source_the_station_and_the_server(bench: OpcUaBench):
    """The same EventId everywhere, so that a client can tell."""
    async with await client_of(bench) as client:
        station = await client.nodes.objects.get_child(["2:line-1"])
        management = client.get_node("ns=2;s=ResultManagement")
        heard = [await listen(client, node) for node in (None, station, management)]
        bench.hear(Event("inspection", INSPECTION))
        ids = [(await events.until(1))[0]["EventId"] for events in heard]
    assert len(set(ids)) == 1


async def test_what_takes_the_station_out_of_operation_is_told(bench: OpcUaBench):
    """SetOffline is 410, back 150, 560; a blocking error 430, ErrorEvent and a persistent condition."""
    async with await client_of(bench) as client:
        events = await listen(client)
        bench.hear(moment(state=1))
        bench.hear(moment(state=6))
        bench.hear(Event("conditions", {"errors": [901], "warnings": []}))
        bench.hear(moment(state=3))
        assert (await machine(client, ".CurrentState").read_value()).Text == "Error"
        seen = await events.until(6)
        assert events.names == [
            "OperationalToPreoperationalAuto",
            "PreoperationalToInitializedAuto",
            "InitializedToReadyAuto",
            "VisionPersistentErrorConditionType",
            "OperationalToErrorAuto",
            "ErrorEventType",
        ]
        condition = seen[3]
        assert (condition["ErrorCode"], condition["StopReaction"], condition["Retain"]) == (901, True, True)
        bench.hear(Event("conditions", {"errors": [], "warnings": []}))
        (gone,) = (await events.until(7))[6:]
        assert (gone["ErrorCode"], gone["Retain"]) == (901, True)
        await machine(client).call_method("3:ConfirmAll", ua.LocalizedText("seen"))
        (confirmed,) = (await events.until(8))[7:]
        assert (confirmed["Retain"], confirmed["AckedState"].Text) == (False, "Acknowledged")
    assert [name for name, *_ in bench.core.asked] == ["acknowledge_alarm", "clear_error"]


async def test_conditions_are_refreshed_and_acknowledged(bench: OpcUaBench):
    """ConditionRefresh brings what is retained, Acknowledge by its EventId; an unknown id is refused."""
    async with await client_of(bench) as client:
        bench.hear(Event("conditions", {"errors": [], "warnings": [450]}))
        events = await listen(client)
        number = events.subscription.subscription_id
        refresh = client.get_node(ua.ObjectIds.ConditionType_ConditionRefresh)
        await client.get_node(ua.ObjectIds.ConditionType).call_method(
            refresh, ua.Variant(number, ua.VariantType.UInt32)
        )
        seen = await events.until(3)
        assert (seen[1]["ErrorCode"], seen[1]["ConditionName"]) == (450, "Code450")
        condition = client.get_node("ns=2;s=Condition.450")
        acknowledge = client.get_node(ua.ObjectIds.AcknowledgeableConditionType_Acknowledge)
        await condition.call_method(acknowledge, seen[1]["EventId"], ua.LocalizedText("known"))
        assert (await events.until(4))[3]["AckedState"].Text == "Acknowledged"
        with pytest.raises(ua.uaerrors.BadEventIdUnknown):
            await condition.call_method(acknowledge, b"nothing", ua.LocalizedText(""))
        with pytest.raises(ua.uaerrors.BadSubscriptionIdInvalid):
            await client.get_node(ua.ObjectIds.ConditionType).call_method(
                refresh, ua.Variant(number + 1000, ua.VariantType.UInt32)
            )
        bench.hear(Event("conditions", {"errors": [], "warnings": []}))


async def test_jobs_are_started_through_the_standard_s_methods(bench: OpcUaBench):
    """StartSingleJob hands the part's id on and returns the job; its transition is the method's own."""
    bench.core.answers["start_job"] = Answer(1, data={"job": "line-1-12-50"})
    part = STRUCTURE["PartIdDataType"](Id="A50")
    none = ua.Variant(None, ua.VariantType.ExtensionObject)
    parameters = ua.Variant([], ua.VariantType.Variant, is_array=True)
    async with await client_of(bench) as client:
        events = await listen(client)
        auto = machine(client, ".AutomaticModeStateMachine")
        job, error = await auto.call_method("3:StartSingleJob", none, part, none, none, parameters)
        assert (job.Id, error) == ("line-1-12-50", 0)
        bench.hear(moment(state=7, job="line-1-12-50"))
        await events.until(2)
        assert events.names == ["ReadyToSingleExecution", "JobStartedEventType"]
        assert await auto.call_method("3:Abort", int32(1), "jam") == 0
        bench.hear(moment(state=6))
        assert (await events.until(4))[2]["Transition"].Text == "SingleExecutionToReadyAbort"
        declared = client.get_node(ua.NodeId(NAMED["VisionAutomaticModeStateMachineType"].number, 3))
        assert await auto.call_method(await declared.get_child("3:Stop"), int32(1), "by its declaration") == 0
    asked = [(name, dict(arguments)) for name, arguments, _ in bench.core.asked]
    assert asked == [("start_job", {"serial": "A50"}), ("abort", {}), ("stop", {})]


async def test_a_method_in_the_wrong_state_leaves_a_warning_that_names_it(bench: OpcUaBench):
    """Error is negative, the condition carries method, arguments and code."""
    bench.core.answers["halt"] = Answer(1, 122)
    async with await client_of(bench) as client:
        events = await listen(client)
        assert await machine(client).call_method("3:Halt", int32(7), "lunch") == -122
        (warning,) = await events.until(1)
    assert name_of(warning) == "VisionWarningConditionType"
    assert (warning["ErrorCode"], warning["CausePath"], warning["Retain"]) == (122, "Halt(7, lunch)", False)


async def test_results_are_kept_shown_and_found(bench: OpcUaBench):
    """By id, by components, by filter and page; the oldest go."""
    async with await client_of(bench) as client:
        for number in range(60, 68):
            serial = "ODD" if number % 2 else "EVEN"
            result = INSPECTION | {"id": f"line-1-12-{number}", "job": f"job-{number}", "serial": serial}
            bench.hear(Event("inspection", result))
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


async def test_the_last_result_is_there_after_a_restart_and_is_no_news(bench: OpcUaBench):
    """A gateway that comes back knows it from the core, once, and tells no event of it."""
    async with await client_of(bench) as client:
        events = await listen(client)
        last = INSPECTION | {"id": "line-1-12-99"}
        for _ in range(2):
            bench.hear(Snapshot(station_state(last=last)))
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


async def listed(client: Client) -> list[str]:
    """Return the ids of all results that a query finds."""
    none = ua.Variant(None, ua.VariantType.ExtensionObject)
    unsigned = [ua.Variant(0, ua.VariantType.UInt32)] * 2
    management = client.get_node("ns=2;s=ResultManagement")
    found = await management.call_method(
        "3:GetResultListFiltered", int32(0), *[none] * 8, *unsigned, int32(0)
    )
    return [each.ResultId.Id for each in found[3]]


async def test_recipes_are_listed_prepared_and_told(bench: OpcUaBench):
    """PrepareRecipe asks the core; when the recipe is active an event says so; none can be unprepared."""
    async with await client_of(bench) as client:
        events = await listen(client)
        management = client.get_node("ns=2;s=RecipeManagement")
        none = ua.Variant(None, ua.VariantType.ExtensionObject)
        unsigned = [ua.Variant(0, ua.VariantType.UInt32)] * 2
        listed = await management.call_method(
            "3:GetRecipeListFiltered", none, none, int32(2), *unsigned, int32(0)
        )
        assert [each.Id for each in listed[3]] == ["1", "2"]
        prepared = await management.call_method(
            "3:GetRecipeListFiltered", none, none, int32(1), *unsigned, int32(0)
        )
        assert [each.Id for each in prepared[3]] == ["1"]
        external = STRUCTURE["RecipeIdExternalDataType"](Id="2")
        internal, done, error = await management.call_method("3:PrepareRecipe", external, none)
        assert (internal.Id, done, error) == ("2", True, 0)
        bench.hear(Event("signals", {"Station.ActiveRecipe": 2}))
        (event,) = await events.until(1)
        assert (name_of(event), event["InternalId"].Id) == ("RecipePreparedEventType", "2")
        crate = client.get_node("ns=2;s=RecipeManagement.Recipes.2")
        assert await (await crate.get_child("3:IsPrepared")).read_value() is True
        assert await crate.call_method("3:Prepare") == [True, 0]
        assert await crate.call_method("3:Unprepare") == -122
        unknown = STRUCTURE["RecipeIdExternalDataType"](Id="9")
        assert (await management.call_method("3:PrepareRecipe", unknown, none))[1:] == [False, -103]
        wrong = STRUCTURE["ConfigurationIdDataType"](Id="2")
        with pytest.raises(ua.uaerrors.BadInvalidArgument):
            await management.call_method("3:PrepareRecipe", wrong, none)
    assert [dict(arguments) for name, arguments, _ in bench.core.asked if name == "select_recipe"] == [
        {"recipe": 2}
    ] * 2


async def test_one_configuration_is_in_force(bench: OpcUaBench):
    """Known by its checksum; activating it again is done, any other refused."""
    async with await client_of(bench) as client:
        management = client.get_node("ns=2;s=ConfigurationManagement")
        active = await (await management.get_child("3:ActiveConfiguration")).read_value()
        assert active.InternalId.Id == "00000abc"
        assert await management.call_method("3:ActivateConfiguration", active.InternalId) == 0
        other = STRUCTURE["ConfigurationIdDataType"](Id="ffffffff")
        assert await management.call_method("3:ActivateConfiguration", other) == -104
        unsigned = [ua.Variant(0, ua.VariantType.UInt32)] * 2
        complete, count, _, listed, error = await management.call_method(
            "3:GetConfigurationList", *unsigned, int32(0)
        )
        assert (complete, count, listed[0].InternalId.Id, error) == (True, 1, "00000abc", 0)
