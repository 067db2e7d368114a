"""The server's tables: SQLite by default, PostgreSQL where the configuration names one.

One transaction a change of state; whoever is told "stored" is told so after it was committed to disk.
"""

from trainer.db.database import Database, insert_new

__all__ = ["Database", "insert_new"]
