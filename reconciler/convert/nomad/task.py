"""The task of a job: a plain process of a client's host, as recon starts it here.

A line of shell enters the directory and sets what no field of a task sets, then becomes the
program. Nomad replaces ``${NAME}`` in the configuration of a driver, where ``$${`` is the escape,
and in variables, where there is none: such a variable goes through a template.
"""

from __future__ import annotations

import json
import math
from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.model.words.expansion import expanded, references
from reconciler.model.words.ids import is_id

_SECOND = 10**9
_MIB = 2**20
_LEAST_MEMORY, _USUAL_MEMORY = 10, 300
_MOST_GRACE = 30
"""Seconds that a client allows, if its own max_kill_timeout says no more."""
_DISK = 300


def nanoseconds(seconds: float) -> int:
    return round(seconds * _SECOND)


def literal(text: str) -> str:
    """``text`` where Nomad expands ``${NAME}`` and ``%{…}``."""
    return text.replace("${", "$${").replace("%{", "%%{")


def task(draft: Draft, driver: str) -> dict[str, Any]:
    """The only task of a group."""
    found: dict[str, Any] = {"Name": draft.name, "Driver": driver, "Config": _config(draft)}
    user = draft.take("user")
    found |= {"User": user} if user is not None else {}
    found |= _variables(draft)
    found["Resources"] = _resources(draft)
    grace = draft.take("terminationGracePeriodSeconds", default=30)
    found["KillTimeout"] = nanoseconds(grace)
    if grace > _MOST_GRACE:
        text = f"the client must allow it: max_kill_timeout is {_MOST_GRACE} s by default"
        draft.note(Fate.TODO, text, "terminationGracePeriodSeconds")
    found["KillSignal"] = draft.take("stop", "signal", default="SIGTERM")
    return found | _logs(draft)


def _config(draft: Draft) -> dict[str, Any]:
    lines = ['cd "$0"']
    umask = draft.take("umask")
    lines += [f"umask {umask or '022'}"]
    files = draft.take("limits", "openFiles")
    lines += [f"ulimit -n {files}"] if files is not None else []
    deadline = draft.take("activeDeadlineSeconds")
    before = ""
    if deadline is not None:
        grace = draft.peek("terminationGracePeriodSeconds") or 30
        before = f"timeout -k {grace:g} {deadline:g} "
        draft.note(Fate.DIFFERS, "applies to each try, not to all", "activeDeadlineSeconds")
    script = " && ".join([*lines, f'exec {before}"$@"'])
    words = _command(draft)
    arguments = ["-c", script, draft.take("cwd", default="/"), *words]
    return {"command": "/bin/sh", "args": [literal(word) for word in arguments]}


def _command(draft: Draft) -> tuple[str, ...]:
    """`$(NAME)` is replaced now: the values are known, but for those that differ by instance."""
    env = draft.peek("env") or {}
    values = {name: value for name, value in env.items() if isinstance(value, str)}
    command = draft.take("command")
    for _, name in references(command):
        value = env.get(name)
        if isinstance(value, dict) and "perInstance" in value:
            values[name] = str(value["perInstance"])
            text = f"$({name}) is {values[name]} in every instance"
            draft.note(Fate.TODO, text, "command")
    return expanded(command, values)


def _variables(draft: Draft) -> dict[str, Any]:
    """Env, and templates for what is secret or differs by instance."""
    env: dict[str, str] = {}
    lines: list[str] = []
    templates: list[dict[str, Any]] = []
    secret = False
    for path in draft.each("env"):
        name, value = path[-1], draft.peek(*path)
        if isinstance(value, str):
            draft.take(*path)
            if "${" in value:
                lines.append(f"{name}={_quoted(value)}")
            else:
                env[name] = value
        elif "perInstance" in value:
            first = draft.take(*path, "perInstance")
            index = '{{ env "NOMAD_ALLOC_INDEX" | parseInt | add ' + str(first) + " }}"
            lines.append(f"{name}={index}")
        elif "credential" in value:
            env[name] = "${NOMAD_SECRETS_DIR}/" + name
            templates.append(_credential(draft, path))
        else:
            secret = True
            kind = "secretFile" if "secretFile" in value else "fromEnv"
            source = draft.take(*path, kind)
            where = f"the variable {source}" if kind == "fromEnv" else source
            text = f"nomad var put nomad/jobs/{draft.name} with {name}, from {where}"
            draft.note(Fate.TODO, text, *path, kind)
    if templates:
        env["CREDENTIALS_DIRECTORY"] = "${NOMAD_SECRETS_DIR}"
    files = [draft.take(*path, "file") for path in draft.each("envFrom")]
    if files:
        text = f"nomad var put nomad/jobs/{draft.name} with the variables of {', '.join(files)}"
        draft.note(Fate.TODO, text, "envFrom")
    if secret or files:
        lines.insert(0, _all_of(f"nomad/jobs/{draft.name}"))
    if lines:
        text = "\n".join(lines) + "\n"
        templates.insert(0, _template(text, "secrets/recon.env", environment=True))
    found: dict[str, Any] = {"Env": env} if env else {}
    return {**found, "Templates": templates} if templates else found


