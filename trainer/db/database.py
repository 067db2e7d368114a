"""One engine for the process, and its two ways in: ``read`` and ``change``.

::

    with database.change() as connection:     # one transaction: committed at the end, or nothing happened
        connection.execute(...)

SQLite is opened in WAL mode with ``synchronous=FULL``: what was committed survives a power cut. A change
takes its write lock at the beginning (``BEGIN IMMEDIATE``), so that two of them queue instead of failing.
Database errors leave here as DiskFullError or DatabaseError.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError

from edge_service.errors import DiskFullError
from edge_service.language import say
from trainer.errors import DatabaseError, SettingError

_BUSY_S = 30.0
_CHANGES = "okng_changes"
_DISK_FULL = "53100"  # SQLSTATE, PostgreSQL Appendix A


class Database:
    """The tables behind one URL. Thread-safe. Raises SettingError for a URL that cannot be used."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(_parsed(url))
        self.kind = self._engine.dialect.name
        one_at_a_time = (
            threading.Lock()
        )  # SQLite has one writer; waiting here is fair, its own waiting is not
        self._turn = one_at_a_time if self.kind == "sqlite" else nullcontext()

    @property
    def engine(self) -> Engine:
        """The engine, for migrations."""
        return self._engine

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Give a connection to read with. Raises DatabaseError."""
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """Give a connection for one transaction of changes. Raises DatabaseError, DiskFullError."""
        with _translated(), self._turn, self._engine.connect() as connection:
            changing = connection.execution_options(**{_CHANGES: True})
            with changing.begin():
                yield changing

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert a row unless its key is there already; tell whether it was inserted."""
    build = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    wish = build(table).values(**row).on_conflict_do_nothing()
    # Not rowcount: where a key is generated SQLAlchemy asks PostgreSQL for it, and then gives -1.
    return connection.execute(wish.returning(*table.primary_key.columns)).first() is not None


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unusable(str(error)) from error
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise _unusable(parsed.drivername)
    return parsed


def _unusable(found: str) -> SettingError:
    return SettingError(
        say(f"database.url cannot be used: {found}", f"database.url 不可用：{found}"),
        remedy=say(
            "leave it out for SQLite, or write postgresql://USER@HOST/DATABASE",
            "省略则使用 SQLite；或填写 postgresql://用户@主机/数据库",
        ),
    )


def _engine(url: URL) -> Engine:
    try:
        if url.drivername == "sqlite":
            engine = create_engine(url, connect_args={"timeout": _BUSY_S, "check_same_thread": False})
            event.listen(engine, "connect", _open_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
            return engine
        return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})
    except ModuleNotFoundError as error:
        raise SettingError(
            say("PostgreSQL's driver is not installed", "未安装 PostgreSQL 驱动"),
            remedy="pip install 'okng[postgresql]'",
        ) from error


def _open_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    changes = connection.get_execution_options().get(_CHANGES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if changes else "BEGIN")


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        raise  # a bug of ours: every key is checked before
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") == _DISK_FULL or "disk is full" in str(error.orig):
            raise DiskFullError(
                say("no room on the disk of the database", "数据库所在磁盘空间不足"),
                remedy=say(
                    "free some space (df -h shows where it went)", "请释放磁盘空间（df -h 可查看占用）"
                ),
            ) from error
        raise DatabaseError(
            say(f"the database refuses: {error.orig}", f"数据库拒绝：{error.orig}"),
            remedy=say(
                "check that it runs and that database.url in trainer.yaml is right",
                "请检查数据库是否运行，以及 trainer.yaml 中的 database.url 是否正确",
            ),
        ) from error
    except sqlalchemy.exc.TimeoutError as error:
        raise DatabaseError(
            say("every connection to the database is in use", "数据库连接已全部占用"),
            remedy=say("try again in a few seconds", "请几秒后重试"),
        ) from error
