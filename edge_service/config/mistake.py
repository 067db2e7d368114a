"""One mistake in a configuration file, and how a list of them reads on a terminal."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from edge_service.language import say

Path = tuple[str | int, ...]

MOST_SHOWN = 50
LONGEST_LINE = 100
_LINE_END = re.compile("\r\n|[\r\n\x85\u2028\u2029]")  # what YAML counts as the end of a line
_PASSWORD = re.compile(r"://\S*@")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Line and column in the file, counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at a place. ``details`` are further lines: what is allowed, what was meant."""

    place: Place
    path: Path
    text: str
    details: tuple[str, ...] = ()


def dotted(path: Path) -> str:
    """Return the key path as people write it: ``recipes[0].number``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def redact(text: str) -> str:
    """Return the text without the user and password of any URL in it."""
    return _PASSWORD.sub("://***@", text)


def report(file: str, source: str, mistakes: Sequence[Mistake]) -> str:
    """Return all mistakes as text, in the order of the file, each with its line of the file under it."""
    lines = _LINE_END.split(source)
    ordered = sorted(mistakes, key=lambda mistake: mistake.place)
    blocks = [_block(file, lines, mistake) for mistake in ordered[:MOST_SHOWN]]
    if (more := len(ordered) - MOST_SHOWN) > 0:
        blocks.append(say(f"... and {more} more", f"…… 另有 {more} 处"))
    count = len(ordered)
    head = say(f"{file}: {count} mistake{'s' if count > 1 else ''}", f"{file}：{count} 处错误")
    return "\n".join([head, *blocks])


def _block(file: str, lines: list[str], mistake: Mistake) -> str:
    place = mistake.place
    key = f"{dotted(mistake.path)}: " if mistake.path else ""
    head = f"{file}:{place.line}:{place.column}: {key}{mistake.text}"
    quoted = _quoted(lines, place)
    return redact("\n".join([head, *quoted, *(f"    {detail}" for detail in mistake.details)]))


def _quoted(lines: list[str], place: Place) -> list[str]:
    if place.line > len(lines) or not (line := lines[place.line - 1]).strip():
        return []
    shown = line if len(line) <= LONGEST_LINE else line[:LONGEST_LINE] + " ..."
    return [f"    | {redact(shown)}"]
