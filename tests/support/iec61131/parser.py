"""Tokens to a tree, after the productions of IEC 61131-3, annex B."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.iec61131.lexer import KEYWORDS, StError, Token, tokens

ELEMENTARY = ("BOOL", "WORD", "INT", "UINT", "UDINT", "TIME")
LIBRARY = ("TON", "CTU")
_SECTIONS = ("VAR_INPUT", "VAR_OUTPUT", "VAR")
_BINARY = (("OR",), ("XOR",), ("AND",), ("=", "<>"), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "MOD"))


@dataclass(frozen=True)
class Node:
    """An expression or statement: what it is, its parts, its line."""

    kind: str
    parts: tuple[Any, ...]
    line: int


@dataclass(frozen=True)
class Declared:
    """A variable."""

    name: str
    type: str
    section: str
    initial: Node | None
    place: str


@dataclass
class Pou:
    """A function, function block or program."""

    kind: str
    name: str
    result: str
    variables: dict[str, Declared] = field(default_factory=dict)
    body: tuple[Node, ...] = ()


@dataclass
class Text:
    """A whole file."""

    arrays: dict[str, tuple[int, int, str]] = field(default_factory=dict)
    structures: dict[str, dict[str, str]] = field(default_factory=dict)
    pous: dict[str, Pou] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)  # instance to program, from the configuration

    def is_type(self, name: str) -> bool:
        """Whether a variable may be of that type."""
        blocks = {pou.name for pou in self.pous.values() if pou.kind == "FUNCTION_BLOCK"}
        return name in {*ELEMENTARY, *LIBRARY, *self.arrays, *self.structures, *blocks}


def parse(text: str) -> Text:
    """Return the file's declarations; raises StError with the line."""
    return _Parser(tokens(text)).file()


