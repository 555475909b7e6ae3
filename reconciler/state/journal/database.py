"""The journal's file: opened for writing, read where it cannot be written, set aside if damaged.

Only what SQLite calls CORRUPT or NOTADB is damage. A full disk, a lock, an I/O error, missing
rights: all of these are ``sqlite3.Error`` too, and pass by themselves. The file is kept then.

Changes of the schema are additive, since release 0.1.0 sets aside a journal of any other
``user_version`` and counts on the columns of its own tables: what is new has a table of its own.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from operator import methodcaller
from pathlib import Path
from typing import Any

_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS app (name TEXT PRIMARY KEY, source TEXT, memory TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS revision (
    app TEXT, number INTEGER, hash TEXT, spec TEXT, marks TEXT, created_at REAL,
    good INTEGER, failed TEXT, PRIMARY KEY (app, number));
CREATE TABLE IF NOT EXISTS process (
    boot_id TEXT, pid INTEGER, start INTEGER, tag TEXT, stopping_at REAL,
    PRIMARY KEY (boot_id, pid, start));
CREATE TABLE IF NOT EXISTS event (
    id INTEGER PRIMARY KEY, at REAL, app TEXT, instance INTEGER, type TEXT, reason TEXT,
    message TEXT);
CREATE INDEX IF NOT EXISTS event_app ON event (app, id);
CREATE TABLE IF NOT EXISTS usage (
    nonce TEXT PRIMARY KEY, at REAL, history BLOB NOT NULL, trend TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS later (name TEXT PRIMARY KEY, data TEXT);
CREATE TABLE IF NOT EXISTS detail (id INTEGER PRIMARY KEY, ended TEXT, asked TEXT);
CREATE TABLE IF NOT EXISTS outbox (id TEXT PRIMARY KEY, target TEXT, at REAL, notice TEXT);
"""
COLUMNS = {
    "app": ("name", "source", "memory"),
    "later": ("name", "data"),
    "revision": ("app", "number", "hash", "spec", "marks", "created_at", "good", "failed"),
    "process": ("boot_id", "pid", "start", "tag", "stopping_at"),
    "event": ("id", "at", "app", "instance", "type", "reason", "message"),
    "usage": ("nonce", "at", "history", "trend"),
    "setting": ("name", "value"),
    "detail": ("id", "ended", "asked"),
    "outbox": ("id", "target", "at", "notice"),
}
KEYS = {
    "app": ("name",),
    "later": ("name",),
    "revision": ("app", "number"),
    "process": ("boot_id", "pid", "start"),
    "event": ("id",),
    "usage": ("nonce",),
    "setting": ("name",),
    "detail": ("id",),
    "outbox": ("id",),
}
_COMPANIONS = ("-wal", "-shm")
DAMAGED = "unreadable"
"""What a damaged journal is called once it is set aside, as by release 0.1.0."""
_CHECKED = 4 * 2**20
"""Bytes. A file up to this size is checked as a whole when it is opened, in 3 ms. Of a larger one
what matters is read at each start anyway; damage in the rest is found when it is used."""
_PATIENCE = 0.25
"""Seconds for which another program's lock is waited for: the event loop stands still then."""
_OF_STATEMENT = frozenset(
    {
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_TOOBIG,
        sqlite3.SQLITE_RANGE,
    }
)


class NewerError(sqlite3.DatabaseError):
    """A later release gave the file another version: it is whole, and not for us to read."""

    def __init__(self, version: int) -> None:
        super().__init__(f"it has version {version}, which this release of recon cannot read")


