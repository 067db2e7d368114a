"""What server and worker open alike: data folder, database, blobs, signing key."""

from dataclasses import dataclass

from edge_service.contract.keys import SigningKey, load_or_create_signing_key
from edge_service.durable import translated
from trainer.blobs import BlobFolder
from trainer.config import TrainerConfig
from trainer.db import Database
from trainer.db.migrate import migrate


@dataclass(frozen=True, slots=True)
class Storage:
    """The open database, the blob folder and the key."""

    database: Database
    blobs: BlobFolder
    key: SigningKey


def open_storage(config: TrainerConfig) -> Storage:
    """Make what is missing, open the rest. Raises ConfigurationError, SettingError, DatabaseError."""
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        config.signing_key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise translated(error, config.data_dir) from error
    database = Database(config.database_url)
    migrate(database)
    blobs = BlobFolder(config.blobs_dir, keep_free_bytes=config.storage.keep_free_mb * 2**20)
    return Storage(database, blobs, load_or_create_signing_key(config.signing_key))
