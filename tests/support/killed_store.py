"""A process that installs and activates a model, notes its variant and pins it, killed at every step of it.

``python -m tests.support.killed_store TEMPLATE PACKAGE OUT``: for n = 1, 2, ... copies the store TEMPLATE to
OUT/n, forks, and in the child kills itself (SIGKILL) just before the n-th time that it opens, makes, renames
or removes something below the copy. Ends after the first child that came through. The steps are seen with
an audit hook, so the code under test is the real code.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from edge_service.contract.keys import load_public_key
from edge_service.contract.model_package import load_bytes
from edge_service.contract.trust import Trust
from edge_service.model_store.choice import Choice
from edge_service.model_store.store import ModelStore

CHOICE = Choice(digest="ab" * 32, box="a box", device="CPU", variant="int8")
_CHANGES = frozenset({"open", "os.mkdir", "os.rename", "os.remove", "os.link"})


def main(template: Path, package: Path, out: Path) -> None:
    """Run one child a step until one survives."""
    trust = Trust.of(load_public_key(template / "server.pub"))
    data = load_bytes(package)
    survived = False
    step = 0
    while not survived:
        step += 1
        root = out / str(step)
        shutil.copytree(template, root)
        child = os.fork()
        if child == 0:
            _die_at(step, root)
            store = ModelStore(root / "models", lambda: trust)
            version = store.install(data).manifest.version
            store.activate("pcb", version, lambda _: None)
            store.record_choice("pcb", version, CHOICE)
            store.pin("pcb")
            os._exit(0)
        survived = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _die_at(step: int, root: Path) -> None:
    """Kill this process just before its ``step``-th change below ``root``."""
    seen = 0

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if event in _CHANGES and str(arguments[0]).startswith(str(root)):
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
