"""What a worker reads from and writes to."""

from dataclasses import dataclass
from pathlib import Path

from edge_service.contract.trust import Trust
from trainer.blobs import BlobFolder
from trainer.config import TrainerConfig
from trainer.datasets.samples import Samples
from trainer.images import ImageShelf
from trainer.jobs import Jobs
from trainer.registry import Packages
from trainer.storage import Storage


@dataclass(frozen=True, slots=True)
class Stores:
    """The rooms that a job needs. ``work_dir``: where it may write."""

    jobs: Jobs
    samples: Samples
    images: ImageShelf
    packages: Packages
    blobs: BlobFolder
    key_file: Path
    work_dir: Path


def open_stores(config: TrainerConfig, storage: Storage) -> Stores:
    """Put the worker's rooms together."""
    database, blobs = storage.database, storage.blobs
    return Stores(
        jobs=Jobs(database),
        samples=Samples(database),
        images=ImageShelf(database, blobs),
        packages=Packages(database, blobs, Trust.of(storage.key.public)),
        blobs=blobs,
        key_file=config.signing_key,
        work_dir=config.data_dir / "work",
    )