def _all_of(path: str) -> str:
    """Lines of all variables at a path; those of the manifest follow, and win."""
    values = "{{ range .Tuples }}{{ .K }}={{ .V | toJSON }}\n{{ end }}"
    return f'{{{{ with nomadVar "{path}" }}}}{values}{{{{ end }}}}'


def _quoted(value: str) -> str:
    """In double quotes, as a line of an environment file; braces are no template."""
    return json.dumps(value, ensure_ascii=False).replace("{{", '{{ "{{" }}')


def _credential(draft: Draft, path: tuple[str, ...]) -> dict[str, Any]:
    name = path[-1]
    source = draft.take(*path, "credential")
    place = f"nomad/jobs/{draft.name}/{draft.name}"
    text = f"nomad var put {place} with {name}, from {source}: text only"
    draft.note(Fate.TODO, text, *path, "credential")
    item = f'{{{{ with nomadVar "{place}" }}}}{{{{ index . "{name}" }}}}{{{{ end }}}}'
    found = _template(item, f"secrets/{name}", environment=False)
    user = draft.peek("user")
    if user is not None and is_id(user):
        return {**found, "Uid": int(user)}
    if user is not None:
        text = f"the file belongs to Nomad's agent: write the number of {user} as its Uid"
        draft.note(Fate.TODO, text, *path)
    return found


def _template(text: str, place: str, *, environment: bool) -> dict[str, Any]:
    return {
        "EmbeddedTmpl": text,
        "DestPath": place,
        "Envvars": environment,
        "ChangeMode": "restart",
        "Perms": "0600",
    }


def _resources(draft: Draft) -> dict[str, int]:
    """Memory is always written: Nomad's own default is none of the manifest's."""
    soft, hard = draft.take("limits", "memory"), draft.take("limits", "memoryHard")
    usual = _USUAL_MEMORY * _MIB if hard is None else hard
    memory = max(_LEAST_MEMORY, math.ceil((usual if soft is None else soft) / _MIB))
    found = {"MemoryMB": memory}
    for name, value in (("memory", soft), ("memoryHard", hard)):
        if value is not None:
            text = "is what Nomad reserves; raw_exec has no limit that a kernel keeps"
            draft.note(Fate.DIFFERS, text, "limits", name)
    if soft is not None and hard is not None:
        found["MemoryMaxMB"] = max(memory, math.ceil(hard / _MIB))
    cpu = draft.take("limits", "cpu")
    if cpu is not None:
        found["CPU"] = max(1, round(float(cpu) * 1000))
        text = "is a share, not a limit: 1000 MHz are reserved for each processor"
        draft.note(Fate.DIFFERS, text, "limits", "cpu")
    return found


def _logs(draft: Draft) -> dict[str, Any]:
    size, keep = draft.take("logs", "rotate", "size"), draft.take("logs", "rotate", "keep")
    if size is None and keep is None:
        return {}
    megabytes = max(1, math.ceil((10 * _MIB if size is None else size) / _MIB))
    files = (7 if keep is None else keep) + 1
    return {"LogConfig": {"MaxFiles": files, "MaxFileSizeMB": megabytes}}


def disk(of_task: dict[str, Any]) -> dict[str, Any]:
    """EphemeralDisk, where the logs of both streams need more than the default."""
    logs = of_task.get("LogConfig")
    size = 2 * logs["MaxFiles"] * logs["MaxFileSizeMB"] + 1 if logs else 0
    return {"EphemeralDisk": {"SizeMB": size}} if size > _DISK else {}
