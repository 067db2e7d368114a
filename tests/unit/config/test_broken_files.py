"""Whatever is in the file: a configuration, or one ConfigurationError that points at the right line."""

import contextlib
import copy
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from edge_service.config import example, parse
from edge_service.errors import ConfigurationError

GOOD: dict[str, Any] = yaml.safe_load(example())
Steps = tuple[str | int, ...]


def places(value: Any, path: Steps = ()) -> list[tuple[Steps, bool]]:
    """Return the paths of all sections (True) and all values (False) in a document."""
    if isinstance(value, dict):
        return [(path, True)] + [found for key in value for found in places(value[key], (*path, key))]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [found for index, each in enumerate(value) for found in places(each, (*path, index))]
    return [(path, False)]


def at(document: Any, path: Steps) -> Any:
    """Return what stands at the path."""
    for step in path:
        document = document[step]
    return document


SECTIONS = [path for path, is_section in places(GOOD) if is_section]
VALUES = [path for path, is_section in places(GOOD) if not is_section and at(GOOD, path) is not None]


def refused(document: dict[str, Any], marker: str) -> str:
    """Return the message for a document; its one mistake must be on the line of the marker."""
    text = yaml.safe_dump(document, default_flow_style=None, sort_keys=False, width=10_000)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if marker in line)
    with pytest.raises(ConfigurationError) as caught:
        parse(text.encode(), "edge.yaml", Path("/etc/okng"))
    assert re.findall(r"^edge\.yaml:(\d+):\d+: ", caught.value.what, re.MULTILINE) == [str(line)]
    assert caught.value.remedy
    return caught.value.what


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(SECTIONS), st.from_regex(r"\Azq[a-z]{1,12}\Z"))
def test_an_unknown_key_is_told_by_its_line(section: Steps, key: str):
    """A key that no section knows, in any section: its line, the word, and what is allowed there."""
    document = copy.deepcopy(GOOD)
    at(document, section)[key] = 1
    text = refused(document, key)
    assert "unknown key" in text
    assert "allowed here: " in text


@settings(max_examples=30, deadline=None)
@given(st.sampled_from([path for path in VALUES if path[-1] != "kind"]), st.data())
def test_a_mistyped_key_is_recognised(path: Steps, data: st.DataObject):
    """One letter doubled, and the message asks whether the right key was meant."""
    document = copy.deepcopy(GOOD)
    section, key = at(document, path[:-1]), str(path[-1])
    index = data.draw(st.integers(0, len(key) - 1))
    typo = key[: index + 1] + key[index] + key[index + 1 :]
    section[typo] = section.pop(key)
    with pytest.raises(ConfigurationError) as caught:
        parse(yaml.safe_dump(document).encode(), "edge.yaml", Path("/etc/okng"))
    assert f"did you mean: {key}" in caught.value.what


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(VALUES), st.sampled_from([["zqx"], {"zqx": 1}, [["zqx"]]]))
def test_a_wrong_value_is_told_by_its_line(path: Steps, value: Any):
    """A list or a section where a value belongs: its line, what was found, what is allowed."""
    assume(value != ["zqx"] or not str(path[-1]).endswith(("_roles", "names")))  # these may be any text
    document = copy.deepcopy(GOOD)
    at(document, path[:-1])[path[-1]] = value
    text = refused(document, "zqx")
    assert "found " in text
    assert "allowed" in text


@settings(max_examples=100, deadline=None)
@given(st.text() | st.text(alphabet=" \t\n:-[]{}#&*!|>'\"%@`?,ab0\r\x85\u2028\ufeff\U0001f600"))
def test_no_text_gives_a_traceback(text: str):
    """Any text at all is a configuration or a ConfigurationError."""
    with contextlib.suppress(ConfigurationError):
        parse(text.encode("utf-8", "surrogatepass"), "edge.yaml", Path("/etc/okng"))


@settings(max_examples=100, deadline=None)
@given(st.binary())
def test_no_bytes_give_a_traceback(data: bytes):
    """Any bytes at all, too."""
    with contextlib.suppress(ConfigurationError):
        parse(data, "edge.yaml", Path("/etc/okng"))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, len(example())), st.integers(0, 40), st.text(max_size=5))
def test_no_damage_to_a_good_file_gives_a_traceback(start: int, length: int, put_in: str):
    """A good file with a hole, or with something pasted into it."""
    text = example()
    damaged = text[:start] + put_in + text[start + length :]
    with contextlib.suppress(ConfigurationError):
        parse(damaged.encode("utf-8", "surrogatepass"), "edge.yaml", Path("/etc/okng"))
