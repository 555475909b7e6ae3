"""Every option of a ``[program:x]``, and what becomes of it; and single values as supervisord has
them.

Source: supervisord.org/configuration.html and supervisor 4.3, ``options.py`` and ``datatypes.py``
(tests compare with that).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from typing import NamedTuple

from reconciler.convert.manifests.draft import Fate


class Option(NamedTuple):
    """``fate`` None: it is mapped, and ``text`` says to what; else ``text`` says why not."""

    fate: Fate | None
    text: str


_EVENTS = Option(Fate.LOST, "emits events of supervisord; `recon events` shows what happens")
_SYSLOG = Option(Fate.LOST, "recon writes files; let syslog read them")

OPTIONS: Mapping[str, Option] = {
    "command": Option(None, "command"),
    "process_name": Option(None, "metadata.name, where each process becomes an app"),
    "numprocs": Option(None, "instances"),
    "numprocs_start": Option(None, "env.NAME: {perInstance: FIRST}"),
    "priority": Option(
        Fate.LOST, "orders starts only; use dependsOn, which waits for a dependency"
    ),
    "autostart": Option(None, "suspend"),
    "autorestart": Option(None, "restartPolicy"),
    "startsecs": Option(None, "minReadySeconds"),
    "startretries": Option(Fate.UNNEEDED, "recon keeps trying, with growing waits (backoff)"),
    "exitcodes": Option(None, "successExitCodes"),
    "stopsignal": Option(None, "stop.signal"),
    "stopwaitsecs": Option(None, "terminationGracePeriodSeconds"),
    "stopasgroup": Option(
        Fate.UNNEEDED, "recon sends the same signal to what the main process leaves behind"
    ),
    "killasgroup": Option(Fate.UNNEEDED, "recon ends everything that a process leaves behind"),
    "user": Option(None, "user"),
    "redirect_stderr": Option(None, "logs.merge"),
    "stdout_logfile": Option(None, "logs.stdout"),
    "stdout_logfile_maxbytes": Option(None, "logs.rotate.size"),
    "stdout_logfile_backups": Option(None, "logs.rotate.keep"),
    "stdout_capture_maxbytes": _EVENTS,
    "stdout_events_enabled": _EVENTS,
    "stdout_syslog": _SYSLOG,
    "stderr_logfile": Option(None, "logs.stderr"),
    "stderr_logfile_maxbytes": Option(None, "logs.rotate.size"),
    "stderr_logfile_backups": Option(None, "logs.rotate.keep"),
    "stderr_capture_maxbytes": _EVENTS,
    "stderr_events_enabled": _EVENTS,
    "stderr_syslog": _SYSLOG,
    "environment": Option(None, "env"),
    "directory": Option(None, "cwd"),
    "umask": Option(None, "umask"),
    "serverurl": Option(Fate.LOST, "there is no XML-RPC; recon has an API on a unix socket"),
}

_SIZE = re.compile(r"(\d{1,12})(kb|mb|gb)?", re.IGNORECASE)


def boolean(text: str) -> bool | None:
    """None for what is neither."""
    word = text.strip().lower()
    if word in ("true", "t", "1", "yes", "y", "on"):
        return True
    return False if word in ("false", "f", "0", "no", "n", "off") else None


def whole(text: str) -> int | None:
    word = text.strip()
    return int(word) if re.fullmatch(r"[-+]?[0-9]{1,9}", word) else None


def size(text: str) -> str | None:
    """``50MB`` as recon writes it: ``50Mi``."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        return None
    unit = {"k": "Ki", "m": "Mi", "g": "Gi"}.get((match[2] or "").lower()[:1], "")
    return f"{int(match[1])}{unit}"


def environment(text: str) -> dict[str, str] | None:
    """``A="1",B=2``; None where that is not a list of pairs.

    As supervisord does: a lexer with quotes, of which any at the ends of a value are dropped.
    """
    lexer = shlex.shlex(text)
    lexer.wordchars += "/.+-():"
    try:
        tokens = list(lexer)
    except ValueError:
        return None
    found = {}
    for at in range(0, len(tokens), 4):
        pair = tokens[at : at + 3]
        if len(pair) != 3 or pair[1] != "=":
            return None
        found[pair[0]] = pair[2].strip("'\"")
    return found
