"""One app of an ecosystem file becomes a draft: each key in the words of ``schema``.

The handlers are total: whatever a value is, it is mapped, or told.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from reconciler.convert.errors import fault
from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Fate, Located, locate
from reconciler.convert.pm2.ecosystem.inherited import NOTHING, Inherited, read
from reconciler.convert.pm2.given import Given
from reconciler.convert.pm2.keys import clock, environment, lifecycle, logs, serving
from reconciler.convert.pm2.keys.command import run_of
from reconciler.convert.pm2.schema import KEYS, canonical, is_undefined
from reconciler.convert.pm2.sources import Sources
from reconciler.convert.pm2.units import seconds_of
from reconciler.convert.pm2.values import text_of, words_of
from reconciler.convert.variables import acceptable

GENERAL = (
    "PM2 passed the environment of the shell that started it to each program; recon passes what the"
    " manifest says, and PATH, HOME, USER, LANG, TZ. What is missing belongs into env or envFrom.",
    "PM2 sets name, pm_id, NODE_APP_INSTANCE and more in a program's environment; recon sets what"
    " the config or the program names. process.send is there with wait_ready; elsewhere an"
    " unguarded process.send(...) throws.",
    "Without kill_timeout PM2 kills 1.6 s after SIGINT; recon waits terminationGracePeriodSeconds,"
    " which is 30 unless written.",
    "PM2 turns on source maps in Node; where stack traces need them, write node"
    " --enable-source-maps.",
)
"""What is different for every app, said once."""


def draft_of(
    app: Mapping[str, Any],
    file: str,
    number: int,
    host: Host,
    *,
    cwd: str,
    inherited: Inherited = NOTHING,
) -> Draft:
    """The draft of one app; ``cwd`` is where `pm2 start` was typed. Raises ImportFault."""
    conf, unknown = canonical(app)
    folder = _cwd(conf, cwd)
    draft = Draft(_name(conf, number), file)
    for key in unknown:
        draft.note(Fate.UNNEEDED, text_of(key)[:60], "PM2 does not know this key either")
    run = run_of(conf, folder, host, draft)
    if run is None:
        raise fault(file, f"app {number} ({draft.name}) has no script; PM2 would not start it")
    draft.spec["command"] = [_without_nul(word) for word in run.command]
    draft.spec["cwd"] = folder
    inherited = NOTHING if conf.get("filter_env") is True else inherited
    from_files = read(inherited.files)
    whole = {**from_files, **acceptable(inherited.variables, "process.env", draft)}
    whole.update(environment.base(conf, draft))
    env = {name: value for name, value in whole.items() if from_files.get(name) != value}
    files: list[Any] = [*map(Located, inherited.files)]
    files += [one for one in environment.files(conf, folder, draft) if one not in files]
    sources = Sources(folder, text_of(conf["script"]))
    given = Given(conf, run, {**inherited.known, **environment.read(files), **env}, sources)
    kind = clock.kind_of(given)
    if not kind.is_job:
        serving.put_instances(conf, host, draft)
    environment.put_instance(conf, env, sources, draft)
    if run.by_python:
        env["PYTHONUNBUFFERED"] = "1"
    draft.spec.update({name: value for name, value in (("env", env), ("envFrom", files)) if value})
    draft.profiles = environment.profiles(conf, whole, draft)
    if not kind.is_job:
        serving.put_port(given, draft, host)
    lifecycle.put(conf, run, draft)
    logs.put(conf, folder, draft)
    _user(conf, draft)
    _watch(conf, draft)
    clock.put(conf, kind, draft)
    _keys(conf, draft)
    return draft


def _name(conf: Mapping[str, Any], number: int) -> str:
    """PM2: the script's file name without its suffix, where there is no name."""
    name = conf.get("name")
    if isinstance(name, str | int | float) and text_of(name).strip():
        return text_of(name)
    script = conf.get("script")
    base = os.path.basename(script) if isinstance(script, str) else ""
    return (base[: base.rfind(".")] if base.rfind(".") > 0 else base) or f"app-{number}"


def _cwd(conf: Mapping[str, Any], cwd: str) -> str:
    given = conf.get("cwd")
    if isinstance(given, str) and given and "\0" not in given:
        return locate(cwd, text_of(given))
    return Located(cwd)


def _without_nul(word: str) -> str:
    return word.replace("\0", "")


def _user(conf: Mapping[str, Any], draft: Draft) -> None:
    for key, field in (("uid", "user"), ("gid", "group")):
        value = conf.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            draft.spec[field] = _without_nul(text_of(value))
    namespace = conf.get("namespace")
    if isinstance(namespace, str) and namespace not in ("", "default"):
        draft.labels["namespace"] = _without_nul(text_of(namespace))


def _watch(conf: Mapping[str, Any], draft: Draft) -> None:
    """Paths are relative to cwd in both."""
    value = conf.get("watch")
    if is_undefined(value) or value in (False, "false", ""):
        return
    paths = [_without_nul(path) for path in words_of(value) if path != "true"]
    watch: dict[str, Any] = {"paths": _folders(list(filter(None, paths)), draft) or ["."]}
    ignored = conf.get("ignore_watch")
    patterns = ignored if isinstance(ignored, list) else words_of(ignored)
    if any(isinstance(one, dict) for one in patterns):
        note = "contains regular expressions; write them in .gitignore's syntax in watch.ignore"
        draft.note(Fate.TODO, "ignore_watch", note)
    texts = [_without_nul(one) for one in patterns if isinstance(one, str)]
    if any(texts):
        watch["ignore"] = list(filter(None, texts))
    delay = seconds_of(conf, "watch_delay", draft)
    if delay is not None:
        watch["settleSeconds"] = delay
    draft.put("watch", watch)


def _folders(paths: list[str], draft: Draft) -> list[str]:
    """PM2's may be patterns; recon names what is above them."""
    found: dict[str, None] = {}
    for path in paths:
        fixed = path.partition("*")[0].rpartition("/")[0] if "*" in path else path
        folder = fixed or ("/" if path.startswith("/") else ".")
        found[folder] = None
        if folder != path:
            note = f"{path} becomes all of {folder}; write what to leave out into watch.ignore"
            draft.note(Fate.CHANGED, "watch", note)
    return list(found)


def _keys(conf: Mapping[str, Any], draft: Draft) -> None:
    """Keys that are not needed, or that recon cannot have, where they ask for anything."""
    for key, value in conf.items():
        rule = KEYS.get(key)
        if rule is None or rule.fate is None or is_undefined(value):
            continue
        if rule.fate is Fate.LOST and value in (False, "", 0, "0"):
            continue
        draft.note(rule.fate, key, rule.text)
