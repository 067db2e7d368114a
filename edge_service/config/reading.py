"""A YAML file -> a checked tree of sections, or one error that lists every mistake in the file.

Edge and trainer read their configurations with it; ``Form`` says which tree, and what to try next.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import yaml
from pydantic import ValidationError

from edge_service.config.document import Node, TooDeepError, read
from edge_service.config.explain import explain, unknown_empty_keys
from edge_service.config.mistake import Mistake, Place, report
from edge_service.config.schema import Schema
from edge_service.config.section import Section
from edge_service.config.syntax import encoding_mistake, syntax_mistakes
from edge_service.errors import ConfigurationError
from edge_service.language import say

LARGEST_BYTES = 1_000_000

Tree = TypeVar("Tree", bound=Section)


@dataclass(frozen=True, slots=True)
class Form(Generic[Tree]):
    """What a file must hold. ``finish`` completes the tree and names what only shows then."""

    kind: type[Tree]
    schema: Callable[[], Schema]
    finish: Callable[[Tree, Node, Path], tuple[Tree, list[Mistake]]]
    template: str  # the commented file to copy
    check: str  # the command that checks a file


def read_file(path: Path, form: Form[Tree]) -> Tree:
    """Return what the file says. Raises ConfigurationError with every mistake of it."""
    return read_bytes(_bytes(path, form), str(path), path.parent, form)


def read_bytes(data: bytes, name: str, folder: Path, form: Form[Tree]) -> Tree:
    """Return what ``data`` says; ``name`` stands for it in messages, relative paths count from ``folder``."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(name, "", [encoding_mistake(data, error)], form) from error
    mistakes: list[Mistake] = []
    root = _tree(text, name, mistakes, form)
    tree = _checked(root, folder, mistakes, form)
    if mistakes or tree is None:
        raise _broken(name, text, mistakes, form)
    return tree


def _bytes(path: Path, form: Form[Tree]) -> bytes:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as error:
        raise ConfigurationError(
            say(f"{path}: cannot be read: {error.strerror}", f"{path}：无法读取：{error.strerror}"),
            remedy=say(
                f"name a configuration file with --config FILE; {form.template} is one to copy",
                f"请用 --config FILE 指定配置文件；可复制示例 {form.template}",
            ),
        ) from error
    if size > LARGEST_BYTES:
        raise ConfigurationError(
            say(f"{path}: {size} bytes is no configuration file", f"{path}：{size} 字节，不像配置文件"),
            remedy=say("check the path given as --config", "请检查 --config 指定的路径"),
        )
    return data


def _tree(text: str, name: str, mistakes: list[Mistake], form: Form[Tree]) -> Node:
    try:
        root = read(text, mistakes)
    except yaml.YAMLError as error:
        raise _broken(name, text, [*mistakes, *syntax_mistakes(text, error)], form) from error
    except TooDeepError as error:
        deep = Mistake(error.place, (), say("sections nest too deep", "配置段嵌套过深"))
        raise _broken(name, text, [*mistakes, deep], form) from error
    if root is None:
        empty = Mistake(Place(1, 1), (), say("the file is empty", "文件为空"))
        raise _broken(name, text, [empty], form)
    return root


def _checked(root: Node, folder: Path, mistakes: list[Mistake], form: Form[Tree]) -> Tree | None:
    """Return the checked tree, or None with more mistakes added."""
    whole = form.schema()
    mistakes += [each for each in unknown_empty_keys(root, whole) if not _told(each, mistakes)]
    try:
        tree = form.kind.model_validate_json(json.dumps(root.plain()))
    except ValidationError as error:
        mistakes += [each for each in explain(error, root, whole) if not _told(each, mistakes)]
        return None
    tree, more = form.finish(tree, root, folder)
    mistakes += more
    return tree


def _told(mistake: Mistake, mistakes: list[Mistake]) -> bool:
    return any(earlier.path == mistake.path for earlier in mistakes)


def _broken(name: str, text: str, mistakes: list[Mistake], form: Form[Tree]) -> ConfigurationError:
    return ConfigurationError(
        report(name, text, mistakes),
        remedy=say(
            f"mend the lines above, then try: {form.check} --config {name}",
            f"请修改以上各行，然后检查：{form.check} --config {name}",
        ),
    )
