"""The server's standard nodes beside what the standard says, node by node.

What the server has is browsed through a client; what the standard says comes from the official NodeSet2
file, or from the project's own table of the same facts::

    python -m tests.support.nodeset --nodeset Opc.Ua.MachineVision.NodeSet2.xml
"""

import argparse
import asyncio
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from asyncua import Client, ua

from edge_service.gateway.opcua.machine_vision.table import TABLE, TYPES, URI, Fact, Ref
from tests.support.opcua_bench import OpcUaBench

_SPACE = "{http://opcfoundation.org/UA/2011/03/UANodeSet.xsd}"
_HIERARCHICAL = {"i=46": "HasProperty", "i=47": "HasComponent", "i=38": "HasEncoding", "i=45": "HasSubtype"}
_TYPE, _RULE = "i=40", "i=37"
_CLASSES = {
    "O": "Object", "V": "Variable", "M": "Method",
    "OT": "ObjectType", "VT": "VariableType", "RT": "ReferenceType", "DT": "DataType",
}  # fmt: skip
_BATCH = 500


@dataclass(frozen=True, slots=True)
class Node:
    """What is compared of a node; ids as ``i=63`` (base) or ``mv=1003``."""

    node_class: str
    name: str
    parent: str  # of a type: its supertype
    reference: str
    type: str | None
    rule: str | None
    data_type: str | None = None
    rank: int = -1


def differences(expected: Mapping[int, Node], found: Mapping[int, Node]) -> Iterator[str]:
    """Yield a line for each thing in which a node that was found is not as expected."""
    for number, node in sorted(found.items()):
        if number not in expected:
            yield f"{number} {node.name}: the standard has no such node"
            continue
        for field in fields(Node):
            wanted, got = getattr(expected[number], field.name), getattr(node, field.name)
            if wanted != got:
                yield f"{number} {node.name}: {field.name} is {got}, not {wanted}"


def from_table() -> dict[int, Node]:
    """Return what the project's own table says."""
    nodes: dict[int, Node] = {}
    for fact in TABLE.values():
        nodes[fact.number] = _of_fact(fact)
        prop = {"reference": "HasProperty", "type": "i=68", "rule": "i=78", "parent": f"mv={fact.number}"}
        for title, given in (("InputArguments", fact.inputs), ("OutputArguments", fact.outputs)):
            if given is not None:
                nodes[given[0]] = Node("Variable", f"0:{title}", data_type="i=296", rank=1, **prop)
        if fact.state is not None:
            title = "TransitionNumber" if fact.source else "StateNumber"
            nodes[fact.state[0]] = Node("Variable", f"0:{title}", data_type="i=7", **prop)
        if fact.values is not None:
            nodes[fact.values] = Node("Variable", "0:EnumValues", data_type="i=7594", rank=1, **prop)
        if fact.binary is not None:
            place = f"mv={fact.number}"
            nodes[fact.binary] = Node("Object", "0:Default Binary", place, "HasEncoding", "i=76", None)
    return nodes


def _of_fact(fact: Fact) -> Node:
    is_type = fact.kind in TYPES
    rules = {"M": "i=78", "O": "i=80", "OP": "i=11508"}
    has_type = fact.data_type is not None
    return Node(
        _CLASSES[fact.kind],
        f"{'0' if fact.base_name else 'mv'}:{fact.name}",
        _id(fact.parent),
        "HasSubtype" if is_type else {"C": "HasComponent", "P": "HasProperty"}[fact.reference],
        _id(fact.type) if fact.type else None,
        rules.get(fact.rule),
        _id(fact.data_type.ref) if has_type else None,
        fact.data_type.rank if has_type else -1,
    )


def _id(ref: Ref) -> str:
    return f"{'i' if ref.base else 'mv'}={ref.number}"


def from_nodeset(file: Path) -> dict[int, Node]:
    """Return what the official file says."""
    root = ET.parse(file).getroot()
    aliases = {each.get("Alias"): each.text for each in root.find(f"{_SPACE}Aliases")}

    def id_of(text: str) -> str:
        return aliases.get(text, text).replace("ns=1;i=", "mv=")

    elements = {
        id_of(each.get("NodeId")): each
        for each in root
        if each.tag.startswith(f"{_SPACE}UA") and each.get("NodeId")
    }
    links: dict[str, list[tuple[str, str, str]]] = {node: [] for node in elements}
    for node, element in elements.items():
        for reference in element.find(f"{_SPACE}References"):
            kind, target = id_of(reference.get("ReferenceType")), id_of(reference.text)
            if kind in _HIERARCHICAL and reference.get("IsForward") == "false":
                links[node].append(("parent", kind, target))
            elif kind in _HIERARCHICAL and target in links:
                links[target].append(("parent", kind, node))
            elif kind in (_TYPE, _RULE) and reference.get("IsForward") != "false":
                links[node].append((kind, kind, target))
    nodes = {}
    for node, element in elements.items():
        parent = next(((kind, target) for what, kind, target in links[node] if what == "parent"), ("", ""))
        name = element.get("BrowseName")
        is_typed = element.tag.endswith(("UAVariable", "UAVariableType"))
        nodes[int(node.removeprefix("mv="))] = Node(
            element.tag.removeprefix(f"{_SPACE}UA"),
            f"mv:{name[2:]}" if name.startswith("1:") else f"0:{name}",
            parent[1],
            _HIERARCHICAL.get(parent[0], ""),
            next((target for what, _, target in links[node] if what == _TYPE), None),
            next((target for what, _, target in links[node] if what == _RULE), None),
            id_of(element.get("DataType", "i=24")) if is_typed else None,
            int(element.get("ValueRank", "-1")),
        )
    return nodes


