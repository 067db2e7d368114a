"""OPC 40100-1: what happens is told as transitions and events, and methods make it happen."""

from typing import Any

from asyncua import ua

from edge_service.gateway.opcua.machine_vision.states import STEPS, steps
from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE
from edge_service.gateway.opcua.machine_vision.table import NAMED
from edge_service.link import Answer, Event
from tests.support.opcua_bench import OpcUaBench, client_of
from tests.support.opcua_vision import INSPECTION, int32, listen, machine, moment


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


async def test_a_part_is_told_from_trigger_to_result(vision: OpcUaBench):
    """670, JobStarted, AcquisitionDone, 760, Ready, ResultReady with every mandatory field."""
    async with await client_of(vision) as client:
        events = await listen(client)
        vision.hear(moment(state=7, job="line-1-12-40"))
        assert (
            await machine(client, ".AutomaticModeStateMachine.CurrentState").read_value()
        ).Text == "SingleExecution"
        vision.hear(moment(state=6, exposed="line-1-12-40"))
        vision.hear(Event("inspection", INSPECTION))
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


async def test_an_event_comes_from_its_source_the_station_and_the_server(vision: OpcUaBench):
    """The same EventId everywhere, so that a client can tell."""
    async with await client_of(vision) as client:
        station = await client.nodes.objects.get_child(["2:line-1"])
        management = client.get_node("ns=2;s=ResultManagement")
        heard = [await listen(client, node) for node in (None, station, management)]
        vision.hear(Event("inspection", INSPECTION))
        ids = [(await events.until(1))[0]["EventId"] for events in heard]
    assert len(set(ids)) == 1


async def test_what_takes_the_station_out_of_operation_is_told(vision: OpcUaBench):
    """SetOffline is 410, back 150, 560; a blocking error 430, ErrorEvent and a persistent condition."""
    async with await client_of(vision) as client:
        events = await listen(client)
        vision.hear(moment(state=1))
        vision.hear(moment(state=6))
        vision.hear(Event("conditions", {"errors": [901], "warnings": []}))
        vision.hear(moment(state=3))
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
        vision.hear(Event("conditions", {"errors": [], "warnings": []}))
        (gone,) = (await events.until(7))[6:]
        assert (gone["ErrorCode"], gone["Retain"]) == (901, True)
        await machine(client).call_method("3:ConfirmAll", ua.LocalizedText("seen"))
        (confirmed,) = (await events.until(8))[7:]
        assert (confirmed["Retain"], confirmed["AckedState"].Text) == (False, "Acknowledged")
    assert [name for name, *_ in vision.core.asked] == ["acknowledge_alarm", "clear_error"]


async def test_jobs_are_started_through_the_standard_s_methods(vision: OpcUaBench):
    """StartSingleJob hands the part's id on and returns the job; its transition is the method's own."""
    vision.core.answers["start_job"] = Answer(1, data={"job": "line-1-12-50"})
    part = STRUCTURE["PartIdDataType"](Id="A50")
    none = ua.Variant(None, ua.VariantType.ExtensionObject)
    parameters = ua.Variant([], ua.VariantType.Variant, is_array=True)
    async with await client_of(vision) as client:
        events = await listen(client)
        auto = machine(client, ".AutomaticModeStateMachine")
        job, error = await auto.call_method("3:StartSingleJob", none, part, none, none, parameters)
        assert (job.Id, error) == ("line-1-12-50", 0)
        vision.hear(moment(state=7, job="line-1-12-50"))
        await events.until(2)
        assert events.names == ["ReadyToSingleExecution", "JobStartedEventType"]
        assert await auto.call_method("3:Abort", int32(1), "jam") == 0
        vision.hear(moment(state=6))
        assert (await events.until(4))[2]["Transition"].Text == "SingleExecutionToReadyAbort"
        declared = client.get_node(ua.NodeId(NAMED["VisionAutomaticModeStateMachineType"].number, 3))
        assert await auto.call_method(await declared.get_child("3:Stop"), int32(1), "by its declaration") == 0
    asked = [(name, dict(arguments)) for name, arguments, _ in vision.core.asked]
    assert asked == [("start_job", {"serial": "A50"}), ("abort", {}), ("stop", {})]
