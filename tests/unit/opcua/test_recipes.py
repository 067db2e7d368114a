"""OPC 40100-1: recipes and the configuration in force."""

import pytest
from asyncua import ua

from edge_service.gateway.opcua.machine_vision.structures import STRUCTURE
from edge_service.link import Event
from tests.support.opcua_bench import OpcUaBench, client_of
from tests.support.opcua_vision import int32, listen, name_of


async def test_recipes_are_listed_prepared_and_told(vision: OpcUaBench):
    """PrepareRecipe asks the core; when the recipe is active an event says so; none can be unprepared."""
    async with await client_of(vision) as client:
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
        vision.hear(Event("signals", {"Station.ActiveRecipe": 2}))
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
    assert [dict(arguments) for name, arguments, _ in vision.core.asked if name == "select_recipe"] == [
        {"recipe": 2}
    ] * 2


async def test_one_configuration_is_in_force(vision: OpcUaBench):
    """Known by its checksum; activating it again is done, any other refused."""
    async with await client_of(vision) as client:
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
