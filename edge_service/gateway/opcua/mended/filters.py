"""Event filters: ``OfType`` means the type and its subtypes, ``Between`` its lower and upper bound."""

from typing import Any

from asyncua import ua
from asyncua.server.monitored_item_service import WhereClauseEvaluator

_HAS_SUBTYPE = ua.NodeId(ua.ObjectIds.HasSubtype)


class MendedWhere(WhereClauseEvaluator):
    """Says whether an event passes a client's filter."""

    def _eval_el(self, index: int, event: Any) -> Any:
        element = self.elements[index]
        operands = element.FilterOperands
        if element.FilterOperator == ua.FilterOperator.OfType:
            return self._is_of_type(event.EventType, self._eval_op(operands[0], event))
        if element.FilterOperator == ua.FilterOperator.Between:
            value, least, most = (self._eval_op(operand, event) for operand in operands[:3])
            return least <= value <= most
        return super()._eval_el(index, event)

    def _is_of_type(self, kind: ua.NodeId | None, wanted: ua.NodeId) -> bool:
        while kind is not None:
            if kind == wanted:
                return True
            node = self._aspace.get(kind)
            kind = next(
                (
                    ref.NodeId
                    for ref in (node.references if node else ())
                    if ref.ReferenceTypeId == _HAS_SUBTYPE and not ref.IsForward
                ),
                None,
            )
        return False
