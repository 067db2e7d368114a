"""Brings the tables of a database to the version that this code knows, step by step (Alembic).

Two processes that start together do it once: the second waits for the first. A database of a newer okng is
refused, never touched.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from edge_service.language import say
from trainer.db.database import Database
from trainer.errors import DatabaseError

_LOCK = 0x6F6B6E67  # any number, the same for every okng


def migrate(database: Database) -> None:
    """Bring ``database`` to this version. Raises DatabaseError: away, or made by a newer okng."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    scripts = ScriptDirectory.from_config(config)
    with database.change() as connection:
        if database.kind == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _refuse_newer(connection, scripts)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _refuse_newer(connection: Connection, scripts: ScriptDirectory) -> None:
    known = {script.revision for script in scripts.walk_revisions()}
    here = MigrationContext.configure(connection).get_current_revision()
    if here is not None and here not in known:
        raise DatabaseError(
            say(
                f"the database is at version {here}, which this okng does not know",
                f"数据库版本为 {here}，当前 okng 无法识别",
            ),
            remedy=say("install the okng that made it, or a newer one", "请安装创建它的 okng 版本或更新版本"),
        )