class IllegibleError(sqlite3.DatabaseError):
    """SQLite quotes a name of the file in its message, and that name is no text: damage."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


@contextlib.contextmanager
def _legible() -> Iterator[None]:
    """Python cannot decode such a message, and raises no ``sqlite3.Error``."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise IllegibleError(f"a name in it is no text ({error})") from None


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that the file itself is damaged."""
    return _code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_of_statement(error: BaseException) -> bool:
    """Whether only this statement cannot be executed, here or anywhere."""
    if isinstance(error, sqlite3.Error):
        code = _code(error)
        return code in _OF_STATEMENT if code is not None else True
    return isinstance(error, ValueError | TypeError | OverflowError)


def open_to_write(path: Path) -> sqlite3.Connection:
    """The journal, begun if there is none. sqlite3.Error or OSError; see ``is_damage``."""
    if not os.path.lexists(path):
        _begin(path)
    _must_not_be_empty(path)
    db = _connect(path)
    try:
        path.chmod(0o600)
        with _legible():
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = NORMAL")
            db.execute("PRAGMA cache_size = -256")
            _must_be_known(db)
            if path.stat().st_size <= _CHECKED:
                _check(db)
            _complete(db)
    except BaseException:
        db.close()
        raise
    return db


@contextlib.contextmanager
def open_to_read(path: Path) -> Iterator[tuple[sqlite3.Connection, bool]]:
    """The journal for looking only, and whether it could be written. sqlite3.Error or OSError.

    Where there is no room for the shared memory that readers of a WAL need, and on a file system
    that is read-only, it is read without.
    """
    _must_not_be_empty(path)
    first: sqlite3.Error | None = None
    with contextlib.ExitStack() as stack:
        for way in (_plain, _alone, _unchanging, _copied):
            try:
                with _legible():
                    db = stack.enter_context(contextlib.closing(way(path, stack)))
                    _must_be_known(db)
            except NewerError:
                raise
            except sqlite3.Error as error:
                first = first or error
                if is_damage(error):
                    raise
                continue
            yield db, first is None
            return
    assert first is not None
    raise first


def set_aside(path: Path, word: str = DAMAGED) -> Path:
    """Move the journal and what belongs to it out of the way; where to. OSError.

    The three files keep each other's names, so that SQLite reads the copy as it was.
    """
    path = Path(os.path.realpath(path))
    stamp, count = int(time.time()), 0
    aside = path.with_name(f"{path.name}.{word}-{stamp}")
    while os.path.lexists(aside):
        count += 1
        aside = path.with_name(f"{path.name}.{word}-{stamp}.{count}")
    for companion in ("", *_COMPANIONS):
        with contextlib.suppress(FileNotFoundError):
            os.rename(f"{path}{companion}", f"{aside}{companion}")
    return aside


def aside_of(path: Path) -> list[Path]:
    """The damaged journals that were set aside and not removed since, oldest first."""
    path = Path(os.path.realpath(path))
    start = f"{path.name}.{DAMAGED}-"
    try:
        names = sorted(name for name in os.listdir(path.parent) if name.startswith(start))
    except OSError:
        return []
    return [path.with_name(name) for name in names if not name.endswith(_COMPANIONS)]


def identity(path: Path) -> tuple[int, int] | None:
    """Which file it is; None where there is none, or it cannot be seen."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def rows(db: sqlite3.Connection, table: str, rest: str = "", *values: Any) -> Iterator[Any]:
    """Rows as mappings; a column that is missing reads as None, a missing table as empty."""
    there = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    if not there:
        return
    wanted = (name if name in there else f"NULL AS {name}" for name in COLUMNS[table])
    cursor = db.execute(f"SELECT {', '.join(wanted)} FROM {table} {rest}", values)
    cursor.row_factory = sqlite3.Row
    yield from cursor


@cache
def put(table: str) -> str:
    """The statement that writes a row of ours and leaves columns of a newer release alone."""
    names, keys = COLUMNS[table], KEYS[table]
    sets = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    marks = ", ".join("?" * len(names))
    return (
        f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks}) "
        f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {sets}"
    )


def _begin(path: Path) -> None:
    """A new journal, complete from the moment on at which it has its name."""
    fresh = path.with_name(f"{path.name}.new")
    for companion in ("", *_COMPANIONS):
        Path(f"{fresh}{companion}").unlink(missing_ok=True)
    with contextlib.closing(_connect(fresh)) as db:
        fresh.chmod(0o600)
        db.executescript(_SCHEMA)
        db.execute(f"PRAGMA user_version = {_VERSION}")
        db.execute("PRAGMA journal_mode = WAL")
    if any(os.path.lexists(f"{path}{companion}") for companion in _COMPANIONS):
        set_aside(path)  # what is left of one whose main file was removed
    fresh.rename(path)


def _connect(path: Path | str, *, uri: bool = False) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=_PATIENCE, uri=uri)
    db.text_factory = methodcaller("decode", "utf-8", "surrogateescape")
    return db


def _plain(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    return _looked_at(_connect(f"{path.as_uri()}?mode=ro", uri=True))


def _alone(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    """Without shared memory, by a lock that keeps others out meanwhile."""
    db = _connect(f"{path.as_uri()}?mode=rw", uri=True)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    return _looked_at(db)


def _unchanging(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    """Without any lock, where nothing waits in the WAL."""
    with contextlib.suppress(OSError):
        if os.path.getsize(f"{path}-wal"):
            raise sqlite3.OperationalError("its WAL is not empty")
    return _looked_at(_connect(f"{path.as_uri()}?immutable=1", uri=True))


def _copied(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    """A copy, with its WAL."""
    try:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recon-")))
        for companion in ("", "-wal"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{companion}", folder / f"{path.name}{companion}")
    except OSError as error:
        raise sqlite3.OperationalError(f"it cannot be copied: {error.strerror}") from error
    return _looked_at(_connect(folder / path.name))


def _looked_at(db: sqlite3.Connection) -> sqlite3.Connection:
    try:
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        db.close()
        raise
    return db


def _must_not_be_empty(path: Path) -> None:
    """It is never so by our hand: a new one gets its name when it is complete."""
    if path.is_file() and not path.stat().st_size:
        raise _damage("it is empty")


def _must_be_known(db: sqlite3.Connection) -> None:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, _VERSION):
        raise NewerError(version)


def _check(db: sqlite3.Connection) -> None:
    (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise _damage(found)


def _complete(db: sqlite3.Connection) -> None:
    """Add the tables and columns that are missing."""
    with db:
        for table, names in COLUMNS.items():
            there = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
            if there and not there.issuperset(KEYS[table]):  # not rows of recon
                db.execute(f"ALTER TABLE {table} RENAME TO {table}_{int(time.time())}")
                there = set()
            for name in names if there else ():
                if name not in there:
                    db.execute(f"ALTER TABLE {table} ADD COLUMN {name}")
    db.executescript(_SCHEMA)
    if not db.execute("PRAGMA user_version").fetchone()[0]:
        db.execute(f"PRAGMA user_version = {_VERSION}")
        db.commit()


def _damage(why: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(why)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code. Some errors of Python's module have none."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if isinstance(code, int) else None
