"""All places of recon's code that a controller may have an effect at, from the syntax tree.

The points that a run meets need no list (``failpoints``). This one says which it did not meet.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import reconciler
from tests.effects import COMPOSED, EFFECTS

_ROOT = Path(reconciler.__file__).parent
_NO_CONTROLLER = ("cli", "convert", "notify", "render", "ui")
"""Packages that run in other processes only, as these files do: …"""
_OTHER_PROCESSES = ("converge/process/stub.py", "system/work/workerproc.py")
_OF_OBJECTS = {"pathlib", "socket", "sqlite3"}
"""Modules of which effects are methods: any object may be one of theirs."""
_COMMON = {"close", "connect", "listen", "open", "replace", "send"}
"""Methods that most objects have that are none of these."""


class Place(NamedTuple):
    """A call, by the lines that it takes."""

    file: str
    first: int
    last: int
    name: str


def places() -> Iterator[Place]:
    """The calls of effects, by file and line."""
    for path in sorted(_ROOT.glob("**/*.py")):
        file = str(path.relative_to(_ROOT))
        if file.partition("/")[0] in _NO_CONTROLLER or file in _OTHER_PROCESSES:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = _name(node.func)
                if name == "os.open" and "O_CREAT" not in ast.unparse(node):
                    continue
                if name:
                    yield Place(file, node.lineno, node.end_lineno or node.lineno, name)


def _name(called: ast.Attribute) -> str:
    module = called.value.id if isinstance(called.value, ast.Name) else ""
    for table in (EFFECTS, COMPOSED):
        if called.attr in table.get(module, ()):
            return f"{module}.{called.attr}"
        for other in _OF_OBJECTS & table.keys():
            if called.attr in table[other] - _COMMON and module not in EFFECTS:
                return f"{other}.{called.attr}"
    return ""


def unmet(met: Iterable[str]) -> list[Place]:
    """The places at which a run met no effect. ``met``: as ``failpoints.place`` names them."""
    lines = {(file, int(line)) for file, _, line in (one.split()[0].partition(":") for one in met)}
    return [
        one
        for one in places()
        if not any((one.file, line) in lines for line in range(one.first, one.last + 1))
    ]
