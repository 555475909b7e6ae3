"""Crafted values in each column of the journal. What is bad is dropped, and the rest is whole.

The first byte says which column, the second of what type, the rest is the value."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from reconciler.state.journal import records
from reconciler.state.journal.records import RecordError
from tests.fuzz.targets import journal

COLUMNS = (
    ("app", "memory"),
    ("app", "source"),
    ("later", "data"),
    ("revision", "spec"),
    ("revision", "marks"),
    ("revision", "hash"),
    ("revision", "number"),
    ("revision", "created_at"),
    ("revision", "failed"),
    ("event", "at"),
    ("event", "instance"),
    ("event", "reason"),
    ("event", "type"),
    ("detail", "ended"),
    ("detail", "asked"),
    ("setting", "value"),
)
SEEDS = (
    *(bytes((0, 0)) + text.encode() for text in records.dump(journal.MEMORY) if text),
    *(bytes((0, 0)) + text.encode() for text in records.dump(journal.JOB) if text),
    b'\2\0{"given_up": {"2": {"failure": "late", "message": "x"}}}',
    b'\3\0{"command": ["a"], "instances": 2}',
    b'\4\0{"S": "k-1"}',
    b"\x06\2" + b"12",
    b"\x07\3" + b"1e308",
    b'\x0d\0{"code": 7, "signal": "SIGSEGV", "stderr": ["a"]}',
    b'\x0e\0{"verb": "restart", "uid": 0}',
)


def check(data: bytes) -> None:
    """Put it there, and read the journal."""
    if len(data) < 2:
        return
    table, column = COLUMNS[data[0] % len(COLUMNS)]
    value = _value(data[1] % 4, data[2:])
    if column in ("memory", "data") and isinstance(value, str):
        _round_trip(value)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder, "recon.db")
        path.write_bytes(journal.template())
        db = sqlite3.connect(path)
        try:
            if table == "later":
                db.execute("INSERT INTO later VALUES ('web', ?)", (value,))
            else:
                key = "app" if table == "revision" else "name"
                where = f" WHERE {key} = 'web'" if table in ("app", "revision") else ""
                db.execute(f"UPDATE {table} SET {column} = ?{where}", (value,))
            db.commit()
        except (sqlite3.Error, OverflowError, UnicodeEncodeError):
            return  # it cannot be put there
        finally:
            db.close()
        memories = journal.exercise(path)
        assert memories["report"] == journal.JOB, "a bad row of another app touched it"
        journal.exercise(path)


def _value(kind: int, rest: bytes) -> str | bytes | int | float:
    text = rest.decode("utf-8", "replace")
    try:
        return (str, lambda _: rest, int, float)[kind](text)
    except ValueError:
        return text


def _round_trip(text: str) -> None:
    try:
        memory, unknown = records.load(text)
    except RecordError:
        return
    first, later = records.dump(memory, unknown)
    again, _ = records.load(first, later)
    assert again == memory, (again, memory)
