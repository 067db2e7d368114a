"""The configuration of the training server and its workers: one YAML file, read as the edge's is.

::

    config = load(Path("trainer.yaml"))     # raises ConfigurationError with every mistake of the file
    config.database_url                     # "sqlite:////var/lib/okng-trainer/trainer.db"
"""

from trainer.config.example import example
from trainer.config.load import json_schema, load, parse, schema_text
from trainer.config.tree import TrainerConfig

__all__ = ["TrainerConfig", "example", "json_schema", "load", "parse", "schema_text"]
