"""``env``, ``env_NAME``, ``env_file`` and the variables that PM2 sets by itself.

PM2 gives a program the environment of the shell that first typed `pm2 start`, too; recon does
not. That is said once for a whole import.
"""

from __future__ import annotations

import os
from typing import Any

from reconciler.convert.dotenv import differences, variables_of
from reconciler.convert.manifests.draft import Draft, Fate, locate
from reconciler.convert.manifests.name import name_of
from reconciler.convert.pm2.schema import environments, is_undefined
from reconciler.convert.pm2.sources import Sources
from reconciler.convert.pm2.values import number_of, text_of
from reconciler.convert.variables import acceptable

_INSTANCE = "NODE_APP_INSTANCE"


def base(conf: dict[str, Any], draft: Draft) -> dict[str, Any]:
    """The variables of ``env``, with ``port`` and ``increment_var`` in them."""
    env = _variables("env", conf.get("env"), draft)
    port = conf.get("port")
    if number_of(port):
        env["PORT"] = text_of(port)
    elif not is_undefined(port) and port not in (0, "", "0", False):
        draft.note(Fate.TODO, "port", f"{text_of(port)[:40]!r} is not a port; write env.PORT")
    name = conf.get("increment_var")
    if isinstance(name, str) and name in acceptable({name: ""}, "increment_var", draft):
        first = number_of(env.get(name))
        if first is None or first < 0 or not first.is_integer():
            draft.note(Fate.CHANGED, "increment_var", f"{name} counts from 0, since env has none")
            first = 0
        env[name] = {"perInstance": int(first)}
    return env


def put_instance(conf: dict[str, Any], env: dict[str, Any], sources: Sources, draft: Draft) -> None:
    """The variable with the number of the instance, where the config or the program asks for it.

    PM2 sets it for every program; hardly one looks at it.
    """
    named = conf.get("instance_var")
    name = text_of(named) if isinstance(named, str) and named else _INSTANCE
    if name in env or name not in acceptable({name: ""}, "instance_var", draft):
        return
    words = (*map(str, env.values()), *draft.spec["command"])
    used = sources.mention(name) or any(name in word for word in words)
    if used or (name != _INSTANCE):
        env[name] = {"perInstance": 0}
    elif draft.spec.get("instances", 1) != 1:
        note = (
            f"PM2 sets {name}, which no file of the program names; where something that it"
            f" depends on does, write env: {{{name}: {{perInstance: 0}}}}"
        )
        draft.note(Fate.CHANGED, "instance_var", note)


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
            note = f"is now the profile {title}, since names are [a-z0-9-]"
            draft.note(Fate.CHANGED, f"env_{name}", note)
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
            draft.note(Fate.LOST, "env_file", "is not a file name")
            continue
        path = locate(cwd, text_of(one))
        missing = not os.path.exists(path)
        found.append({"file": path, "optional": True} if missing else path)
        note = f"PM2 does not read {text_of(one)}, only the program may; recon reads it (envFrom)"
        draft.note(
            Fate.CHANGED, "env_file", note + ("; the file does not exist now" if missing else "")
        )
        for line in [] if missing else differences(path):
            draft.note(Fate.CHANGED, f"env_file {text_of(one)}"[:80], line)
    return found


def read(files: list[Any]) -> dict[str, str]:
    """What the files of ``envFrom`` say, as far as they can be read now."""
    paths = [one["file"] if isinstance(one, dict) else one for one in files]
    return {name: text for path in paths for name, text in (variables_of(path) or {}).items()}


def _variables(key: str, value: Any, draft: Draft) -> dict[str, Any]:
    if is_undefined(value):
        return {}
    if not isinstance(value, dict):
        draft.note(Fate.LOST, key, "is not an object of variables")
        return {}
    given = {name: inner for name, inner in value.items() if inner != {"$": "undefined"}}
    odd = [name for name, inner in given.items() if isinstance(inner, dict) and "$" in inner]
    for name in odd:
        draft.note(Fate.LOST, f"{key}.{name}", f"is {given[name]['$']}")
    texts = {text_of(name): text_of(given[name]) for name in given if name not in odd}
    return dict(acceptable(texts, key, draft))
