"""The core process: camera, model, PLC and verdict in one composition root.

``run_core(path)`` reads the configuration, builds everything, serves until SIGTERM and returns the exit
code. What the gateway shows or asks comes over the link (``edge_service.link``); if the gateway dies, the
core does not notice.
"""

from edge_service.core.process import run_core

__all__ = ["run_core"]
