"""Single statements of the journal: one that cannot be executed hinders no other."""

from __future__ import annotations

import os
import sqlite3
from typing import Any

from reconciler.state import database

Statement = tuple[str, tuple[Any, ...]]


def execute(
    db: sqlite3.Connection, statement: str, values: tuple[Any, ...], dropped: list[str]
) -> None:
    """Execute one statement. What only this one is to blame for is put into ``dropped``."""
    try:
        try:
            db.execute(statement, values)
        except UnicodeEncodeError:
            db.execute(statement, tuple(map(_printable, values)))
    except Exception as error:
        if not database.is_of_statement(error):
            raise
        dropped.append(str(error))


def _printable(value: Any) -> Any:
    """Bytes that are no text, as of a file's name, as escapes."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    return value


def stored(path: str | None) -> str | bytes | None:
    """A path that is not UTF-8 is stored as its bytes, so that it is found again."""
    if path is None or path.isascii():
        return path
    encoded = os.fsencode(path)
    try:
        return encoded.decode()
    except UnicodeDecodeError:
        return encoded
