"""The thread that serves OPC UA."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from edge_service.gateway.opcua.server import OpcUaSettings
from edge_service.gateway.opcua.thread import GIVES_WAY, OpcUaThread
from edge_service.link import Answer, Role


class Deaf:
    """A link that takes every command."""

    async def command(
        self, _name: str, _arguments: Mapping[str, Any], _role: Role, _s: float = 5.0
    ) -> Answer:
        """Say that it is done."""
        return Answer(0)


async def test_it_gives_way_to_every_other_thread(tmp_path: Path):
    """Lower than the rest of the process, and never waking up into somebody else's turn."""
    view = SimpleNamespace(away=True, state={})
    settings = OpcUaSettings("line-1", tmp_path, host="127.0.0.1", port=0)
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    async with OpcUaThread(settings, Deaf(), view):
        (thread,) = (each.native_id for each in threading.enumerate() if each.name == "opcua")
        assert os.sched_getscheduler(thread) == os.SCHED_BATCH
        assert os.getpriority(os.PRIO_PROCESS, thread) == min(19, mine + GIVES_WAY)
        assert (os.sched_getscheduler(0), os.getpriority(os.PRIO_PROCESS, 0)) == (os.SCHED_OTHER, mine)
