"""Evaluates one PM2 config in quickjs-ng, where there is no Node; loaded by ``sandbox`` only.

The engine can do nothing but compute. What a config may learn of the host are the verbs of
``_Host``, which read below the given folders and nowhere else.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from collections.abc import Callable
from typing import Any

import quickjs

_STACK = 512 * 1024
_LARGEST = 4 * 2**20
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "quick.js")) as _file:
    _PRELUDE = _file.read()


def main(request: dict[str, Any]) -> None:
    """Answer to the descriptor that the question names."""
    question = json.load(sys.stdin)
    context = quickjs.Context()
    context.set_memory_limit(request["memory"] // 2)
    context.set_max_stack_size(_STACK)
    context.add_callable("host", _Host(request["folders"]).verb)
    words = [question["environ"], question["file"], request["cwd"]]
    prelude = f"globalThis.__answer = {_PRELUDE}(...{json.dumps(words)})"
    context.eval(prelude)
    answer = context.eval(f"__answer({json.dumps(question['expression'])})")
    data = str(answer).encode("utf-8", "surrogatepass")
    while data:
        data = data[os.write(question["fd"], data) :]


class _Host:
    """What may be asked, by name; JSON in, JSON out."""

    def __init__(self, folders: list[str]) -> None:
        self._folders = folders
        self._verbs: dict[str, Callable[..., Any]] = {
            "cores": lambda: len(os.sched_getaffinity(0)),
            "hostname": socket.gethostname,
            "memory": lambda: os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
            "exists": lambda cwd, name: os.path.exists(self._allowed(cwd, name)),
            "file": lambda cwd, name: os.path.isfile(self._allowed(cwd, name)),
            "read": self._read,
            "path.join": lambda cwd, *words: os.path.normpath("/".join(filter(None, words)) or "."),
            "path.resolve": lambda cwd, *words: os.path.normpath(os.path.join(cwd, *words)),
            "path.dirname": lambda cwd, name: os.path.dirname(name) or ".",
            "path.basename": _basename,
            "path.extname": lambda cwd, name: os.path.splitext(name)[1],
            "path.normalize": lambda cwd, name: os.path.normpath(name),
            "path.relative": lambda cwd, one, other: os.path.relpath(
                os.path.join(cwd, other), os.path.join(cwd, one)
            ),
            "path.isAbsolute": lambda cwd, name: os.path.isabs(name),
        }

    def verb(self, name: str, words: str) -> str:
        try:
            return json.dumps({"found": self._verbs[name](*json.loads(words))})
        except PermissionError as error:
            return json.dumps({"denied": error.filename or str(error)})
        except (OSError, ValueError, RecursionError) as error:
            return json.dumps({"failed": str(error)})

    def _allowed(self, cwd: str, name: str) -> str:
        path = os.path.realpath(os.path.join(cwd, name))
        if not any(os.path.commonpath([path, folder]) == folder for folder in self._folders):
            raise PermissionError(errno.EACCES, "outside", path)
        return path

    def _read(self, cwd: str, name: str) -> str:
        with open(self._allowed(cwd, name), encoding="utf-8") as file:
            return file.read(_LARGEST)


def _basename(cwd: str, name: str, end: str = "") -> str:
    found = os.path.basename(name.rstrip("/"))
    return found.removesuffix(end) if found != end else found
