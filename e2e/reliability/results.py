"""What the parts found: a JSON file each, in the folder that RECON_RESULTS names."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

SWITCH = "RECON_RESULTS"
RESULTS = ("held", "found", "skipped", "failed")
ROOT = Path(__file__).parents[2]


class Row(NamedTuple):
    """One case: what was done, and whether recon kept its promise."""

    case: str
    """`kind × situation` where the part is a matrix."""
    what: str
    result: str
    detail: str = ""


class Part(NamedTuple):
    """All that one part of the test found."""

    name: str
    figures: dict[str, Any]
    rows: list[Row]
    date: str
    """UTC, to the minute."""
    commit: str


def folder() -> Path | None:
    """Where results are kept; None where no run asks for them."""
    name = os.environ.get(SWITCH)
    return Path(name) if name else None


def add(part: str, rows: Iterable[Row], figures: Mapping[str, Any] | None = None) -> None:
    """Add to a part's file. A row replaces the earlier one of its case.

    The workers of pytest write to one file, each in its turn."""
    home = folder()
    if home is None:
        return
    home.mkdir(parents=True, exist_ok=True)
    with (home / f".{part}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        path = home / f"{part}.json"
        known = json.loads(path.read_text()) if path.exists() else {}
        by_case = {row["case"]: row for row in known.get("rows", [])}
        by_case |= {row.case: row._asdict() for row in rows}
        document = {
            "part": part,
            "figures": known.get("figures", {}) | dict(figures or {}),
            "rows": [*by_case.values()],
            "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
            "commit": commit(),
        }
        fresh = home / f".{part}.tmp"
        fresh.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        fresh.replace(path)


def read(home: Path) -> dict[str, Part]:
    """By name, the parts that have a result. ValueError for a file that is none."""
    return {part.name: part for part in map(_part, sorted(home.glob("*.json")))}


def commit() -> str:
    """The commit of this tree, with a + where files differ from it; empty outside of git."""
    head = _git("rev-parse", "--short=10", "HEAD")
    return head + ("+" if head and _git("status", "--porcelain", "-uno") else "")


def _part(path: Path) -> Part:
    document = json.loads(path.read_text())
    rows = [
        Row(row["case"], row.get("what", ""), row["result"], row.get("detail", ""))
        for row in document.get("rows", [])
    ]
    for row in rows:
        if row.result not in RESULTS:
            raise ValueError(f"{path}: {row.case}: the result {row.result!r} is unknown")
    written = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M")
    return Part(
        document["part"],
        document.get("figures", {}),
        rows,
        document.get("date", written),
        document.get("commit", ""),
    )


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip()
