"""What a Node or Python program needs beside its interpreter, and does not find.

The interpreter starts, and then ends with a stack trace: the script was not built, the packages
were not installed, the virtual environment is another machine's. Said here before a start.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from reconciler.model.state.finding import Finding, problem, warning
from reconciler.model.words.closest import closest
from reconciler.system.files.regular import read_head

_NODE = re.compile(r"node(js)?")
_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_RUNNERS = {"npm", "pnpm", "yarn"}
_PLAIN = {"start", "stop", "restart", "test"}
"""Scripts that npm runs without the word ``run``."""
_NODE_VALUES = {"-r", "--require", "--import", "--loader", "-C", "--conditions", "--env-file"}
_PYTHON_VALUES = {"-W", "-X"}
_ELSEWHERE = {"-c", "-m", "-e", "-p", "--eval", "--print"}
"""After these comes no script."""
_INSTALL = (
    ("package-lock.json", "npm ci"),
    ("npm-shrinkwrap.json", "npm ci"),
    ("pnpm-lock.yaml", "pnpm install --frozen-lockfile"),
    ("yarn.lock", "yarn install --frozen-lockfile"),
)
_REQUIRES = ("requirements.txt", "uv.lock", "poetry.lock", "Pipfile.lock")
_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:[<>=!~#].*)?$")
"""A line that names a package, with or without a version; not one with an address or a marker."""
_VENVS = (".venv", "venv", "env")
_MOST_BYTES = 4 * 2**20
"""Of a file of the app's user, who may have put anything in its place."""


def lacking(command: Sequence[str], cwd: str) -> Iterator[Finding]:
    """Findings on a program and its directory; none where all is there, or nothing is known."""
    program, arguments = os.path.basename(command[0]), command[1:]
    yield from _requirements(command[0], cwd)
    if _NODE.fullmatch(program):
        script = _script(arguments, _NODE_VALUES)
        yield from _node_script(script, cwd)
        yield from _packages(os.path.join(cwd, os.path.dirname(script or "")))
    elif program in _RUNNERS:
        yield from _named_script(arguments, cwd)
        yield from _packages(cwd)
    elif _PYTHON.fullmatch(program):
        yield from _python_script(_script(arguments, _PYTHON_VALUES), cwd)
        yield from _environment(command[0], cwd)


def missing_interpreter(program: str) -> Finding | None:
    """A script whose first line (`#!`) names a missing interpreter; exec reports that of the
    script."""
    try:
        first = read_head(program, 4096).partition(b"\n")[0]
    except (OSError, ValueError):
        return None
    named = re.match(rb"#!\s*([^ \t\n]+)", first)
    interpreter = os.fsdecode(named[1]) if named else "/"
    if os.path.exists(interpreter):
        return None
    message = f"{program} is run by {interpreter.rstrip()}, which does not exist"
    if interpreter.endswith("\r"):
        message = f"the lines of {program} end with CR LF as on Windows, so it cannot be run"
        return problem("program", message, f"sed -i 's/\\r$//' {program}")
    remedy = "install that, or correct its first line"
    if "/bin/python" in interpreter:
        remedy = "create the virtual environment again: it was moved, or its Python was removed"
    return problem("program", message, remedy)


def _script(arguments: Sequence[str], with_value: set[str]) -> str | None:
    """The file that an interpreter is to run."""
    skip = False
    for word in arguments:
        if skip:
            skip = False
        elif word in _ELSEWHERE:
            return None
        elif word in with_value:
            skip = True
        elif not word.startswith("-"):
            return word
    return None


def _node_script(script: str | None, cwd: str) -> Iterator[Finding]:
    if script is None:
        return
    path = os.path.join(cwd, script)
    tries = (path, f"{path}.js", f"{path}.cjs", f"{path}.mjs", f"{path}.json")
    if os.path.isdir(path) or any(map(os.path.isfile, tries)):
        return
    builds = "build" in scripts_of(package_of(cwd))
    remedy = f"build it: cd {cwd} && npm run build" if builds else "build it, or correct `command`"
    yield problem("program", f"there is no file {path}", remedy)


def _named_script(arguments: Sequence[str], cwd: str) -> Iterator[Finding]:
    """``npm run NAME``: the name stands in package.json."""
    words = [word for word in arguments if not word.startswith("-")]
    if words[:1] in (["run"], ["run-script"]):
        words = words[1:]
    elif not words or words[0] not in _PLAIN:
        return
    package = package_of(cwd)
    if package is None:
        torn = os.path.exists(os.path.join(cwd, "package.json"))
        message = (
            f"{cwd}/package.json is not JSON" if torn else f"there is no package.json in {cwd}"
        )
        yield problem("program", message, "correct it" if torn else "correct `cwd`")
        return
    scripts = scripts_of(package)
    # `npm start` runs server.js where no script says else.
    if not words or (words[0] == "start" and "start" not in scripts):
        return
    if words[0] in scripts:
        yield from _of_script(str(scripts[words[0]]), cwd)
        return
    close = closest(words[0], scripts)
    hint = f"did you mean {close}?" if close else f"it has {', '.join(sorted(scripts)) or 'none'}"
    yield problem("program", f"package.json in {cwd} has no script {words[0]}", hint)


