"""Whether every line of every process stands in the logs, once and in order."""

from __future__ import annotations

import gzip
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from e2e.faults.registrar import Life

_ENTRY = re.compile(r"(\S+) (\d+) \.*")


class Written(NamedTuple):
    """The lines of one process in one log."""

    nonce: str
    stream: str


class Verdict(NamedTuple):
    """What the logs of all processes have."""

    faults: list[str]
    lines: int
    cut: int
    """Processes whose last lines were lost, that ended when no controller could read them."""


def judge(logs: Path, lives: Iterable[Life], unread: set[str]) -> Verdict:
    """Compare the logs below a folder with what the processes counted.

    ``unread``: nonces of those whose end a controller may not have lived to read.
    """
    numbers: dict[Written, list[int]] = defaultdict(list)
    faults, cut = [], 0
    for folder in sorted(logs.iterdir()):
        for stem in sorted({_stem(path.name) for path in folder.glob("*.log*")}):
            for stream, text in _entries(folder, stem):
                match = _ENTRY.fullmatch(text)
                if match is None:
                    faults.append(f"torn line in {folder.name}/{stem}: {text[:120]!r}")
                    continue
                numbers[Written(match[1], stream)].append(int(match[2]))
    for written, found in numbers.items():
        if found != list(range(1, len(found) + 1)):
            faults.append(f"{written}: {_first_gap(found)}")
    for life in lives:
        if life.is_child or life.written is None:
            continue
        for stream in ("out", "err"):
            lacking = life.written - len(numbers.get(Written(life.nonce, stream), ()))
            if lacking and life.nonce in unread:
                cut += 1
            elif lacking:
                faults.append(f"{life.key} {life.nonce} {stream}: {lacking} lines are missing")
    return Verdict(faults, sum(map(len, numbers.values())), cut)


def _stem(name: str) -> str:
    """The current log that a file belongs to: ``0.out.log``."""
    return re.sub(r"\.log.*", ".log", name)


def _entries(folder: Path, stem: str) -> Iterator[tuple[str, str]]:
    """Stream and text of each line, oldest first."""
    rotated = sorted(path for path in folder.glob(f"{stem}.*") if path.suffix != ".new")
    stream = "err" if ".err." in stem else "out"
    for path in (*rotated, folder / stem):
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        for line in _plain(path, content).decode().splitlines():
            if line.startswith("{"):
                entry = json.loads(line)
                yield entry["stream"].removeprefix("std"), entry["message"]
            else:
                yield stream, line.partition(" ")[2]


def _plain(path: Path, content: bytes) -> bytes:
    if path.suffix == ".gz":
        return gzip.decompress(content)
    if path.suffix == ".zst":
        from compression import zstd  # type: ignore[import-not-found]  # Python 3.14

        plain: bytes = zstd.decompress(content)
        return plain
    return content


def _first_gap(found: list[int]) -> str:
    for position, number in enumerate(found, 1):
        if number != position:
            return f"line {position} is {number}, of {len(found)}"
    return "no gap"
