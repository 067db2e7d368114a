"""The standard's types as nodes, made from the table under the standard's numbers."""

from typing import Any

from asyncua import ua

from edge_service.gateway.opcua.machine_vision.structures import variant_kind
from edge_service.gateway.opcua.machine_vision.table import TABLE, TYPES, Fact, Member, Ref, TypeOf

_CLASSES = {
    "O": (ua.NodeClass.Object, ua.ObjectAttributes),
    "V": (ua.NodeClass.Variable, ua.VariableAttributes),
    "M": (ua.NodeClass.Method, ua.MethodAttributes),
    "OT": (ua.NodeClass.ObjectType, ua.ObjectTypeAttributes),
    "VT": (ua.NodeClass.VariableType, ua.VariableTypeAttributes),
    "RT": (ua.NodeClass.ReferenceType, ua.ReferenceTypeAttributes),
    "DT": (ua.NodeClass.DataType, ua.DataTypeAttributes),
}
_REFERENCES = {
    "C": ua.ObjectIds.HasComponent,
    "P": ua.ObjectIds.HasProperty,
    "S": ua.ObjectIds.HasSubtype,
}
_RULES = {"M": 78, "O": 80, "OP": 11508}
_PROPERTY = ua.NodeId(ua.ObjectIds.PropertyType)
_STRUCTURE = 22


