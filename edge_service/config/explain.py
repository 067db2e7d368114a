"""pydantic's findings -> mistakes that name line, key, what was found and what is allowed."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from edge_service.config.document import Node
from edge_service.config.mistake import Mistake, Path, Place
from edge_service.config.schema import Schema, allowed, homes, keys, kinds, step
from edge_service.config.section import Clash
from edge_service.language import say

LONGEST_VALUE = 60


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a finding lies: in the document, and in the schema."""

    path: Path
    place: Place
    node: Node | None  # None: the document has nothing there
    schema: Schema | None  # None: the schema knows no such key
    section: Schema  # of the section that holds the key
    tag: str | None  # the section's kind
    whole: Schema  # of the document


def explain(error: ValidationError, root: Node, whole: Schema) -> list[Mistake]:
    """Return one mistake a place, the innermost: a list is not "too short" because its entries are wrong."""
    found: dict[Path, Mistake] = {}
    for details in error.errors(include_url=False):
        for mistake in _mistakes(details, _top(root, whole)):
            found.setdefault(mistake.path, mistake)
    outer = {path[:length] for path in found for length in range(len(path))}
    return [mistake for path, mistake in found.items() if path not in outer]


def unknown_empty_keys(root: Node, whole: Schema) -> list[Mistake]:
    """Return the unknown keys that have no value; pydantic never sees those."""
    return list(_empty(_top(root, whole)))


def _top(root: Node, whole: Schema) -> _Spot:
    return _Spot((), root.place, root, whole, whole, None, whole)


def _empty(spot: _Spot) -> Iterator[Mistake]:
    if spot.node is None or spot.schema is None:
        return
    node, tag = spot.node, _tag(spot.node)
    below = node.value.items() if isinstance(node.value, dict) else enumerate(_entries(node))
    for key, deeper in below:
        schema = step(spot.schema, key, tag)
        place = node.keys.get(str(key), deeper.place)
        inner = _Spot((*spot.path, key), place, deeper, schema, spot.schema, tag, spot.whole)
        if schema is None and deeper.value is None:
            yield _unknown_key(inner)
        yield from _empty(inner)


def _entries(node: Node) -> list[Node]:
    return node.value if isinstance(node.value, list) else []


def _mistakes(details: ErrorDetails, top: _Spot) -> list[Mistake]:
    location = tuple(details["loc"])
    clashes: tuple[Clash, ...] = details.get("ctx", {}).get("clashes", ())
    if clashes:
        return [_of_clash(_find(top, (*location, *each.at)), each) for each in clashes]
    spot = _find(top, location)
    kind = details["type"]
    if kind == "extra_forbidden":
        return [_unknown_key(spot)]
    if kind == "missing":
        return [_missing(spot)]
    if kind.startswith("union_tag"):
        return [_wrong_kind(spot)]
    return [_wrong_value(spot, location, details)]


def _find(top: _Spot, location: Path) -> _Spot:
    """Follow pydantic's location; it may hold the ``kind`` of a section or the type of a choice as a step."""
    spot = top
    for key in location:
        node, schema = spot.node, spot.schema
        if node is None or schema is None or (key in kinds(schema) and key == _tag(node)):
            continue
        below = _below(node, key)
        deeper = step(schema, key, _tag(node))
        if below is None and deeper is None:
            continue  # the type of a choice: int, str
        place = node.keys.get(str(key), below.place if below else node.place)
        spot = _Spot((*spot.path, key), place, below, deeper, schema, _tag(node), spot.whole)
    return spot


def _below(node: Node, key: str | int) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(str(key))
    if isinstance(node.value, list) and isinstance(key, int):
        return node.value[key]
    return None


def _tag(node: Node) -> str | None:
    kind = _below(node, "kind")
    return kind.value if kind is not None and isinstance(kind.value, str) else None


def _unknown_key(spot: _Spot) -> Mistake:
    key = str(spot.path[-1])
    known = keys(spot.section, spot.tag)
    details = [say(f"allowed here: {', '.join(known)}", f"此处允许：{', '.join(known)}")]
    near = difflib.get_close_matches(key.lower(), known, n=1, cutoff=0.6)
    elsewhere = homes(key, spot.whole)
    if near:
        details.insert(0, say(f"did you mean: {near[0]}", f"是否想写：{near[0]}"))
    elif elsewhere:
        details.insert(0, say(f"its place is: {', '.join(elsewhere)}", f"它的位置是：{', '.join(elsewhere)}"))
    return Mistake(spot.place, spot.path, say("unknown key", "未知的键"), tuple(details))


def _missing(spot: _Spot) -> Mistake:
    details = _allowed(spot)
    return Mistake(spot.place, spot.path, say("missing, and it has no default", "缺失且没有默认值"), details)


def _wrong_kind(spot: _Spot) -> Mistake:
    assert spot.node is not None
    assert spot.schema is not None
    choices = kinds(spot.schema)
    kind = _below(spot.node, "kind")
    one_of = say(f"allowed: {', '.join(choices)}", f"允许：{', '.join(choices)}")
    path = (*spot.path, "kind")
    if kind is None or kind.value is None:
        return Mistake(spot.place, path, say("missing, and it has no default", "缺失且没有默认值"), (one_of,))
    near = difflib.get_close_matches(str(kind.value), choices, n=1, cutoff=0.6)
    meant = [say(f"did you mean: {near[0]}", f"是否想写：{near[0]}")] if near else []
    return Mistake(kind.place, path, _found(kind), (*meant, one_of))


def _wrong_value(spot: _Spot, location: Path, details: ErrorDetails) -> Mistake:
    if location[-1:] == ("[key]",):
        text = say("a whole number from 1 to 999 must stand as the key", "键必须是 1 至 999 的整数")
        return Mistake(spot.place, spot.path, text)
    place = spot.node.place if spot.node is not None else spot.place
    found = _found(spot.node) if spot.node is not None else str(details["msg"])
    return Mistake(place, spot.path, found, (*_near_value(spot), *_allowed(spot)))


def _near_value(spot: _Spot) -> tuple[str, ...]:
    choices = (spot.schema or {}).get("enum", [])
    if spot.node is None or not isinstance(spot.node.value, str):
        return ()
    near = difflib.get_close_matches(spot.node.value, [str(each) for each in choices], n=1, cutoff=0.6)
    return (say(f"did you mean: {near[0]}", f"是否想写：{near[0]}"),) if near else ()


def _of_clash(spot: _Spot, each: Clash) -> Mistake:
    place = spot.node.place if spot.node is not None else spot.place
    return Mistake(place, spot.path, each.reason)


def _allowed(spot: _Spot) -> tuple[str, ...]:
    if spot.schema is None:
        return ()
    return (say(f"allowed: {allowed(spot.schema)}", f"允许：{allowed(spot.schema)}"),)


def _found(node: Node) -> str:
    return say(f"found {_describe(node.value)}", f"实际为{_describe(node.value)}")


def _describe(value: Any) -> str:
    """Return a value as the reader of the file sees it, with its type where that is the point."""
    if value is None:
        return say("nothing", "空")
    if isinstance(value, bool):
        return say(str(value).lower(), f" {str(value).lower()}")
    if isinstance(value, dict):
        return say("a section", "配置段")
    if isinstance(value, list):
        return say(f"a list of {len(value)}", f"列表（{len(value)} 项）")
    if isinstance(value, str):
        shown = value if len(value) <= LONGEST_VALUE else value[:LONGEST_VALUE] + "..."
        return say(f"the text {shown!r}", f"文本 {shown!r}")
    return say(f"the number {value}", f"数字 {value}")
