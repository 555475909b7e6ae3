"""What a config hands on of the shell that it is read in: `{...process.env}` is not written down.

PM2's apps inherit the shell anyway; recon's do not, and a manifest that repeated a whole shell
would hold keys of other programs and nothing that the config says. So a mark is put into the
environment that the config sees: an ``env`` that holds the mark was copied from there. Which of
its variables the config names itself is seen by evaluating it again, with no environment.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.convert.errors import ImportFault
from reconciler.convert.pm2.ecosystem.evaluate import Evaluated

Evaluate = Callable[[Mapping[str, str]], Evaluated]
"""Evaluate the config in this environment."""


def less_shell(run: Evaluate, environ: Mapping[str, str]) -> tuple[Evaluated, int]:
    """What a config exports, less what it only copied; and how many variables those were."""
    mark = f"RECON_IMPORT_{secrets.token_hex(8)}"
    found = run({**environ, mark: mark})
    copies = [one for one in _environments(found.value) if mark in one]
    if mark not in found.reads and not copies:
        return found, 0
    try:
        bare = run({})
    except ImportFault:
        bare = Evaluated(None)
    named = [*_environments(bare.value)]
    count = 0
    for place, env in enumerate(_environments(found.value)):
        if mark not in env:
            continue
        own = named[place] if place < len(named) else {}
        copied = {
            name
            for name, value in env.items()
            if name == mark
            or (name in found.sets and name not in own)
            or (environ.get(name) == value and (name not in own or name in found.sets))
        }
        count = max(count, len(copied) - 1)
        for name in copied:
            del env[name]
    reads = tuple(name for name in bare.requested if name in environ and name not in found.sets)
    return replace(found, reads=reads), count


def _environments(value: Any) -> Iterator[dict[str, Any]]:
    """``env`` and ``env_NAME`` of each app, in an order that two evaluations have in common."""
    written = value.get("apps") or value.get("pm2") or value if isinstance(value, dict) else value
    for app in written if isinstance(written, list) else [written]:
        if not isinstance(app, dict):
            continue
        for key in sorted(app):
            if isinstance(app[key], dict) and (key == "env" or key.startswith("env_")):
                yield app[key]