async def from_server(client: Client) -> dict[int, Node]:
    """Return every node of the standard's namespace below Types, as a client sees it."""
    index = await client.get_namespace_index(URI)
    seen: dict[ua.NodeId, tuple[str, str]] = {}
    level = [ua.NodeId(ua.ObjectIds.TypesFolder)]
    while level:
        following = []
        for parent, references in [
            pair async for pair in _browse(client, level, ua.ObjectIds.HierarchicalReferences)
        ]:
            for reference in references:
                node = reference.NodeId
                if node not in seen:
                    kind = _HIERARCHICAL.get(_text(reference.ReferenceTypeId, index), "")
                    seen[node] = (_text(parent, index), kind)
                    following.append(node)
        for parent, references in [pair async for pair in _browse(client, level, ua.ObjectIds.HasEncoding)]:
            for reference in references:
                seen[reference.NodeId] = (_text(parent, index), "HasEncoding")
        level = following
    mine = [node for node in seen if node.NamespaceIndex == index]
    kinds = {
        node: _only(refs, index) async for node, refs in _browse(client, mine, ua.ObjectIds.HasTypeDefinition)
    }
    rules = {
        node: _only(refs, index) async for node, refs in _browse(client, mine, ua.ObjectIds.HasModellingRule)
    }
    nodes = {}
    for node in mine:
        node_class, name, data_type, rank = await client.get_node(node).read_attributes(
            [
                ua.AttributeIds.NodeClass,
                ua.AttributeIds.BrowseName,
                ua.AttributeIds.DataType,
                ua.AttributeIds.ValueRank,
            ]
        )
        nodes[node.Identifier] = Node(
            ua.NodeClass(node_class.Value.Value).name,
            f"{'mv' if name.Value.Value.NamespaceIndex == index else '0'}:{name.Value.Value.Name}",
            *seen[node],
            kinds[node],
            rules[node],
            _text(data_type.Value.Value, index) if data_type.StatusCode.is_good() else None,
            rank.Value.Value if rank.StatusCode.is_good() else -1,
        )
    return nodes


async def _browse(
    client: Client, nodes: list[ua.NodeId], reference: int
) -> AsyncIterator[tuple[ua.NodeId, list[ua.ReferenceDescription]]]:
    for batch in _batched(nodes):
        parameters = ua.BrowseParameters()
        for node in batch:
            wanted = ua.BrowseDescription()
            wanted.NodeId, wanted.ReferenceTypeId = node, ua.NodeId(reference)
            wanted.BrowseDirection, wanted.IncludeSubtypes = ua.BrowseDirection.Forward, True
            wanted.ResultMask = 63
            parameters.NodesToBrowse.append(wanted)
        for node, result in zip(batch, await client.uaclient.browse(parameters), strict=True):
            yield node, result.References


def _batched(nodes: list[ua.NodeId]) -> Iterator[list[ua.NodeId]]:
    for start in range(0, len(nodes), _BATCH):
        yield nodes[start : start + _BATCH]


def _only(references: list[ua.ReferenceDescription], index: int) -> str | None:
    return _text(references[0].NodeId, index) if references else None


def _text(node: ua.NodeId, index: int) -> str:
    return f"{'mv' if node.NamespaceIndex == index else 'i'}={node.Identifier}"


async def _compare(bench: OpcUaBench, expected: dict[int, Node]) -> int:
    async with Client(bench.url) as client:
        found = await from_server(client)
    lines = list(differences(expected, found))
    print("\n".join(lines) or f"{len(found)} nodes are as the file says ({len(expected)} in it)")
    return bool(lines)


def main() -> int:
    """Compare the server with the file; 1 when they differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--nodeset", type=Path, required=True, metavar="FILE", help="the official NodeSet2.xml"
    )
    file = parser.parse_args().nodeset
    with tempfile.TemporaryDirectory() as folder, OpcUaBench(Path(folder), allow_none=True) as bench:
        return asyncio.run(_compare(bench, from_nodeset(file)))


if __name__ == "__main__":
    sys.exit(main())
