"""From a YAML file to the checked configuration of the server."""

import functools
import json
from pathlib import Path

from edge_service.config.document import Node
from edge_service.config.mistake import Mistake
from edge_service.config.reading import Form, read_bytes, read_file
from edge_service.config.schema import Schema, inlined
from trainer.config.tree import TrainerConfig


def load(path: Path) -> TrainerConfig:
    """Return the configuration in the file.

    Raises ConfigurationError with every mistake of the file: line, column, key, found, allowed.
    """
    return read_file(path, _FORM)


def parse(data: bytes, name: str, folder: Path) -> TrainerConfig:
    """Return the configuration in ``data``; ``name`` stands for it in messages. Raises ConfigurationError."""
    return read_bytes(data, name, folder, _FORM)


@functools.cache
def json_schema() -> Schema:
    """Return the JSON Schema (2020-12) of the whole tree, without references."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "okng trainer"}
    return {**head, **inlined(TrainerConfig.model_json_schema())}


def schema_text() -> str:
    """Return the schema as the file ``config/trainer.schema.json`` holds it."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _finish(config: TrainerConfig, _: Node, folder: Path) -> tuple[TrainerConfig, list[Mistake]]:
    return config.beside(folder), []


_FORM = Form(
    TrainerConfig,
    json_schema,
    _finish,
    template="config/trainer.yaml",
    check="okng-trainer config check",
)
