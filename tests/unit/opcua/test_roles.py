"""What each role may do: every method and every variable of the station, tried by each."""

from collections.abc import Iterator

import pytest
from asyncua import Client, Node, ua

from edge_service.domain.signal import Block
from edge_service.domain.signals import of_block
from edge_service.gateway.opcua.users import Users
from edge_service.link import Role
from tests.support.opcua_bench import OpcUaBench, client_of, credentials
from tests.support.opcua_vision import variables_below
from tests.unit.opcua.test_security import trust

CLIENT = credentials()
PASSWORD = "correct horse"
OF_OPERATORS = {
    "AckResult", "ClearError", "ResetStatistics", "StartInspection",
    "Abort", "ConfirmAll", "Halt", "Reset", "SelectModeAutomatic", "SimulationMode", "StartContinuous",
    "StartSingleJob", "Stop",
}  # fmt: skip
OF_ENGINEERS = {
    "SelectRecipe",
    "ActivateConfiguration",
    "Prepare",
    "PrepareRecipe",
    "Unprepare",
    "UnprepareRecipe",
}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpcUaBench]:
    """A server with a user of each role."""
    folder = tmp_path_factory.mktemp("opcua") / "pki"
    trust(folder, CLIENT)
    for role in Role:
        Users(folder).put(role.value, role, password=PASSWORD)
    with OpcUaBench(folder) as running:
        yield running


async def user(bench: OpcUaBench, role: Role) -> Client:
    """Return a client of that role's user."""
    client = await client_of(bench, CLIENT)
    client.set_user(role.value)
    client.set_password(PASSWORD)
    return client


async def methods_below(node: Node) -> list[tuple[Node, Node, str]]:
    """Return every method below a node: its object, itself, its name."""
    found = [(node, each) for each in await node.get_children(nodeclassmask=ua.NodeClass.Method)]
    methods = [(owner, each, (await each.read_browse_name()).Name) for owner, each in found]
    for child in await node.get_children(nodeclassmask=ua.NodeClass.Object):
        methods += await methods_below(child)
    return methods


@pytest.mark.parametrize("role", list(Role))
async def test_each_method_is_refused_to_who_may_not(bench: OpcUaBench, role: Role):
    """What UserExecutable says is what a call meets, and nothing of what was refused reaches the core."""
    bench.core.asked.clear()
    refused = set()
    async with await user(bench, role) as client:
        station = await client.nodes.objects.get_child(["2:line-1"])
        methods = await methods_below(station)
        for owner, method, name in methods:
            request = ua.CallMethodRequest(ObjectId=owner.nodeid, MethodId=method.nodeid)
            (answer,) = await client.uaclient.call([request])
            may = (await method.read_attribute(ua.AttributeIds.UserExecutable)).Value.Value
            assert may is (answer.StatusCode.value != ua.StatusCodes.BadUserAccessDenied), name
            refused |= set() if may else {name}
    barred = {Role.OBSERVER: OF_OPERATORS | OF_ENGINEERS, Role.OPERATOR: OF_ENGINEERS, Role.ENGINEER: set()}
    names = {name for *_, name in methods}
    assert refused == barred[role] & names
    assert names >= OF_OPERATORS | OF_ENGINEERS
    assert all(by is role for _, _, by in bench.core.asked)
    assert not (role is Role.OBSERVER and bench.core.asked)


@pytest.mark.parametrize("role", list(Role))
async def test_only_the_command_block_can_be_written(bench: OpcUaBench, role: Role):
    """Every variable of the station is tried with its own value; an observer may write none."""
    bench.core.asked.clear()
    async with await user(bench, role) as client:
        station = await client.nodes.objects.get_child(["2:line-1"])
        nodes = [node async for node in variables_below(station)]
        values = await client.read_attributes(nodes, ua.AttributeIds.Value)
        request = ua.WriteParameters()
        for node, value in zip(nodes, values, strict=True):
            wanted = ua.DataValue(value.Value)
            item = ua.WriteValue(NodeId=node.nodeid, AttributeId=ua.AttributeIds.Value, Value=wanted)
            request.NodesToWrite.append(item)
        answers = await client.uaclient.write(request)
        named = zip([node.nodeid.Identifier for node in nodes], answers, strict=True)
        told = {status.name: set() for status in answers}
        for name, status in named:
            told[status.name].add(name)
        commands = {f"PLC.{signal.name}" for signal in of_block(Block.COMMAND)}
        what = "BadUserAccessDenied" if role is Role.OBSERVER else "BadRequestNotAllowed"
        assert told.keys() == {"BadNotWritable", what}
        assert told[what] == commands
    assert bench.core.asked == []
