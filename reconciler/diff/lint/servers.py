"""Web servers of Python that listen by themselves, and how each takes a descriptor instead."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import NamedTuple


class Server(NamedTuple):
    """One server: its options that name an address, and what to write for a descriptor."""

    name: str
    binds: tuple[str, ...]
    flag: tuple[str, ...] = ()
    """Words that make it serve descriptor 3; empty where it cannot, or does so by itself."""
    ready: str = ""
    """What it writes when it is up, where it serves one descriptor only."""
    adopts: bool = False
    """It takes LISTEN_FDS by itself, all of them."""

    def by_descriptor(self, command: Sequence[str]) -> str:
        """The command that serves the descriptor in the place of an own port."""
        words = without(command, self.binds)
        return shlex.join([*words, *self.flag])


_UVICORN = ("--port", "--host", "--uds", "--fd")
_SERVERS = {
    "uvicorn": Server("uvicorn", _UVICORN, ("--fd", "3"), "Application startup complete"),
    "uvicorn_server.py": Server("uvicorn", (), (), "Application startup complete"),
    "hypercorn": Server("hypercorn", ("--bind", "-b"), ("--bind", "fd://3"), "Running on"),
    "hypercorn_server.py": Server("hypercorn", (), (), "Running on"),
    "gunicorn": Server("gunicorn", ("--bind", "-b"), (), "", True),
    "flask": Server("flask", ("--port", "-p", "--host", "-h")),
    "http.server": Server("http.server", ("--bind", "-b")),
    "waitress-serve": Server("waitress", ("--port", "--host", "--listen")),
    "manage.py": Server("Django's runserver", ()),
}


def server_of(command: Sequence[str]) -> Server | None:
    """The server of `uvicorn …`, `python -m uvicorn …`, `poetry run uvicorn …`, `python x.py`."""
    names = (word.rpartition("/")[2] for word in command[:5])
    found = next((_SERVERS[name] for name in names if name in _SERVERS), None)
    if found is not None and found.name.startswith("Django") and "runserver" not in command:
        return None
    return found


def bound_by(command: Sequence[str], server: Server) -> str:
    """The words by which the command names an address of its own; empty where it does not."""
    words = list(command)
    for index, word in enumerate(words):
        option, _, value = word.partition("=")
        if option not in server.binds:
            continue
        value = value or (words[index + 1] if index + 1 < len(words) and "=" not in word else "")
        if option != "--fd" and not value.startswith("fd://"):
            return f"{option} {value}" if "=" not in word else word
    return ""


def is_given(command: Sequence[str]) -> bool:
    """Whether the command names the descriptor."""
    return any(word == "--fd" or word.startswith(("--fd=", "fd://")) for word in command)


def without(command: Sequence[str], options: Sequence[str]) -> list[str]:
    """The command without these options and their values."""
    words: list[str] = []
    skip = False
    for word in command:
        if skip:
            skip = False
        elif word.partition("=")[0] in options:
            skip = "=" not in word
        else:
            words.append(word)
    return words
