"""Variables, types and comments of Structured Text, written the same way everywhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from edge_service.language import say


@dataclass(frozen=True, slots=True)
class Variable:
    """One declared variable or structure element."""

    name: str
    kind: str  # its type
    en: str
    zh: str
    initial: str = ""
    at: str = ""  # where a located one lies, e.g. %IW100

    def line(self) -> str:
        """Return the declaration with its meaning behind it."""
        place = f" AT {self.at}" if self.at else ""
        initial = f" := {self.initial}" if self.initial else ""
        declared = f"{self.name}{place} : {self.kind}{initial};"
        return f"{declared} {comment(say(self.en, self.zh))}" if self.en else declared


def comment(text: str) -> str:
    """Return a comment; the standard's comments do not nest, so what would end or begin one is refused."""
    assert "(*" not in text, text
    assert "*)" not in text, text
    return f"(* {text} *)"


def variables(keyword: str, declared: Iterable[Variable]) -> Iterator[str]:
    """Yield the lines of one block of variables, ``VAR_INPUT`` to ``END_VAR``."""
    yield keyword
    for variable in declared:
        yield f"  {variable.line()}"
    yield "END_VAR"


def structure(name: str, elements: Iterable[Variable]) -> Iterator[str]:
    """Yield the lines of a structure's declaration, to stand inside ``TYPE`` and ``END_TYPE``."""
    yield f"  {name} :"
    yield "  STRUCT"
    for element in elements:
        yield f"    {element.line()}"
    yield "  END_STRUCT;"


def indented(lines: Iterable[str], spaces: int = 2) -> Iterator[str]:
    """Yield the lines further in; empty ones stay empty."""
    for line in lines:
        yield " " * spaces + line if line else line