class Types:
    """Makes them in a server, in the namespace with that index."""

    def __init__(self, iserver: Any, index: int) -> None:
        self._iserver, self.index = iserver, index

    def make(self) -> None:
        """Make every node, then the references between states and transitions."""
        for fact in sorted(TABLE.values(), key=self._depth):
            self._make(fact)
        for fact in TABLE.values():
            self._refer(fact)

    def node(self, ref: Ref) -> ua.NodeId:
        """Return a node's id."""
        return ua.NodeId(ref.number, 0 if ref.base else self.index)

    def arguments(self, members: tuple[Member, ...]) -> list[ua.Argument]:
        """Return a method's arguments as clients read them."""
        return [self._argument(member) for member in members]

    @staticmethod
    def _depth(fact: Fact) -> tuple[int, int]:
        depth, above = 0, fact
        while not above.parent.base:
            depth, above = depth + 1, TABLE[above.parent.number]
        order = {"RT": 0, "DT": 1, "VT": 2, "OT": 3}
        return order.get(fact.kind, 4), depth

    def _make(self, fact: Fact) -> None:
        node_class, attributes = _CLASSES[fact.kind]
        given = attributes()
        if fact.kind in ("OT", "VT", "RT", "DT"):
            given.IsAbstract = fact.abstract
        if fact.kind == "DT":
            given.DataTypeDefinition = self._definition(fact)
        if fact.kind in ("V", "VT") and fact.data_type is not None:
            self._typed(given, fact.data_type)
        if fact.kind == "V":
            given.AccessLevel = given.UserAccessLevel = fact.access & 1
        if fact.kind == "M":
            given.Executable = given.UserExecutable = True
        self._add(
            Ref(fact.number),
            ua.QualifiedName(fact.name, 0 if fact.base_name else self.index),
            node_class,
            given,
            (fact.parent, fact.reference, fact.type, fact.rule),
        )
        self._properties(fact)

    def _properties(self, fact: Fact) -> None:
        declared = TABLE[fact.of] if fact.of else fact
        for title, mine, source in (
            ("InputArguments", fact.inputs, declared.inputs),
            ("OutputArguments", fact.outputs, declared.outputs),
        ):
            if mine is not None and source is not None:
                kind = TypeOf(Ref(296, base=True), 1)
                self._property(fact, mine[0], title, kind, self.arguments(source[1]))
        if fact.state is not None:
            title = "TransitionNumber" if fact.source else "StateNumber"
            self._property(fact, fact.state[0], title, TypeOf(Ref(7, base=True)), fact.state[1])
        if fact.values is not None:
            values = [
                ua.EnumValueType(Value=number, DisplayName=ua.LocalizedText(name))
                for name, number in fact.choices
            ]
            self._property(fact, fact.values, "EnumValues", TypeOf(Ref(7594, base=True), 1), values)
        if fact.binary is not None:
            place = (Ref(fact.number), "E", Ref(76, base=True), "-")
            name = ua.QualifiedName("Default Binary", 0)
            self._add(Ref(fact.binary), name, ua.NodeClass.Object, ua.ObjectAttributes(), place)

    def _property(self, fact: Fact, number: int, title: str, kind: TypeOf, value: Any) -> None:
        given = ua.VariableAttributes()
        self._typed(given, kind)
        variant = ua.VariantType.ExtensionObject if kind.rank == 1 else variant_kind(kind)
        given.Value = ua.Variant(value, variant, is_array=kind.rank == 1)
        given.AccessLevel = given.UserAccessLevel = 1
        place = (Ref(fact.number), "P", Ref(68, base=True), "M")
        self._add(Ref(number), ua.QualifiedName(title, 0), ua.NodeClass.Variable, given, place)

    def _typed(self, given: Any, kind: TypeOf) -> None:
        given.DataType = self.node(kind.ref)
        given.ValueRank = kind.rank
        given.ArrayDimensions = [0] if kind.rank == 1 else []
        given.Value = ua.Variant(None, ua.VariantType.Null)

    def _definition(self, fact: Fact) -> Any:
        if fact.choices:
            definition = ua.EnumDefinition()
            definition.Fields = [ua.EnumField(Name=name, Value=number) for name, number in fact.choices]
            return definition
        if fact.binary is None:
            return ua.ExtensionObject()
        definition = ua.StructureDefinition()
        members, above = fact.members, fact
        while not above.parent.base:
            above = TABLE[above.parent.number]
            members = (*above.members, *members)
        definition.DefaultEncodingId = ua.NodeId(fact.binary, self.index)
        definition.BaseDataType = self.node(fact.parent)
        some = any(member.optional for member in members)
        kind = ua.StructureType
        definition.StructureType = kind.StructureWithOptionalFields if some else kind.Structure
        definition.Fields = [self._field(member) for member in members]
        return definition

    def _field(self, member: Member) -> ua.StructureField:
        made = ua.StructureField()
        made.Name, made.DataType = member.name, self.node(member.type.ref)
        made.ValueRank, made.IsOptional = member.type.rank, member.optional
        made.ArrayDimensions = [0] if member.type.rank == 1 else []
        return made

    def _argument(self, member: Member) -> ua.Argument:
        made = ua.Argument()
        made.Name, made.DataType, made.ValueRank = member.name, self.node(member.type.ref), member.type.rank
        made.ArrayDimensions = [0] if member.type.rank == 1 else []
        return made

    def _add(
        self,
        ref: Ref,
        name: ua.QualifiedName,
        node_class: ua.NodeClass,
        given: Any,
        place: tuple[Ref, str, Ref | None, str],
    ) -> None:
        parent, reference, kind, rule = place
        given.DisplayName = ua.LocalizedText(name.Name)
        item = ua.AddNodesItem()
        item.RequestedNewNodeId, item.BrowseName, item.NodeClass = self.node(ref), name, node_class
        item.ParentNodeId = self.node(parent)
        item.ReferenceTypeId = ua.NodeId(_REFERENCES.get(reference, ua.ObjectIds.HasEncoding))
        item.TypeDefinition = self.node(kind) if kind else ua.NodeId()
        item.NodeAttributes = given
        (result,) = self._iserver.node_mgt_service.add_nodes([item])
        result.StatusCode.check()
        if rule in _RULES:
            self.refer(self.node(ref), ua.NodeId(ua.ObjectIds.HasModellingRule), ua.NodeId(_RULES[rule]))

    def _refer(self, fact: Fact) -> None:
        me = ua.NodeId(fact.number, self.index)
        if fact.source and fact.target:
            source, target = ua.NodeId(fact.source, self.index), ua.NodeId(fact.target, self.index)
            self.both(me, ua.NodeId(ua.ObjectIds.FromState), source)
            self.both(me, ua.NodeId(ua.ObjectIds.ToState), target)
            self.both(source, ua.NodeId(4003, self.index), me)
            self.both(target, ua.NodeId(4002, self.index), me)
        for cause in fact.causes:
            self.both(me, ua.NodeId(ua.ObjectIds.HasCause), ua.NodeId(cause, self.index))
        for effect in fact.effects:
            self.both(me, ua.NodeId(ua.ObjectIds.HasEffect), ua.NodeId(effect, self.index))
        if fact.sub_machine:
            machine = ua.NodeId(fact.sub_machine, self.index)
            self.both(me, ua.NodeId(ua.ObjectIds.HasSubStateMachine), machine)

    def both(self, source: ua.NodeId, reference: ua.NodeId, target: ua.NodeId) -> None:
        """Add a reference that can be followed either way."""
        self.refer(source, reference, target)
        self.refer(target, reference, source, forward=False)

    def refer(
        self, source: ua.NodeId, reference: ua.NodeId, target: ua.NodeId, *, forward: bool = True
    ) -> None:
        """Add a reference."""
        item = ua.AddReferencesItem()
        item.SourceNodeId, item.ReferenceTypeId, item.TargetNodeId = source, reference, target
        item.IsForward = forward
        item.TargetNodeClass = ua.NodeClass.Object
        (status,) = self._iserver.node_mgt_service.add_references([item])
        status.check()


assert all(fact.kind in TYPES or fact.type is not None or fact.kind == "M" for fact in TABLE.values())
