"""What an edge loads into memory."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROGRAM = """
import edge_service.core, edge_service.gateway.app, resource, sys
never = ("torch", "torchvision", "anomalib", "nncf", "lightning", "trainer")
heavy = [name for name in never if name in sys.modules]
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, *heavy)
"""


def test_the_edge_loads_neither_torch_nor_the_trainer(record_property: Callable[[str, object], None]) -> None:
    """Importing core and gateway brings none of the training's packages; the memory is reported."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    megabytes, *heavy = done.stdout.split()
    record_property("resident_megabytes", megabytes)
    print(f"edge_service.core and edge_service.gateway.app: {megabytes} MB resident")
    assert heavy == []


def test_openvino_reports_to_nobody(tmp_path: Path) -> None:
    """Its telemetry is not loaded, and leaves no client id in the home folder."""
    program = "import edge_service.core, openvino, sys; print(sys.modules['openvino_telemetry'])"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert done.stdout.split() == ["None"]
    assert list(tmp_path.iterdir()) == []
