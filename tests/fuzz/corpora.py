"""The inputs that a target is tried with: its seeds, and those that runs found worth keeping.

One file a target, one JSON string a line, whose characters are the bytes (Latin-1)."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent / "corpora"


def module(name: str) -> Any:
    """A target."""
    return importlib.import_module(f"tests.fuzz.targets.{name}")


def kept(name: str) -> list[bytes]:
    """What runs have kept."""
    path = _FOLDER / f"{name}.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line).encode("latin-1") for line in lines]


def inputs(name: str) -> list[bytes]:
    """All of a target."""
    return [*dict.fromkeys((*module(name).SEEDS, *kept(name)))]


def keep(name: str, found: Iterable[bytes]) -> None:
    """Keep these as well, the smallest first."""
    every = sorted({*kept(name), *found}, key=lambda data: (len(data), data))
    text = "".join(json.dumps(data.decode("latin-1")) + "\n" for data in every)
    _FOLDER.mkdir(exist_ok=True)
    (_FOLDER / f"{name}.jsonl").write_text(text)
