"""What `recon doctor` found: one fact each, how bad it is, and what to do about it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    """Something will not work as well as it could, or only later."""
    PROBLEM = "problem"
    """Something does not work."""


class Finding(NamedTuple):
    """``message`` and ``remedy`` are sentences; the latter is empty where all is well."""

    check: str
    """What was looked at, the same word on every host: ``kernel``, ``disk``, ``port``, …"""
    level: Level
    message: str
    remedy: str = ""


def ok(check: str, message: str) -> Finding:
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, remedy: str) -> Finding:
    return Finding(check, Level.WARNING, message, remedy)


def problem(check: str, message: str, remedy: str) -> Finding:
    return Finding(check, Level.PROBLEM, message, remedy)
