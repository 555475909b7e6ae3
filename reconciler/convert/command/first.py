"""`recon init -- COMMAND`: the manifest that a person who knows recon would write first.

The command as it was typed, and beside it what stands in the folder: its name, its `.env`, its
virtual environment, the port, and how a server of this kind is replaced without a gap.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Sequence
from typing import Any

from reconciler.convert.command.cron import cron_line, job_of
from reconciler.convert.command.folder import Folder
from reconciler.convert.command.port import is_node, port_in
from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests.draft import Draft, Fate, Located, locate
from reconciler.convert.manifests.name import apart, name_of
from reconciler.convert.pm2.keys.address import listen_address
from reconciler.convert.pm2.sources import Sources
from reconciler.convert.shell import line_of
from reconciler.diff.lint.servers import server_of, without

_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.S)
_RELOADS = ("--reload", "--watch")
_INTERPRETERS = {"node", "nodejs", "python", "python3", "npm", "pnpm", "yarn", "npx", "uv"}
_HERE = "127.0.0.1"


def draft_of(
    words: Sequence[str], folder: str, taken: Collection[str] = (), *, anywhere: str = "0.0.0.0"
) -> Draft:
    """The app or job for a command that was typed in a folder; named apart from ``taken``.

    ``anywhere``: where a program listens that names no address.
    ImportFault where the words are no command.
    """
    line = words[0] if len(words) == 1 else " ".join(words)
    cron = cron_line(line)
    if cron is not None:
        draft = job_of(cron, folder)
        _name(draft, draft.spec["command"], Folder(folder), taken)
        return draft
    if words[0].isdecimal():
        raise ImportFault("a line of a crontab stands in quotes: recon init -- '0 3 * * * backup'")
    command, env, inner = _line(words)
    if not command or not command[0]:
        raise ImportFault("there is no command behind `--`")
    cwd = locate(folder, inner or ".")
    around = Folder(str(cwd))
    draft = Draft("", folder)
    _name(draft, command, around, taken)
    command = _program(command, around)
    draft.spec = {"command": command, "cwd": cwd}
    if env:
        draft.spec["env"] = env
    if around.has(".env"):
        draft.spec["envFrom"] = [Located(os.path.join(str(cwd), ".env"))]
    if build := around.build(around.script(command) or command):
        draft.spec["build"] = build
    _reloads(draft)
    _serve(draft, env, around, anywhere)
    return draft


def _line(words: Sequence[str]) -> tuple[list[str], dict[str, str], str]:
    """Command, variables and folder: one word with blanks in it is a line for a shell."""
    if len(words) == 1 and len(words[0].split()) > 1:
        return line_of(words[0])
    rest, env = [*words], {}
    while len(rest) > 1 and _ASSIGNMENT.fullmatch(rest[0]):
        name, _, value = rest.pop(0).partition("=")
        env[name] = value
    return rest, env, ""


def _name(draft: Draft, command: Sequence[str], folder: Folder, taken: Collection[str]) -> None:
    """The Procfile's name, the project's, or what is run, whichever is first and free."""
    program = command[2] if command[:2] == ["/bin/sh", "-c"] else " ".join(command)
    run = [word for word in program.split() if os.path.basename(word) not in _INTERPRETERS]
    named = [word for word in run if not word.startswith("-") and word != "run"]
    stem = os.path.splitext(os.path.basename((named or ["app"])[0].partition(":")[0]))[0]
    project = [folder.name] if draft.kind == "App" else []
    wanted = [*filter(None, [folder.process(command), *project, stem])]
    names = [name_of(one) for one in wanted]
    draft.name = next((one for one in names if one not in taken), apart(names[0], taken))


def _program(command: Sequence[str], folder: Folder) -> list[str]:
    """The command with the program of the folder's own virtual environment."""
    first, *rest = command
    own = "" if "/" in first else folder.in_venv(first)
    return [own or first, *rest]


def _reloads(draft: Draft) -> None:
    """What restarts by itself at each save is for a desk."""
    command = draft.spec["command"]
    found = [word for word in command if word in _RELOADS]
    if found:
        draft.spec["command"] = [word for word in command if word not in _RELOADS]
        note = "is left out: recon replaces processes itself; `watch: {paths: [.]}` does it on save"
        draft.note(Fate.CHANGED, found[0], note)


def _serve(draft: Draft, env: dict[str, str], folder: Folder, anywhere: str) -> None:
    """How it listens, how an update replaces it, and when it is ready."""
    command = draft.spec["command"]
    server, port = server_of(command), port_in(command, env, folder)
    if port is None:
        if is_node(command, folder):
            note = (
                "no port is known; if it listens on one, sockets: [{name: http, port: N}] makes its"
                " updates without a gap"
            )
            draft.note(Fate.CHANGED, "sockets", note)
        return
    if server is not None and (server.flag or server.adopts):
        draft.spec["command"] = [*without(command, server.binds), *server.flag]
        draft.spec["sockets"] = [_socket(port, env, command, _HERE)]
        if server.ready:
            draft.spec["readinessProbe"] = {"log": server.ready}
            return
    elif is_node(command, folder) and server is None:
        default = Sources(folder.path, _script(command, folder)).address or anywhere
        draft.spec["sockets"] = [_socket(port, env, command, default)]
    else:
        draft.spec["strategy"] = {"maxSurge": 0}
        note = "it binds its port itself, so an update stops the old process before the new one"
        draft.note(Fate.CHANGED, "strategy", note)
    draft.spec["readinessProbe"] = {"tcpSocket": {"port": port}}


def _script(command: Sequence[str], folder: Folder) -> str:
    words = (folder.script(command) or [*command])[1:]
    return next((word for word in words if not word.startswith("-")), "")


def _socket(port: int, env: dict[str, str], command: Sequence[str], default: str) -> dict[str, Any]:
    """The socket where the program would have listened; recon's default is left out."""
    listen = listen_address(env, [*_bound(command)])
    host = listen.host or (_HERE if listen.strange else default)
    host = _HERE if host == "localhost" else host
    return {"name": "http", "port": port} | ({} if host == _HERE else {"host": host})


def _bound(command: Sequence[str]) -> list[str]:
    """The command with the long name of gunicorn's `-b`, and `:8000` as all addresses."""
    words = ["--bind" if word == "-b" else word for word in command]
    return [f"0.0.0.0{word}" if re.fullmatch(r":[0-9]+", word) else word for word in words]
