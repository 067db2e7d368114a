"""From a YAML file to a checked configuration, or to one error that lists every mistake in it."""

import json
from pathlib import Path

import yaml
from pydantic import ValidationError

from edge_service.config.document import Node, TooDeepError, read
from edge_service.config.explain import explain, unknown_empty_keys
from edge_service.config.mistake import Mistake, Place, report
from edge_service.config.syntax import encoding_mistake, syntax_mistakes
from edge_service.config.tree import LONGEST_SOCKET_PATH, EdgeConfig
from edge_service.errors import ConfigurationError
from edge_service.language import say

LARGEST_BYTES = 1_000_000


def load(path: Path) -> EdgeConfig:
    """Return the configuration in the file.

    Raises ConfigurationError with every mistake of the file: line, column, key, found, allowed.
    """
    return parse(_bytes(path), str(path), path.parent)


def parse(data: bytes, name: str, folder: Path) -> EdgeConfig:
    """Return the configuration in ``data``; ``name`` stands for it in messages.

    Relative paths count from ``folder``. Raises ConfigurationError.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _broken(name, "", [encoding_mistake(data, error)]) from error
    mistakes: list[Mistake] = []
    root = _tree(text, name, mistakes)
    config = _checked(root, folder, mistakes)
    if mistakes or config is None:
        raise _broken(name, text, mistakes)
    return config


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST_BYTES else b""
    except OSError as error:
        raise ConfigurationError(
            say(f"{path}: cannot be read: {error.strerror}", f"{path}：无法读取：{error.strerror}"),
            remedy=say(
                "name a configuration file with --config FILE; config/edge.yaml is one to copy",
                "请用 --config FILE 指定配置文件；可复制示例 config/edge.yaml",
            ),
        ) from error
    if size > LARGEST_BYTES:
        raise ConfigurationError(
            say(f"{path}: {size} bytes is no configuration file", f"{path}：{size} 字节，不像配置文件"),
            remedy=say("check the path given as --config", "请检查 --config 指定的路径"),
        )
    return data


def _tree(text: str, name: str, mistakes: list[Mistake]) -> Node:
    try:
        root = read(text, mistakes)
    except yaml.YAMLError as error:
        raise _broken(name, text, [*mistakes, *syntax_mistakes(text, error)]) from error
    except TooDeepError as error:
        deep = Mistake(error.place, (), say("sections nest too deep", "配置段嵌套过深"))
        raise _broken(name, text, [*mistakes, deep]) from error
    if root is None:
        raise _broken(name, text, [Mistake(Place(1, 1), (), say("the file is empty", "文件为空"))])
    return root


def _checked(root: Node, folder: Path, mistakes: list[Mistake]) -> EdgeConfig | None:
    """Return the checked configuration, or None with more mistakes added."""
    mistakes += [each for each in unknown_empty_keys(root) if not _told(each, mistakes)]
    try:
        config = EdgeConfig.model_validate_json(json.dumps(root.plain())).beside(folder)
    except ValidationError as error:
        mistakes += [each for each in explain(error, root) if not _told(each, mistakes)]
        return None
    length = len(str(config.link_socket).encode())
    if length > LONGEST_SOCKET_PATH:
        mistakes.append(_long_socket(root, length))
    return config


def _told(mistake: Mistake, mistakes: list[Mistake]) -> bool:
    return any(earlier.path == mistake.path for earlier in mistakes)


def _long_socket(root: Node, length: int) -> Mistake:
    section = root.value.get("link", root) if isinstance(root.value, dict) else root
    text = say(
        f"the socket's path has {length} bytes, Linux allows {LONGEST_SOCKET_PATH}",
        f"套接字路径为 {length} 字节，Linux 最多允许 {LONGEST_SOCKET_PATH} 字节",
    )
    detail = say(
        "allowed: a shorter path, such as /run/okng/core.sock", "允许：更短的路径，例如 /run/okng/core.sock"
    )
    return Mistake(section.place, ("link", "socket"), text, (detail,))


def _broken(name: str, text: str, mistakes: list[Mistake]) -> ConfigurationError:
    return ConfigurationError(
        report(name, text, mistakes),
        remedy=say(
            f"mend the lines above, then try: okng-edge check-config --config {name}",
            f"请修改以上各行，然后检查：okng-edge check-config --config {name}",
        ),
    )
