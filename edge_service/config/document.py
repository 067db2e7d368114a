"""YAML text -> a tree of nodes that know their line and column.

A careful subset of YAML 1.2: mappings, lists and scalars. ``on``, ``off``, ``yes`` and ``no`` are
words (YAML 1.1 would turn ``heartbeat: off`` into false), and what only surprises in a settings
file is refused by name: duplicate keys, anchors, tags, a second document.
"""

import re
from dataclasses import dataclass, field

import yaml

from edge_service.config.mistake import Mistake, Path, Place
from edge_service.language import say

Scalar = str | int | float | bool | None
Plain = Scalar | list["Plain"] | dict[str, "Plain"]

DEEPEST = 20
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_HALF_PAIR = re.compile("[\ud800-\udfff]")
_REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,4})?")


@dataclass(slots=True)
class Node:
    """A value of the file. ``keys`` holds where each key of a mapping stands."""

    place: Place
    value: "Scalar | list[Node] | dict[str, Node]"
    keys: dict[str, Place] = field(default_factory=dict)

    def plain(self) -> Plain:
        """Return the value without places; a key with nothing after it is left out (its default holds)."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items() if node.value is not None}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


class _Reader:
    """Reads one event after the other; collects mistakes that do not stop the reading."""

    def __init__(self, text: str, mistakes: list[Mistake]) -> None:
        self._events = iter(yaml.parse(text, Loader=yaml.SafeLoader))
        self._mistakes = mistakes

    def document(self) -> Node | None:
        """Return the root of the first document; None when the file holds nothing."""
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        root = self._node(next(self._events), ())
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            self._refuse(
                after,
                (),
                say(
                    "a second document begins here; one file is one document",
                    "此处开始第二个文档；一个文件只能有一个文档",
                ),
            )
        return root

    def _refuse(self, event: yaml.Event, path: Path, text: str) -> None:
        self._mistakes.append(Mistake(_place(event), path, text))

    def _node(self, event: yaml.Event, path: Path) -> Node:
        if len(path) > DEEPEST:
            raise TooDeepError(_place(event))
        if isinstance(event, yaml.AliasEvent):
            self._refuse(event, path, say("*aliases are not used here", "此处不支持 *别名"))
            return Node(_place(event), None)
        self._refuse_decorations(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._list(event, path)
        assert isinstance(event, yaml.ScalarEvent)
        return Node(_place(event), self._scalar(event, path))

    def _refuse_decorations(self, event: yaml.Event, path: Path) -> None:
        if getattr(event, "anchor", None):
            self._refuse(event, path, say("&anchors are not used here", "此处不支持 &锚点"))
        if getattr(event, "tag", None):
            self._refuse(event, path, say("!tags are not used here", "此处不支持 !标签"))

    def _list(self, start: yaml.Event, path: Path) -> Node:
        nodes: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            nodes.append(self._node(event, (*path, len(nodes))))
        return Node(_place(start), nodes)

    def _mapping(self, start: yaml.Event, path: Path) -> Node:
        nodes: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            node = self._node(next(self._events), (*path, key))
            if key in keys:
                self._refuse_twice(event, (*path, key), keys[key])
            else:
                keys[key], nodes[key] = _place(event), node
        return Node(_place(start), nodes, keys)

    def _refuse_twice(self, event: yaml.Event, path: Path, first: Place) -> None:
        text = say(
            f"key stands twice; first on line {first.line}, again on line {_place(event).line}",
            f"键重复：第一次在第 {first.line} 行，再次出现在第 {_place(event).line} 行",
        )
        self._refuse(event, path, text)

    def _key(self, event: yaml.Event, path: Path) -> str:
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_decorations(event, path)
            return self._readable(event, path)
        self._node(event, path)
        self._refuse(event, path, say("a key must be a single word", "键必须是一个单词"))
        return ""

    def _scalar(self, event: yaml.ScalarEvent, path: Path) -> Scalar:
        return resolve(event.value) if event.implicit[0] else self._readable(event, path)

    def _readable(self, event: yaml.ScalarEvent, path: Path) -> str:
        text: str = event.value
        if _HALF_PAIR.search(text):
            self._refuse(
                event, path, say("half of a UTF-16 pair is no character", "半个 UTF-16 代理对不是字符")
            )
            return ""
        return text


class TooDeepError(Exception):
    """Sections nest deeper than any configuration does."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self.place = place


def read(text: str, mistakes: list[Mistake]) -> Node | None:
    """Return the tree of the text; None when it holds nothing but comments.

    Adds to ``mistakes`` whatever can be told without stopping. Raises yaml.YAMLError where the text
    is no YAML, and TooDeepError.
    """
    return _Reader(text, mistakes).document()


def resolve(text: str) -> Scalar:
    """Return what an unquoted scalar means: null, true, false, a number, else the text itself."""
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text.lower() == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _REAL.fullmatch(text) else text


def _place(event: yaml.Event) -> Place:
    mark = event.start_mark
    assert mark is not None
    return Place(mark.line + 1, mark.column + 1)