def _of_script(line: str, cwd: str) -> Iterator[Finding]:
    """Where the script is `node dist/main` and no more, the file that it runs."""
    words = line.split()
    if words and _NODE.fullmatch(words[0]) and not re.search(r"[;&|$`'\"(]", line):
        yield from _node_script(_script(words[1:], _NODE_VALUES), cwd)


def _packages(folder: str) -> Iterator[Finding]:
    """Each declared dependency has its folder in some node_modules from here upwards."""
    home = _nearest(folder, "package.json")
    package = package_of(home) if home else None
    dependencies = package.get("dependencies") if package else None
    if not isinstance(dependencies, dict) or not home or os.path.exists(f"{home}/.pnp.cjs"):
        return
    above = [home, *map(str, Path(home).parents)]
    missing = [
        name
        for name in dependencies
        if not any(os.path.isdir(os.path.join(at, "node_modules", name)) for at in above)
    ]
    if not missing:
        return
    message = f"packages that {home}/package.json names are not installed: {_few(missing)}"
    yield problem("packages", message, f"cd {home} && {_installer(home)}")


def _python_script(script: str | None, cwd: str) -> Iterator[Finding]:
    path = os.path.join(cwd, script) if script else None
    if path and not os.path.exists(path):
        yield problem("program", f"there is no file {path}", "install it, or correct `command`")


def _environment(python: str, cwd: str) -> Iterator[Finding]:
    """A program with requirements of its own that is run by the system's Python."""
    if "/" in python:
        return
    wants = next((name for name in _REQUIRES if os.path.exists(os.path.join(cwd, name))), None)
    venvs = [one for one in _VENVS if os.path.exists(os.path.join(cwd, one, "bin/python"))]
    if venvs:
        message = f"{cwd}/{venvs[0]} exists, but `command` runs the system's {python}"
        yield warning("packages", message, f"write {venvs[0]}/bin/python in `command`")
    elif wants:
        message = f"{cwd}/{wants} exists, but there is no virtual environment"
        remedy = "create one, and name its bin/python"
        if wants == "requirements.txt":
            remedy = f"cd {cwd} && python3 -m venv .venv && .venv/bin/pip install -r {wants}"
        yield warning("packages", message, remedy)


def _requirements(program: str, cwd: str) -> Iterator[Finding]:
    """Of a program in a virtual environment: what requirements.txt names, by the folders of pip."""
    venv = Path(os.path.normpath(os.path.join(cwd, program))).parent.parent
    if "/" not in program or not (venv / "pyvenv.cfg").is_file():
        return
    try:
        text = read_head(os.path.join(cwd, "requirements.txt"), _MOST_BYTES)
        lines = text.decode("utf-8").splitlines()
    except (OSError, ValueError):
        return
    there = {
        _canonical(found.name.partition("-")[0])
        for found in venv.glob("lib*/python3*/site-packages/*.dist-info")
    }
    names = (_REQUIREMENT.match(line) for line in lines if ";" not in line)
    missing = [name[1] for name in names if name and _canonical(name[1]) not in there]
    if missing:
        message = f"packages that {cwd}/requirements.txt names are not installed: {_few(missing)}"
        pip = os.path.join(os.path.dirname(program), "pip")
        yield problem("packages", message, f"cd {cwd} && {pip} install -r requirements.txt")


def _canonical(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _nearest(folder: str, name: str) -> str | None:
    """The folder, this or one above, that holds a file of this name."""
    path = Path(os.path.normpath(folder))
    return next((str(at) for at in (path, *path.parents) if (at / name).is_file()), None)


def package_of(folder: str) -> dict[str, Any] | None:
    """The package.json of a folder; None where there is none that can be read."""
    try:
        found = json.loads(read_head(os.path.join(folder, "package.json"), _MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def scripts_of(package: dict[str, Any] | None) -> dict[str, Any]:
    """What `npm run` runs, by name."""
    found = package.get("scripts") if package else None
    return found if isinstance(found, dict) else {}


def how_to_install(folder: str) -> str:
    """The command that installs the Node packages of a program in ``folder``."""
    home = _nearest(folder, "package.json") or folder
    return f"cd {home} && {_installer(home)}"


def python_of(cwd: str) -> str:
    """The Python of the virtual environment in ``cwd``, relative to it; empty without one."""
    found = (one for one in _VENVS if os.path.exists(os.path.join(cwd, one, "bin/python")))
    return next((f"{one}/bin/python" for one in found), "")


def requirements_of(cwd: str) -> str:
    """The file in ``cwd`` that pip installs from; empty without one."""
    there = os.path.exists(os.path.join(cwd, "requirements.txt"))
    return "requirements.txt" if there else ""


def _installer(folder: str) -> str:
    there = (how for name, how in _INSTALL if os.path.exists(os.path.join(folder, name)))
    return next(there, "npm install")
