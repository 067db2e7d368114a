"""From a YAML file to the checked configuration of an edge."""

from pathlib import Path

from edge_service.config.document import Node
from edge_service.config.mistake import Mistake
from edge_service.config.reading import Form, read_bytes, read_file
from edge_service.config.schema import json_schema
from edge_service.config.tree import LONGEST_SOCKET_PATH, EdgeConfig
from edge_service.language import say


def load(path: Path) -> EdgeConfig:
    """Return the configuration in the file.

    Raises ConfigurationError with every mistake of the file: line, column, key, found, allowed.
    """
    return read_file(path, _FORM)


def parse(data: bytes, name: str, folder: Path) -> EdgeConfig:
    """Return the configuration in ``data``; ``name`` stands for it in messages.

    Relative paths count from ``folder``. Raises ConfigurationError.
    """
    return read_bytes(data, name, folder, _FORM)


def _finish(config: EdgeConfig, root: Node, folder: Path) -> tuple[EdgeConfig, list[Mistake]]:
    config = config.beside(folder)
    length = len(str(config.link_socket).encode())
    return config, [_long_socket(root, length)] if length > LONGEST_SOCKET_PATH else []


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


_FORM = Form(EdgeConfig, json_schema, _finish, template="config/edge.yaml", check="okng-edge check-config")
