"""The server's HTTP: ``edge.py`` for boxes (as ``edge_service.contract.routes`` says), the rest for people.

Every refusal is an ``ErrorAnswer``. Handlers are plain functions that FastAPI runs on threads; only bodies
are read on the event loop, with a bound on size and silence.
"""

from trainer.api.app import build_app
from trainer.api.rooms import Rooms

__all__ = ["Rooms", "build_app"]
