"""Names of log files: one an instance or one for all, and those that were rotated away.

A place is an absolute path that may hold ``<instance>`` in its last part. A rotated file has the
name of the log, a dot, and when it was rotated (UTC); behind that, what it was compressed with.
Known to who writes logs and to who reads them; no pydantic here, `recon logs` starts without.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

INSTANCE = "<instance>"
APP = "<app>"
TIME = "%Y%m%d-%H%M%S-%f"
"""Of a rotated file's name, for ``strftime``."""
PACKED = (".gz", ".zst")
"""Compressed by gzip, and by zstd."""
_WHEN = r"\.(\d{8}-\d{6}-\d{6})(\.gz|\.zst)?"
_DIGITS = re.compile(r"[0-9]+")


class LogName(NamedTuple):
    """What the name of a log file says."""

    log: str
    """The current file's name."""
    instance: int | None
    when: str
    """When it was rotated, as in its name; empty for the current file."""
    packed: str
    """One of ``PACKED``, or empty."""


def split(place: str) -> tuple[str, str]:
    """Folder and name."""
    folder, _, name = place.rpartition("/")
    return folder, name


def place_for(place: str, instance: int) -> str:
    """The path of one instance's log."""
    return place.replace(INSTANCE, str(instance))


@lru_cache(maxsize=4096)
def matcher(place: str) -> re.Pattern[str]:
    """Matches names of files, current or rotated, of the logs at a place."""
    name = re.escape(split(place)[1]).replace(re.escape(INSTANCE), r"(?P<n>\d+)", 1)
    name = name.replace(re.escape(INSTANCE), "(?P=n)")
    return re.compile(f"(?P<log>{name})(?:{_WHEN})?")


def parse(place: str, name: str) -> LogName | None:
    """What ``name`` says; None where it is not a file of the logs at ``place``."""
    match = matcher(place).fullmatch(name)
    if match is None:
        return None
    number = match["n"] if "n" in match.re.groupindex else None
    *_, when, packed = match.groups()
    return LogName(match["log"], None if number is None else int(number), when or "", packed or "")


def alike(place: str) -> str:
    """The same text for all places that may mean one file (as ``a-<instance>`` and ``a-0``)."""
    return _DIGITS.sub(INSTANCE, place)


def overlap(one: str, other: str) -> bool:
    """Whether two places may mean one file."""
    if one == other:
        return True
    (folder, name), (elsewhere, another) = split(one), split(other)
    if folder != elsewhere:
        return False
    names = (name, another)
    if all(INSTANCE in name for name in names):
        return alike(one) == alike(other)
    return any(
        matcher(place).fullmatch(split(literal)[1]) is not None
        for place, literal in ((one, other), (other, one))
    )
