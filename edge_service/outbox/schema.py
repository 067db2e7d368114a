"""The outbox's tables, and opening them.

SQLite in WAL mode lets the core write while the gateway reads. ``synchronous=FULL``: what is committed
survives a power cut. A database that is damaged is moved aside, never repaired by guessing, and the
station goes on with an empty one.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from edge_service.durable import translated
from edge_service.errors import ConfigurationError, DiskFailedError, DiskFullError, OkngError
from edge_service.language import say

log = structlog.get_logger()

VERSION = 1
BUSY_S = 10.0  # how long one process waits for the other's transaction
LONGEST_WAL = 8 << 20  # bytes that the write-ahead log keeps after a checkpoint

_TABLES = """
CREATE TABLE letters (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL,
    id         TEXT NOT NULL,
    body       TEXT NOT NULL,
    state      INTEGER NOT NULL DEFAULT 0,
    reason     TEXT NOT NULL DEFAULT '',
    stored_at  REAL NOT NULL,
    UNIQUE (kind, id)
) STRICT;
CREATE INDEX letters_by_state ON letters (state, kind, sequence);
CREATE TABLE pictures (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    sequence   INTEGER NOT NULL REFERENCES letters (sequence) ON DELETE CASCADE,
    file       TEXT NOT NULL UNIQUE,
    size       INTEGER NOT NULL,
    sha256     TEXT NOT NULL,
    media_type TEXT NOT NULL,
    purpose    INTEGER NOT NULL,
    state      INTEGER NOT NULL DEFAULT 0,
    reason     TEXT NOT NULL DEFAULT '',
    on_disk    INTEGER NOT NULL DEFAULT 1,
    told       INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX pictures_on_disk ON pictures (purpose, number, size) WHERE on_disk = 1;
CREATE INDEX pictures_by_state ON pictures (state, told, number);
CREATE INDEX pictures_by_letter ON pictures (sequence);
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
"""


def open_database(path: Path, *, examine: bool = False) -> sqlite3.Connection:
    """Open the outbox's database; it is made if it is not there.

    ``examine``: look through the whole file, and make it anew, with the damaged one moved aside, if it
    cannot be relied on. One process alone may ask for it. Raises ConfigurationError when a newer okng
    wrote it, DiskFullError, DiskFailedError.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise translated(error, path.parent) from error
    with sqlite_errors():
        try:
            return _open(path, examine=examine)
        except sqlite3.DatabaseError as error:
            if not examine or isinstance(error, sqlite3.OperationalError):
                raise
            _move_aside(path, error)
            return _open(path, examine=False)


@contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """One change of state: all or nothing, on disk at the end. Raises DiskFullError, DiskFailedError."""
    with sqlite_errors():
        database.execute("BEGIN IMMEDIATE")
        try:
            yield
            database.execute("COMMIT")
        except BaseException:
            if database.in_transaction:  # a full disk may have rolled back by itself
                database.execute("ROLLBACK")
            raise


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """Translate what SQLite raises; a broken rule of the tables is our bug and stays as it is."""
    try:
        yield
    except sqlite3.IntegrityError:
        raise
    except sqlite3.DatabaseError as error:
        raise _translated(error) from error


def _translated(error: sqlite3.DatabaseError) -> OkngError:
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return DiskFullError(
            say("no room on the disk for the outbox", "磁盘空间不足，无法写入发件箱"),
            remedy=say("free some space (df -h shows where it went)", "请释放磁盘空间（df -h 可查看占用）"),
        )
    return DiskFailedError(
        say(f"the outbox cannot be read or written: {error}", f"无法读写发件箱：{error}"),
        remedy=say(
            "look at the disk (dmesg, df -h); at its next start the core moves a damaged outbox aside",
            "请检查磁盘（dmesg、df -h）；核心进程下次启动时会移走损坏的发件箱",
        ),
    )


def _open(path: Path, *, examine: bool) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA foreign_keys = ON")
        database.execute(f"PRAGMA journal_size_limit = {LONGEST_WAL}")
        if examine:
            _quick_check(database)
        database.execute("BEGIN IMMEDIATE")
        _make_tables(database, path)
        database.execute("COMMIT")
    except BaseException:
        database.close()
        raise
    return database


def _quick_check(database: sqlite3.Connection) -> None:
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _move_aside(path: Path, error: sqlite3.DatabaseError) -> None:
    aside = path.with_name(f"{path.name}.damaged-{time.time_ns()}")
    log.error("outbox_damaged", moved_to=str(aside), error=str(error))
    path.replace(aside)
    for companion in ("-wal", "-shm"):
        path.with_name(path.name + companion).unlink(missing_ok=True)


def _make_tables(database: sqlite3.Connection, path: Path) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        raise ConfigurationError(
            say(
                f"{path} was written by a newer okng (format {version}; this one knows {VERSION})",
                f"{path} 由更新版本的 okng 写入（格式 {version}；本程序支持 {VERSION}）",
            ),
            remedy=say("install that version again, or move the file away", "请重新安装该版本，或移走此文件"),
        )
    if version == 0:
        for statement in _TABLES.split(";"):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {VERSION}")
