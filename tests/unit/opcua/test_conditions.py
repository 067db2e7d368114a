"""OPC 40100-1: errors and warnings as conditions."""

import pytest
from asyncua import ua

from edge_service.link import Answer, Event
from tests.support.opcua_bench import OpcUaBench, client_of
from tests.support.opcua_vision import int32, listen, machine, name_of


async def test_conditions_are_refreshed_and_acknowledged(vision: OpcUaBench):
    """ConditionRefresh brings what is retained, Acknowledge by its EventId; an unknown id is refused."""
    async with await client_of(vision) as client:
        vision.hear(Event("conditions", {"errors": [], "warnings": [450]}))
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
        vision.hear(Event("conditions", {"errors": [], "warnings": []}))


async def test_a_method_in_the_wrong_state_leaves_a_warning_that_names_it(vision: OpcUaBench):
    """Error is negative, the condition carries method, arguments and code."""
    vision.core.answers["halt"] = Answer(1, 122)
    async with await client_of(vision) as client:
        events = await listen(client)
        assert await machine(client).call_method("3:Halt", int32(7), "lunch") == -122
        (warning,) = await events.until(1)
    assert name_of(warning) == "VisionWarningConditionType"
    assert (warning["ErrorCode"], warning["CausePath"], warning["Retain"]) == (122, "Halt(7, lunch)", False)
