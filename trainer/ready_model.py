"""Makes the ready models that ``okng-edge run --sim`` carries, from rendered good parts alone.

For maintainers, after a change of the rendered parts, the training or the package format::

    python -m trainer.ready_model        # writes edge_service/simulation/ready_model/

The packages are unsigned: a simulated station trusts them by the digests written beside them. They are
small (two feature levels instead of three), so they belong to trying the interface, not to production.
"""

import hashlib
import json
import tempfile
import zipfile
from pathlib import Path

import cv2

import edge_service
from edge_service.contract.model_package import read_package_file
from edge_service.contract.trust import Trust
from edge_service.durable import LocalDisk
from edge_service.simulation import products, samples
from trainer.domain import LAYERS
from trainer.pipeline.run import PackageLabel, train_package
from trainer.pipeline.settings import TrainingSettings

PHOTOGRAPHS = 8
SEED = 0
VERSION = "ready1"
FOLDER = Path(edge_service.__file__).parent / "simulation" / "ready_model"


def main() -> None:
    """Train one model a product and write packages and digests."""
    FOLDER.mkdir(exist_ok=True)
    digests = [_make(product) for product in products()]
    LocalDisk().write(FOLDER / "digests.json", (json.dumps(digests, indent=2) + "\n").encode())


def _make(product: str) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        good = Path(scratch) / "good"
        good.mkdir()
        for number, part in enumerate(samples(product, seed=SEED, count=PHOTOGRAPHS)):
            cv2.imwrite(str(good / f"{number}.png"), part.render().pixels)
        result = train_package(
            good,
            PackageLabel(product, VERSION),
            TrainingSettings(layers=LAYERS[:2]),
            Path(scratch),
            key=None,
            watch=lambda _: None,
        )
        target = FOLDER / result.package.name
        LocalDisk().write(target, result.package.read_bytes())
    digest = _digest(target)
    print(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB, {result.seconds:.0f} s, digest {digest}")
    return digest


def _digest(path: Path) -> str:
    """Return the SHA-256 of the package's manifest, having verified the rest against it."""
    with zipfile.ZipFile(path) as archive:
        digest = hashlib.sha256(archive.read("manifest.json")).hexdigest()
    return read_package_file(path, Trust.of(digests=[digest])).digest


if __name__ == "__main__":
    main()