class _Parser:
    def __init__(self, stream: list[Token]) -> None:
        self._stream, self._at = stream, 0
        self._text = Text()

    def file(self) -> Text:
        while self._now.kind != "end":
            word = self._word()
            if word == "TYPE":
                self._types()
            elif word == "CONFIGURATION":
                self._configuration()
            elif word in {"FUNCTION", "FUNCTION_BLOCK", "PROGRAM"}:
                self._pou(word)
            else:
                self._fail(f"{word} where a declaration should begin")
        return self._text

    # Declarations

    def _types(self) -> None:
        while not self._take("END_TYPE"):
            name = self._new_name({*self._text.arrays, *self._text.structures})
            self._need(":")
            if self._take("ARRAY"):
                self._need("[")
                low = int(self._next("number"))
                self._need("..")
                high = int(self._next("number"))
                self._need("]")
                self._need("OF")
                self._text.arrays[name] = (low, high, self._type())
            else:
                self._need("STRUCT")
                elements: dict[str, str] = {}
                while not self._take("END_STRUCT"):
                    element = self._new_name(elements)
                    self._need(":")
                    elements[element] = self._type()
                    self._need(";")
                self._text.structures[name] = elements
            self._need(";")

    def _pou(self, kind: str) -> None:
        name = self._new_name({*self._text.pous, *self._text.arrays, *self._text.structures})
        result = ""
        if kind == "FUNCTION":
            self._need(":")
            result = self._type()
        pou = Pou(kind, name, result)
        while self._now.text in _SECTIONS:
            self._section(pou)
        pou.body = self._statements({f"END_{kind}"})
        self._need(f"END_{kind}")
        self._text.pous[name] = pou

    def _section(self, pou: Pou) -> None:
        section = self._word()
        located = set()
        while not self._take("END_VAR"):
            name = self._new_name({*pou.variables, pou.name})
            if self._text.is_type(name) or name in self._text.pous:
                self._fail(f"{name} is a type or a block")
            place = self._next("place") if self._take("AT") else ""
            self._need(":")
            kind = self._type()
            initial = self._expression() if self._take(":=") else None
            self._need(";")
            located.add(bool(place))
            pou.variables[name] = Declared(name, kind, section, initial, place)
        if len(located) > 1:
            self._fail("located and other variables in one block")

    def _configuration(self) -> None:
        self._next("word")
        self._need("RESOURCE")
        self._next("word")
        self._need("ON")
        self._next("word")
        self._need("TASK")
        task = self._word()
        for part in ("(", "INTERVAL", ":="):
            self._need(part)
        self._next("time")
        for part in (",", "PRIORITY", ":="):
            self._need(part)
        self._next("number")
        self._need(")")
        self._need(";")
        self._need("PROGRAM")
        instance = self._word()
        self._need("WITH")
        self._need(task)
        self._need(":")
        self._text.programs[instance] = self._word()
        for part in (";", "END_RESOURCE", "END_CONFIGURATION"):
            self._need(part)

    def _type(self) -> str:
        name = self._word()
        if not self._text.is_type(name):
            self._fail(f"{name} is no type declared above")
        return name

    def _new_name(self, taken: Any) -> str:
        name = self._word()
        if name in KEYWORDS:
            self._fail(f"{name} is reserved")
        if name in taken:
            self._fail(f"{name} is declared twice")
        return name

    # Statements

    def _statements(self, ends: set[str]) -> tuple[Node, ...]:
        found = []
        while self._now.text not in ends and not self._at_label():
            found.append(self._statement())
        return tuple(found)

    def _at_label(self) -> bool:
        return self._now.kind == "number"

    def _statement(self) -> Node:
        line = self._now.line
        if self._take("IF"):
            return self._if(line)
        if self._take("CASE"):
            return self._case(line)
        if self._take("FOR"):
            return self._for(line)
        target = self._variable()
        if target.kind == "name" and self._take("("):
            node = Node("invoke", (target.parts[0], self._arguments()), line)
        else:
            self._need(":=")
            node = Node("assign", (target, self._expression()), line)
        self._need(";")
        return node

    def _if(self, line: int) -> Node:
        branches, otherwise = [], ()
        while True:
            condition = self._expression()
            self._need("THEN")
            branches.append((condition, self._statements({"ELSIF", "ELSE", "END_IF"})))
            if not self._take("ELSIF"):
                break
        if self._take("ELSE"):
            otherwise = self._statements({"END_IF"})
        self._need("END_IF")
        self._need(";")
        return Node("if", (tuple(branches), otherwise), line)

    def _case(self, line: int) -> Node:
        selector = self._expression()
        self._need("OF")
        branches, otherwise = [], ()
        while self._at_label():
            labels = [int(self._next("number"))]
            while self._take(","):
                labels.append(int(self._next("number")))
            self._need(":")
            branches.append((tuple(labels), self._statements({"ELSE", "END_CASE"})))
        if self._take("ELSE"):
            otherwise = self._statements({"END_CASE"})
        self._need("END_CASE")
        self._need(";")
        return Node("case", (selector, tuple(branches), otherwise), line)

    def _for(self, line: int) -> Node:
        name = self._word()
        self._need(":=")
        first = self._expression()
        self._need("TO")
        last = self._expression()
        self._need("DO")
        body = self._statements({"END_FOR"})
        self._need("END_FOR")
        self._need(";")
        return Node("for", (name, first, last, body), line)

    def _arguments(self) -> tuple[tuple[str, Node], ...]:
        found = []
        while True:
            name = self._word()
            self._need(":=")
            found.append((name, self._expression()))
            if not self._take(","):
                self._need(")")
                return tuple(found)

    # Expressions

    def _expression(self, level: int = 0) -> Node:
        if level == len(_BINARY):
            return self._unary()
        left = self._expression(level + 1)
        while self._now.text in _BINARY[level]:
            line, operator = self._now.line, self._now.text
            self._at += 1
            left = Node("binary", (operator, left, self._expression(level + 1)), line)
        return left

    def _unary(self) -> Node:
        line = self._now.line
        if self._take("NOT"):
            return Node("not", (self._unary(),), line)
        if self._take("-"):
            return Node("literal", ("INT", -int(self._next("number"))), line)
        if self._take("("):
            inner = self._expression()
            self._need(")")
            return inner
        kind, text = self._now.kind, self._now.text
        if kind == "word" and text not in {"TRUE", "FALSE"}:
            target = self._variable()
            if target.kind == "name" and self._take("("):
                return Node("call", (target.parts[0], self._call_arguments()), line)
            return target
        self._at += 1
        return Node("literal", self._literal(kind, text), line)

    def _call_arguments(self) -> Any:
        if self._stream[self._at + 1].text == ":=":
            return self._arguments()
        inner = self._expression()
        self._need(")")
        return inner

    def _literal(self, kind: str, text: str) -> tuple[str, Any]:
        if kind == "number":
            return "INT", int(text)
        if kind == "time":
            seconds = text.endswith("s") and not text.endswith("ms")
            return "TIME", int(text[2:].rstrip("ms")) / (1 if seconds else 1000)
        if kind == "typed":
            name, _, digits = text.partition("#")
            if name in {"UINT", "UDINT", "WORD"}:
                return name, int(digits[3:], 16) if digits.startswith("16#") else int(digits)
        if text in {"TRUE", "FALSE"}:
            return "BOOL", text == "TRUE"
        return self._fail(f"{text!r} where a value should stand")

    def _variable(self) -> Node:
        line = self._now.line
        node = Node("name", (self._word(),), line)
        while True:
            if self._take("."):
                node = Node("field", (node, self._word()), line)
            elif self._take("["):
                node = Node("index", (node, self._expression()), line)
                self._need("]")
            else:
                return node

    # Tokens

    @property
    def _now(self) -> Token:
        return self._stream[self._at]

    def _take(self, text: str) -> bool:
        taken = self._now.text == text
        self._at += taken
        return taken

    def _need(self, text: str) -> None:
        if not self._take(text):
            self._fail(f"{self._now.text!r} where {text} should stand")

    def _next(self, kind: str) -> str:
        if self._now.kind != kind:
            self._fail(f"{self._now.text!r} where a {kind} should stand")
        self._at += 1
        return self._stream[self._at - 1].text

    def _word(self) -> str:
        return self._next("word")

    def _fail(self, why: str) -> Any:
        raise StError(f"line {self._now.line}: {why}")
