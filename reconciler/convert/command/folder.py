"""What the folder of a program says of it: its name, its packages, its variables.

Only as evidence, and bounded: nothing is executed, and what cannot be read says nothing.
"""

from __future__ import annotations

import io
import os
import re
import tomllib
from collections.abc import Sequence
from typing import Any

from dotenv.parser import parse_stream

from reconciler.checks.runtimes import package_of, scripts_of
from reconciler.convert.shell import line_of
from reconciler.system.files.regular import read_head

_MOST = 512 * 2**10
_VENVS = (".venv", "venv", "env")
_PROCESS = re.compile(r"([A-Za-z0-9_-]+):\s*(.+?)\s*")
_OUTPUTS = ("dist", "build", "out", "lib")
_INPUTS = ("src", "package.json", "package-lock.json", "pnpm-lock.yaml", "yarn.lock")
_MORE_INPUTS = ("tsconfig.json", "tsconfig.build.json", "nest-cli.json", "vite.config.ts")
_RUNNERS = {"npm", "pnpm", "yarn", "bun"}
_PLAIN = {"start", "test", "stop", "restart"}


class Folder:
    """The files that stand in one folder."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._package = package_of(path) or {}

    def has(self, name: str) -> bool:
        """Whether a regular file of this name is here."""
        return os.path.isfile(os.path.join(self.path, name))

    def text(self, name: str) -> str:
        """The beginning of a file; empty where there is none to be read."""
        try:
            return read_head(os.path.join(self.path, name), _MOST).decode("utf-8", "replace")
        except (OSError, ValueError):
            return ""

    @property
    def name(self) -> str:
        """The project's name: package.json, pyproject.toml, or the folder."""
        named = self._package.get("name")
        if isinstance(named, str) and named:
            return named.rpartition("/")[2]
        try:
            project = tomllib.loads(self.text("pyproject.toml"))
        except (tomllib.TOMLDecodeError, RecursionError):
            project = {}
        for table in (project.get("project"), _in(project, "tool", "poetry")):
            if isinstance(table, dict) and isinstance(table.get("name"), str):
                return str(table["name"])
        return os.path.basename(self.path)

    def process(self, command: Sequence[str]) -> str:
        """The Procfile's name for a command; empty where it does not have it."""
        for line in self.text("Procfile").splitlines():
            found = _PROCESS.fullmatch(line)
            if found is not None and line_of(found[2]).command == [*command]:
                return found[1]
        return ""

    @property
    def processes(self) -> list[str]:
        """Names of the Procfile's processes."""
        lines = map(_PROCESS.fullmatch, self.text("Procfile").splitlines())
        return [found[1] for found in lines if found is not None]

    @property
    def variables(self) -> dict[str, str]:
        """Those of `.env`, as far as it can be read."""
        if not self.has(".env"):
            return {}
        bindings = parse_stream(io.StringIO(self.text(".env")))
        return {one.key: one.value for one in bindings if one.key and one.value is not None}

    def in_venv(self, program: str) -> str:
        """The path of a program in the folder's own virtual environment; empty without one."""
        paths = (f"{venv}/bin/{program}" for venv in _VENVS)
        there = (path for path in paths if os.access(os.path.join(self.path, path), os.X_OK))
        return next(there, "")

    def script(self, command: Sequence[str]) -> list[str]:
        """The command that `npm start` and its like run; empty where it is none of these."""
        if os.path.basename(command[0]) not in _RUNNERS:
            return []
        words = [word for word in command[1:] if not word.startswith("-")]
        runs = words[:1] in (["run"], ["run-script"])
        words = words[1:] if runs else words
        if not words or not (runs or words[0] in _PLAIN or command[0] == "yarn"):
            return []
        line = scripts_of(self._package).get(words[0])
        if isinstance(line, str) and line.strip():
            return line_of(line).command
        return ["node", "server.js"] if words[0] == "start" and self.has("server.js") else []

    def build(self, command: Sequence[str]) -> dict[str, Any] | None:
        """How what the command runs is made, where package.json says it: `npm run build`."""
        made = any(word.lstrip("./").partition("/")[0] in _OUTPUTS for word in command[1:])
        if not made or "build" not in scripts_of(self._package):
            return None
        there = (*_INPUTS, *_MORE_INPUTS)
        inputs = [name for name in there if os.path.exists(os.path.join(self.path, name))]
        return {"command": "npm run build", "inputs": inputs} if "src" in inputs else None


def _in(value: Any, *steps: str) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return value
