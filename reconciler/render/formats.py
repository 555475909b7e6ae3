"""Numbers, sizes, times and places as people read them."""

from __future__ import annotations

import os


def duration(seconds: float | None) -> str:
    """``7s``, ``4m12s``, ``3h05m``, ``12d``: two units at most. ``-`` where unknown."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"


def size(count: int | None) -> str:
    """``120Mi``; ``-`` where unknown."""
    if count is None:
        return "-"
    for unit, bytes_of in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
        if count >= bytes_of:
            return f"{count / bytes_of:.1f}".removesuffix(".0") + unit
    return str(count)


def percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}%"


def count(number: int, noun: str) -> str:
    """``1 instance``, ``2 instances``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def place(file: str) -> str:
    """A file as seen from here: relative where it is below the current directory."""
    try:
        here = os.getcwd()
    except FileNotFoundError:
        return file
    return file[len(here) + 1 :] if file.startswith(here + "/") else file


def local(sentence: str) -> str:
    """A sentence with the paths in it as seen from here."""
    try:
        return sentence.replace(os.getcwd() + "/", "")
    except FileNotFoundError:
        return sentence


def clock(iso: str) -> str:
    """An ISO time (UTC) as ``2026-11-24 05:12:09`` in local time."""
    from datetime import datetime  # noqa: PLC0415  `status` needs no calendar

    try:
        return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except ValueError:
        return iso
