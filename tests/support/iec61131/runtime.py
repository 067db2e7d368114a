"""Checks the tree and turns it into functions that run it; nothing is converted by itself.

A variable's value is a bool, an int, a float (seconds, TIME), a list (array), a dict (structure) or a block.
"""

import copy
import operator
from collections.abc import Callable
from typing import Any

from tests.support.iec61131.lexer import StError
from tests.support.iec61131.library import BLOCKS, CONVERSIONS, INTERFACES, RANGES
from tests.support.iec61131.parser import ELEMENTARY, Node, Pou, Text

Values = dict[str, Any]
Compiled = tuple[str, Callable[[Values], Any]]
_COMPARE = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ARITHMETIC = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
    "MOD": operator.mod,
}
_LOGIC = {"AND": operator.and_, "OR": operator.or_, "XOR": operator.xor}
_NUMBERS = ("INT", "UINT", "UDINT")


class Block:
    """An instance of a function block or program of the text."""

    def __init__(self, values: Values, body: Callable[[Values], None]) -> None:
        self.values, self._body = values, body

    def __call__(self) -> None:
        """Run it once with the inputs as they are."""
        self._body(self.values)


class Program:
    """The checked text. ``new(name)`` makes an instance of one of its blocks or programs."""

    def __init__(self, text: Text, clock: Callable[[], float]) -> None:
        self._text, self._clock = text, clock
        self._bodies = {name: _Compiler(text, pou, self).body() for name, pou in text.pous.items()}
        for program in text.programs.values():
            if program not in text.pous or text.pous[program].kind != "PROGRAM":
                raise StError(f"the configuration runs {program}, which is no program")

    def new(self, name: str) -> Block:
        """Return a fresh instance of the block or program, its variables at their initial values."""
        pou = self._text.pous[name]
        return Block(self.variables(pou), self._bodies[name])

    def variables(self, pou: Pou) -> Values:
        """Return a POU's variables at their initial values."""
        return {
            name: self.initial(declared.type) if declared.initial is None else declared.initial.parts[1]
            for name, declared in pou.variables.items()
        }

    def initial(self, kind: str) -> Any:
        """Return the initial value of a type."""
        if kind in ELEMENTARY:
            return {"BOOL": False, "TIME": 0.0}.get(kind, 0)
        if kind in BLOCKS:
            return BLOCKS[kind](self._clock)
        if kind in self._text.arrays:
            low, high, element = self._text.arrays[kind]
            return [self.initial(element) for _ in range(low, high + 1)]
        if kind in self._text.structures:
            return {name: self.initial(of) for name, of in self._text.structures[kind].items()}
        return self.new(kind)

    def call(self, name: str, arguments: Values) -> Any:
        """Call a function of the text."""
        pou = self._text.pous[name]
        values = self.variables(pou) | {name: self.initial(pou.result)} | arguments
        self._bodies[name](values)
        return values[name]


