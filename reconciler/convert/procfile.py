"""`recon import procfile`: foreman's and Heroku's Procfile, with the ``.env`` beside it.

Source of the rules: foreman(1) and honcho. Process type ``n`` of the file gets PORT 5000 + 100 n,
its instances the ports that follow; every line runs in the Procfile's folder.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Mapping

from dotenv.parser import parse_stream

from reconciler.convert.dotenv import differences
from reconciler.convert.errors import fault
from reconciler.convert.manifests.draft import Draft, Fate, Located, Note, locate
from reconciler.convert.read_text import text_of
from reconciler.convert.shell import line_of
from reconciler.convert.variables import acceptable

GENERAL = (
    "foreman stops all processes when one ends; recon restarts the one that ended.",
    "foreman kills 5 s after SIGTERM; recon waits terminationGracePeriodSeconds, which is 30"
    " unless written.",
    "foreman passed the environment of the shell that started it to each program; recon passes what"
    " the manifest says, and PATH, HOME, USER, LANG, TZ.",
)

FIRST_PORT = 5000
_STEP = 100
_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(.+)")
_LAST_PORT = 65535


def drafts_of(
    file: str, concurrency: Mapping[str, int], port: int | None, env_file: str | None
) -> tuple[list[Draft], dict[str, tuple[Note, ...]]]:
    """The drafts of a Procfile (absolute path), and the notes on it. Raises ImportFault."""
    folder = os.path.dirname(file)
    env = os.path.join(folder, env_file or ".env")
    there = os.path.exists(env)
    if env_file is not None and not there:
        raise fault(env, "there is no such file")
    first = port if port is not None else _port_in(env) if there else None
    first = FIRST_PORT if first is None else first
    drafts, (lines, odd) = [], _lines(file)
    for number, (line, name, text) in enumerate(lines):
        draft = Draft(name, file)
        found = line_of(text)
        draft.spec = {"command": found.command, "cwd": locate(folder, found.folder or ".")}
        _count(draft, first + number * _STEP, concurrency.get(name), line)
        if own := acceptable(found.env, name, draft):
            draft.spec["env"] = {**draft.spec.get("env", {}), **own}
        if there:
            draft.spec["envFrom"] = [Located(env)]
        if name == "release":
            _release(draft)
        drafts.append(draft)
    unknown = concurrency.keys() - {draft.name for draft in drafts}
    if unknown:
        raise fault(file, f"has no process type {min(unknown)}; correct --concurrency")
    notes = [Note(Fate.CHANGED, f"line {line}", note) for line, note in odd]
    if there:
        notes += [Note(Fate.CHANGED, os.path.basename(env), note) for note in differences(env)]
    return drafts, {file: tuple(notes)}


def _lines(file: str) -> tuple[list[tuple[int, str, str]], list[tuple[int, str]]]:
    """(line, name, command) of each process type; and what is to be said of the other lines."""
    found: list[tuple[int, str, str]] = []
    odd: list[tuple[int, str]] = []
    for number, line in enumerate(text_of(file).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None:
            name = line.partition(":")[0].strip()
            text = f"{name[:40]!r} is not the name of a process type ([A-Za-z0-9_-])"
            text = text if ":" in line else "is not `name: command`"
            odd.append((number, f"{text}; foreman ignores this line, and so does recon"))
            continue
        first = next((at for at, name, _ in found if name == match[1]), None)
        if first is not None:
            raise fault(file, f"{match[1]} is also declared in line {first}", number)
        found.append((number, match[1], match[2]))
    return found, odd


def _count(draft: Draft, port: int, count: int | None, line: int) -> None:
    count = 1 if count is None else count
    if count == 0:
        draft.put("suspend", True)
    elif count > 1:
        draft.put("instances", count)
    if port + max(count, 1) - 1 <= _LAST_PORT:
        draft.spec["env"] = {"PORT": {"perInstance": port}}
    else:
        note = f"would be {port}, which is not a port: line {line} gets no port"
        draft.note(Fate.LOST, "PORT", note)
    draft.spec["strategy"] = {"maxSurge": 0}


def _release(draft: Draft) -> None:
    draft.put("restartPolicy", "Never")
    draft.spec["suspend"] = True
    note = "runs once before each deploy on Heroku; here it is suspended: let the deploy run it"
    draft.note(Fate.TODO, "release", note)


def _port_in(env: str) -> int | None:
    """What the last line for PORT says. A line that is none is a mistake, as it is to recon."""
    value = None
    for binding in parse_stream(io.StringIO(text_of(env))):
        if binding.error:
            raise fault(env, "is not valid; write NAME=value", binding.original.line)
        value = binding.value if binding.key == "PORT" else value
    if value is None:
        return None
    if not value.isascii() or not value.isdecimal() or not 0 < int(value) <= _LAST_PORT:
        raise fault(env, f"PORT={value!r} is not a port")
    return int(value)
