"""The port on which a program listens: as its command, its variables or its text say it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

from reconciler.convert.command.folder import Folder
from reconciler.convert.pm2.keys.address import port_of
from reconciler.diff.lint.servers import Server, server_of

_DEFAULTS = {
    "uvicorn": 8000,
    "hypercorn": 8000,
    "gunicorn": 8000,
    "flask": 5000,
    "http.server": 8000,
    "waitress": 8080,
    "Django's runserver": 8000,
}
"""What each server takes where it is given none."""
_OWN = {"next": 3000, "nuxt": 3000, "vite": 5173, "astro": 4321}
"""The same for servers of Node, by the first word of their command."""
_POSITIONAL = {"http.server", "Django's runserver"}
_OPTION = re.compile(r"(?:--port|-p|-P|--bind|-b|--listen)(?:=(.*))?", re.S)
_ADDRESS = re.compile(r"(?:.*:)?([0-9]{1,5})")
_IN_TEXT = (
    re.compile(r"process\.env\.PORT\s*(?:\|\||\?\?)\s*['\"]?([0-9]{2,5})"),
    re.compile(r"\.listen\s*\(\s*(?:\{\s*port:\s*)?([0-9]{2,5})"),
    re.compile(r"\b(?:const|let|var)\s+(?:port|PORT)\s*=\s*([0-9]{2,5})\b"),
)


def port_in(command: Sequence[str], env: Mapping[str, str], folder: Folder) -> int | None:
    """The port; None where nothing names one."""
    words = folder.script(command) or [*command]
    server = server_of(words)
    named = _named(words, server)
    if named is not None:
        return named
    if server is not None:
        return _DEFAULTS.get(server.name)
    variable = port_of(env.get("PORT")) or port_of(folder.variables.get("PORT"))
    return variable or _own(words) or _in_text(words, folder)


def is_node(command: Sequence[str], folder: Folder) -> bool:
    """Whether Node runs it, so that recon's preload takes the socket: directly, or by npm."""
    if os.path.basename(command[0]) in ("node", "nodejs"):
        return True
    words = folder.script(command)
    return bool(words) and os.path.basename(words[0]) in ("node", "nodejs", "next", "nest", "vite")


def _named(words: Sequence[str], server: Server | None) -> int | None:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        match = _OPTION.fullmatch(word)
        address = _ADDRESS.fullmatch((match[1] or following) if match else "")
        # `-p` of gunicorn is the file for its pid.
        if address is not None and (port := port_of(address[1])):
            return port
    if server is not None and server.name in _POSITIONAL:
        found = (_ADDRESS.fullmatch(word) for word in words[1:])
        return next((port for one in found if one and (port := port_of(one[1]))), None)
    return None


def _own(words: Sequence[str]) -> int | None:
    first = os.path.basename(words[0])
    return _OWN.get(first)


def _in_text(words: Sequence[str], folder: Folder) -> int | None:
    """By the text of the script that Node runs."""
    if os.path.basename(words[0]) not in ("node", "nodejs"):
        return None
    scripts = [word for word in words[1:] if not word.startswith("-")][:1]
    text = "".join(folder.text(name) for one in scripts for name in (one, f"{one}.js"))
    found = (pattern.search(text) for pattern in _IN_TEXT)
    return next((port_of(one[1]) for one in found if one), None)