class _Compiler:
    """One POU."""

    def __init__(self, text: Text, pou: Pou, program: Program) -> None:
        self._text, self._pou, self._program = text, pou, program

    def body(self) -> Callable[[Values], None]:
        for declared in self._pou.variables.values():
            if declared.initial is not None:
                found, _ = self._expression(declared.initial)
                if declared.initial.kind != "literal" or found != declared.type:
                    raise StError(f"{declared.name}: {declared.type} begins as {found}")
            if self._pou.kind == "FUNCTION" and declared.type not in ELEMENTARY:
                raise StError(f"{self._pou.name}: {declared.name} is no elementary value")
        return self._run(self._pou.body)

    def _run(self, statements: tuple[Node, ...]) -> Callable[[Values], None]:
        steps = [getattr(self, f"_{node.kind}")(node) for node in statements]

        def run(values: Values) -> None:
            for step in steps:
                step(values)

        return run

    # Statements

    def _assign(self, node: Node) -> Callable[[Values], None]:
        target, source = node.parts
        kind, store = self._store(target)
        found, value = self._expression(source)
        self._same(kind, found, node)
        if kind in ELEMENTARY:
            return lambda values: store(values, value(values))
        return lambda values: store(values, copy.deepcopy(value(values)))

    def _invoke(self, node: Node) -> Callable[[Values], None]:
        name, arguments = node.parts
        kind = self._variable_type(name, node)
        interface = self._interface(kind, node)
        given = {}
        for argument, expression in arguments:
            section, wanted = interface.get(argument, ("", ""))
            if section != "VAR_INPUT" or argument in given:
                self._fail(node, f"{kind} has no input {argument}, or it is given twice")
            found, value = self._expression(expression)
            self._same(wanted, found, node)
            given[argument] = value

        def run(values: Values) -> None:
            block = values[name]
            for argument, value in given.items():
                found = value(values)
                block.values[argument] = list(found) if isinstance(found, list) else found
            block()

        return run

    def _if(self, node: Node) -> Callable[[Values], None]:
        branches, otherwise = node.parts
        compiled = [(self._truth(condition), self._run(body)) for condition, body in branches]
        last = self._run(otherwise)

        def run(values: Values) -> None:
            for condition, body in compiled:
                if condition(values):
                    body(values)
                    return
            last(values)

        return run

    def _case(self, node: Node) -> Callable[[Values], None]:
        selector, branches, otherwise = node.parts
        found, value = self._expression(selector)
        self._same("INT", found, node)
        bodies: dict[int, Callable[[Values], None]] = {}
        for labels, statements in branches:
            for label in labels:
                if label in bodies:
                    self._fail(node, f"label {label} twice")
                bodies[label] = self._run(statements)
        last = self._run(otherwise)
        return lambda values: bodies.get(value(values), last)(values)

    def _for(self, node: Node) -> Callable[[Values], None]:
        name, first, last, statements = node.parts
        self._same("INT", self._variable_type(name, node), node)
        bounds = []
        for bound in (first, last):
            found, value = self._expression(bound)
            self._same("INT", found, node)
            bounds.append(value)
        body = self._run(statements)

        def run(values: Values) -> None:
            for index in range(bounds[0](values), bounds[1](values) + 1):
                values[name] = index
                body(values)

        return run

    # Places that are written

    def _store(self, node: Node) -> tuple[str, Callable[[Values, Any], None]]:
        if node.kind == "name":
            return self._store_name(node)
        base, key = node.parts
        root = base
        while root.kind != "name":
            root = root.parts[0]
        self._writable(root.parts[0], node)
        kind, value = self._expression(base)
        if node.kind == "field":
            elements = self._text.structures.get(kind)
            if elements is None or key not in elements:
                self._fail(node, f"{kind} has no element {key} to write")
            return elements[key], lambda values, new: value(values).__setitem__(key, new)
        element, index = self._index(kind, key, node)
        return element, lambda values, new: value(values).__setitem__(index(values), new)

    def _store_name(self, node: Node) -> tuple[str, Callable[[Values, Any], None]]:
        (name,) = node.parts
        if name == self._pou.name and self._pou.kind == "FUNCTION":
            return self._pou.result, lambda values, new: values.__setitem__(name, new)
        self._writable(name, node)
        kind = self._variable_type(name, node)
        if kind in BLOCKS or kind in self._text.pous:
            self._fail(node, f"{name} is a block")
        return kind, lambda values, new: values.__setitem__(name, new)

    def _writable(self, name: str, node: Node) -> None:
        declared = self._pou.variables.get(name)
        if declared is None or declared.section == "VAR_INPUT" or declared.place.startswith("%I"):
            self._fail(node, f"{name} is not to be written")

    # Expressions

    def _expression(self, node: Node) -> Compiled:
        return getattr(self, f"_value_{node.kind}")(node)

    def _truth(self, node: Node) -> Callable[[Values], Any]:
        found, value = self._expression(node)
        self._same("BOOL", found, node)
        return value

    def _value_literal(self, node: Node) -> Compiled:
        kind, value = node.parts
        if kind in RANGES and not RANGES[kind][0] <= value <= RANGES[kind][1]:
            self._fail(node, f"{value} is no {kind}")
        return kind, lambda _: value

    def _value_name(self, node: Node) -> Compiled:
        (name,) = node.parts
        return self._variable_type(name, node), lambda values: values[name]

    def _value_field(self, node: Node) -> Compiled:
        base, key = node.parts
        kind, value = self._expression(base)
        if kind in self._text.structures:
            elements = self._text.structures[kind]
            if key not in elements:
                self._fail(node, f"{kind} has no element {key}")
            return elements[key], lambda values: value(values)[key]
        section, found = self._interface(kind, node).get(key, ("", ""))
        if section != "VAR_OUTPUT":
            self._fail(node, f"{kind} has no output {key}")
        return found, lambda values: value(values).values[key]

    def _value_index(self, node: Node) -> Compiled:
        base, key = node.parts
        kind, value = self._expression(base)
        element, index = self._index(kind, key, node)
        return element, lambda values: value(values)[index(values)]

    def _index(self, kind: str, key: Node, node: Node) -> Compiled:
        if kind not in self._text.arrays:
            self._fail(node, f"{kind} is no array")
        low, high, element = self._text.arrays[kind]
        found, value = self._expression(key)
        self._same("INT", found, node)
        if key.kind == "literal" and not low <= key.parts[1] <= high:
            self._fail(node, f"index {key.parts[1]} is outside {low}..{high}")

        def index(values: Values) -> int:
            at = value(values)
            if not low <= at <= high:
                self._fail(node, f"index {at} is outside {low}..{high}")
            return at - low

        return element, index

    def _value_not(self, node: Node) -> Compiled:
        value = self._truth(node.parts[0])
        return "BOOL", lambda values: not value(values)

    def _value_binary(self, node: Node) -> Compiled:
        sign, left, right = node.parts
        kind, first = self._expression(left)
        found, second = self._expression(right)
        self._same(kind, found, node)
        if sign in _LOGIC and kind in {"BOOL", "WORD"}:
            apply = _LOGIC[sign]
            return kind, lambda values: apply(first(values), second(values))
        if sign in _COMPARE and (kind in _NUMBERS or (sign in {"=", "<>"} and kind == "WORD")):
            apply = _COMPARE[sign]
            return "BOOL", lambda values: apply(first(values), second(values))
        if sign not in _ARITHMETIC or kind not in _NUMBERS:
            self._fail(node, f"{kind} {sign} {found}")
        apply = _ARITHMETIC[sign]
        return kind, lambda values: self._in_range(kind, apply(first(values), second(values)), node)

    def _value_call(self, node: Node) -> Compiled:
        name, arguments = node.parts
        if name in CONVERSIONS:
            source, target = CONVERSIONS[name]
            if isinstance(arguments, tuple):
                self._fail(node, f"{name} takes one unnamed value")
            found, value = self._expression(arguments)
            self._same(source, found, node)
            return target, lambda values: self._in_range(target, value(values), node)
        pou = self._text.pous.get(name)
        if pou is None or pou.kind != "FUNCTION" or not isinstance(arguments, tuple):
            self._fail(node, f"{name} is no function, or its inputs are not named")
        given = {}
        for argument, expression in arguments:
            found, value = self._expression(expression)
            self._same(pou.variables[argument].type, found, node)
            given[argument] = value
        if set(given) != set(pou.variables):
            self._fail(node, f"{name} wants {sorted(pou.variables)}")
        return pou.result, lambda values: self._program.call(
            name, {argument: value(values) for argument, value in given.items()}
        )

    # Rules

    def _variable_type(self, name: str, node: Node) -> str:
        if name not in self._pou.variables:
            self._fail(node, f"{name} is not declared")
        return self._pou.variables[name].type

    def _interface(self, kind: str, node: Node) -> dict[str, tuple[str, str]]:
        if kind in INTERFACES:
            return INTERFACES[kind]
        pou = self._text.pous.get(kind)
        if pou is None or pou.kind != "FUNCTION_BLOCK":
            self._fail(node, f"{kind} is no block")
        return {name: (declared.section, declared.type) for name, declared in pou.variables.items()}

    def _in_range(self, kind: str, value: int, node: Node) -> int:
        low, high = RANGES[kind]
        if not low <= value <= high:
            self._fail(node, f"{value} overflows {kind}")
        return value

    def _same(self, wanted: str, found: str, node: Node) -> None:
        if wanted != found:
            self._fail(node, f"{found} where {wanted} is wanted")

    def _fail(self, node: Node, why: str) -> Any:
        raise StError(f"{self._pou.name}, line {node.line}: {why}")
