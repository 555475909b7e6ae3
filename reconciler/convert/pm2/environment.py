"""``env``, ``env_NAME``, ``env_file`` and the variables that PM2 sets by itself.

PM2 gives a program the environment of the shell that first typed `pm2 start`, too; recon does
not. That is said once for a whole import.
"""

from __future__ import annotations

import os
from typing import Any

from reconciler.convert.draft import Draft, Fate, locate
from reconciler.convert.name import name_of
from reconciler.convert.pm2.schema import environments, is_undefined
from reconciler.convert.pm2.values import number_of, text_of
from reconciler.convert.variables import acceptable

_INSTANCE = "NODE_APP_INSTANCE"


def base(conf: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """The variables of ``env``, with ``port``, ``increment_var`` and ``instance_var`` in them."""
    env = _variables("env", conf.get("env"), draft)
    port = conf.get("port")
    if port is not None and number_of(port):
        env["PORT"] = text_of(port)
    name = conf.get("increment_var")
    if isinstance(name, str) and name in acceptable({name: ""}, "increment_var", draft):
        first = number_of(env.get(name))
        if first is None or first < 0 or not first.is_integer():
            draft.note(Fate.CHANGED, "increment_var", f"{name} counts from 0, since env has none")
            first = 0
        env[name] = {"perInstance": int(first)}
    named = conf.get("instance_var")
    instance = text_of(named) if isinstance(named, str) and named else _INSTANCE
    if instance in acceptable({instance: ""}, "instance_var", draft):
        env.setdefault(instance, {"perInstance": 0})
        draft.comments.setdefault(("env", instance), "As PM2 sets it: the instance's number.")
    return env


def profiles(conf: dict[str, Any], env: dict[str, Any], draft: Draft) -> dict[str, dict[str, Any]]:
    """``env_NAME`` as profiles: only what differs from ``env``, over which a profile is merged."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in environments(conf):
        if name == "file" and not isinstance(value, dict):
            continue
        variables = _variables(f"env_{name}", value, draft)
        counted = conf.get("increment_var")
        first = number_of(variables.get(counted)) if isinstance(counted, str) else None
        if first is not None and first >= 0 and first.is_integer():
            variables[str(counted)] = {"perInstance": int(first)}
        title = name_of(name, fallback="env")
        if title != name:
            told = f"is the profile {title}, since names are [a-z0-9-]"
            draft.note(Fate.CHANGED, f"env_{name}", told)
        over = {key: inner for key, inner in variables.items() if env.get(key) != inner}
        found.setdefault(title, {}).update({"env": over} if over else {})
    return found


def files(conf: dict[str, Any], cwd: str, draft: Draft) -> list[Any]:
    """``env_file``. PM2 7 has no such key: it takes it for the environment named ``file``.

    What made it seem to work is the program itself, which reads .env in its directory (NestJS,
    dotenv); there what is in the environment wins, so that recon's reading it first is the same.
    """
    value = conf.get("env_file")
    if is_undefined(value) or isinstance(value, dict):
        return []
    named = value if isinstance(value, list) else [value]
    found: list[Any] = []
    for one in named:
        if not isinstance(one, str) or not one or "\0" in one:
            draft.note(Fate.LOST, "env_file", "is no name of a file")
            continue
        path = locate(cwd, text_of(one))
        missing = not os.path.exists(path)
        found.append({"file": path, "optional": True} if missing else path)
        told = f"PM2 never reads {text_of(one)}, at most the program does; recon does (envFrom)"
        draft.note(Fate.CHANGED, "env_file", told + ("; it is not there now" if missing else ""))
    return found


def _variables(key: str, value: Any, draft: Draft) -> dict[str, Any]:
    if is_undefined(value):
        return {}
    if not isinstance(value, dict):
        draft.note(Fate.LOST, key, "is no object of variables")
        return {}
    given = {name: inner for name, inner in value.items() if inner != {"$": "undefined"}}
    odd = [name for name, inner in given.items() if isinstance(inner, dict) and "$" in inner]
    for name in odd:
        draft.note(Fate.LOST, f"{key}.{name}", f"is {given[name]['$']}")
    texts = {text_of(name): text_of(given[name]) for name in given if name not in odd}
    return dict(acceptable(texts, key, draft))
