"""Fresh databases with the server's tables."""

from pathlib import Path

from trainer.db import Database
from trainer.db.migrate import migrate


def fresh_database(folder: Path, url: str = "") -> Database:
    """Return a migrated database: SQLite in ``folder``, or the one at ``url``."""
    database = Database(url or f"sqlite:///{folder / 'trainer.db'}")
    migrate(database)
    return database
