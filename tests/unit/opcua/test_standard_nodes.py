"""OPC 40100-1: its types and instances, node by node, as a client meets them."""

from dataclasses import replace

from edge_service.gateway.opcua.machine_vision.table import NAMED
from tests.support.nodeset import differences, from_server, from_table
from tests.support.opcua_bench import OpcUaBench, client_of


async def test_every_standard_node_is_as_the_table_says(vision: OpcUaBench):
    """Class, browse name, parent, type, modelling rule and data type of each; a difference is told."""
    async with await client_of(vision) as client:
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


async def test_the_station_has_every_mandatory_node_of_its_type(vision: OpcUaBench):
    """Each mandatory instance declaration has its node, by the standard's browse name."""
    async with await client_of(vision) as client:
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
