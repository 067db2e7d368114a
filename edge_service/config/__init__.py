"""The configuration of an edge station: one YAML file, one frozen tree, one error with every mistake.

::

    config = load(Path("edge.yaml"))      # raises ConfigurationError
    config.modbus.tcp.port                # 502
    checksum(config)                      # what the PLC reads, u32
"""

from edge_service.config.cameras import FolderCamera, SimulatedCamera, VideoCamera
from edge_service.config.example import example
from edge_service.config.load import load, parse
from edge_service.config.schema import json_schema, schema_text
from edge_service.config.tree import EdgeConfig, checksum

__all__ = [
    "EdgeConfig",
    "FolderCamera",
    "SimulatedCamera",
    "VideoCamera",
    "checksum",
    "example",
    "json_schema",
    "load",
    "parse",
    "schema_text",
]
