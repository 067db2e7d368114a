"""What a training run warned of stays with the model: a mark where models are listed, words on request."""

import os
import subprocess
import sys

from edge_service.contract.model_package import build_package
from tests.support.process import ROOT
from tests.support.tiny_model import tiny_package
from tests.support.training_server import TrainingServer
from trainer.access import Role

WARNING = "3.png looks defective"
SAY_ALL = """
import sys
from trainer.cli import main
for verb in sys.argv[1:]:
    try:
        main(verb.split())
    except SystemExit as end:
        assert not end.code, verb
    print(end="\f")
"""


def test_the_list_marks_and_counts_and_show_tells(server: TrainingServer):
    """``models list`` shows "! 1" beside the doubted model alone; ``models show`` gives the sentence."""
    for name, warnings in (("doubted", [WARNING]), ("plain", [])):
        manifest, contents = tiny_package(name, "1")
        manifest = manifest.model_copy(update={"figures": {"warnings": warnings}})
        server.rooms.packages.register(build_package(manifest, contents, server.key))
    token = server.rooms.people.add("reader of warnings", Role.VIEWER)
    done = subprocess.run(
        [sys.executable, "-c", SAY_ALL, "models list", "models show doubted", "models show plain"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OKNG_SERVER": server.url, "OKNG_TOKEN": token},
    )
    listed, doubted, plain = done.stdout.split("\f")[:3]
    assert [line.split()[0] for line in listed.splitlines() if "! 1" in line] == ["doubted"]
    assert f"! {WARNING}" in doubted
    assert "!" not in plain
