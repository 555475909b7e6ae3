"""`--from-running`: what PM2 runs now (`pm2 jlist`), or what it saved (``dump.pm2``).

PM2 keeps the config and the shell's environment in one heap. What this shell has with the same
value, and what only a session has, is taken for the shell's; the rest is written down and named.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reconciler.convert.errors import ImportFault, fault
from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Fate, Note
from reconciler.convert.pm2.app import draft_of
from reconciler.convert.pm2.schema import KEYS, environments
from reconciler.convert.read_text import text_of
from reconciler.system import procfs

_PATIENCE = 30
_MIB = 2**20
_LARGEST = 64 * _MIB
# What a login, a terminal or PM2 itself puts there, on whatever host.
_SESSION = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|SHLVL|PWD|OLDPWD|_|TERM|TERM_\w+|COLORTERM|COLUMNS|LINES"
    r"|LS_COLORS|LESS\w*"
    r"|HOSTNAME|MAIL|DISPLAY|EDITOR|VISUAL|PAGER|HIST\w+|PS1|TMUX\w*|STY|WINDOW\w*|SSH_\w+|SUDO_\w+"
    r"|XDG_\w+|DBUS_\w+|GPG_\w+|GNOME_\w+|KDE_\w+|VSCODE_\w+|NVM_\w+|npm_\w+|INIT_CWD|LC_\w+"
    r"|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_\w+|MANAGERPID|PM2_\w+|unique_id|NODE_APP_INSTANCE"
)


def running(files: Sequence[str], host: Host) -> tuple[list[Draft], dict[str, tuple[Note, ...]]]:
    """The drafts of all that PM2 has. ImportFault where that cannot be read."""
    sources = [(os.path.abspath(file), _of_file(file)) for file in files] or [_of_pm2(host)]
    drafts = []
    for source, entries in sources:
        for number, group in enumerate(_grouped(entries), start=1):
            drafts.append(_draft(group, source, number, host))
    return drafts, {}


def _of_file(file: str) -> list[dict[str, Any]]:
    path = os.path.abspath(file)
    return _entries(path, text_of(path, _LARGEST))


def _of_pm2(host: Host) -> tuple[str, list[dict[str, Any]]]:
    home = host.environ.get("PM2_HOME") or os.path.join(host.environ.get("HOME", "/"), ".pm2")
    program = host.find("pm2")
    # `pm2 jlist` would start a daemon where there is none.
    if program is not None and _daemon_runs(home):
        try:
            done = subprocess.run(
                [program, "jlist"],
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_PATIENCE,
                env={**host.environ, "PM2_HOME": home},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ImportFault(
                f"{program} jlist does not answer ({error}); run `pm2 save` and name"
                " ~/.pm2/dump.pm2"
            ) from None
        return os.path.join(home, "rpc.sock"), _entries("pm2 jlist", done.stdout)
    dump = os.path.join(home, "dump.pm2")
    if not os.path.exists(dump):
        raise ImportFault(
            f"PM2 is not running here, and has saved nothing ({dump}); run `pm2"
            " save`, set PM2_HOME,"
            " or name the file"
        )
    return dump, _of_file(dump)


def _daemon_runs(home: str) -> bool:
    try:
        with open(os.path.join(home, "pm2.pid"), encoding="ascii") as file:
            return b"PM2" in procfs.arguments(int(file.read()), 4096)
    except (OSError, ValueError):
        return False


def _entries(source: str, text: str) -> list[dict[str, Any]]:
    """PM2 may say other things before the list, each on a line of its own."""
    lines = [line for line in text.splitlines() if line.startswith("[")]
    for candidate in (text, *reversed(lines)):
        try:
            found = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, list):
            return [_flat(one) for one in found if isinstance(one, dict)]
    raise fault(source, "contains no list of processes; write it with `pm2 jlist` or `pm2 save`")


def _flat(entry: dict[str, Any]) -> dict[str, Any]:
    """`jlist` has it below ``pm2_env``, a dump has not."""
    inner = entry.get("pm2_env")
    return inner if isinstance(inner, dict) else entry


def _grouped(entries: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The instances of each app, but for PM2's own modules."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for entry in entries:
        if not entry.get("pmx_module"):
            groups.setdefault(str(entry.get("name")), []).append(entry)
    yield from groups.values()


def _draft(group: list[dict[str, Any]], source: str, number: int, host: Host) -> Draft:
    first = group[0]
    own, names = _own_variables(first, host)
    # PM2 remembers defaults as well: what recon needs not is not worth a word here.
    needed = [key for key, rule in KEYS.items() if rule.fate is not Fate.UNNEEDED]
    conf = {key: first[key] for key in needed if key in first and key != "env"}
    conf.update({f"env_{name}": value for name, value in environments(first)})
    given = first.get("pm_cwd")
    cwd = given if isinstance(given, str) and os.path.isabs(given) else "/"
    conf.update({"env": own, "instances": len(group), "cwd": cwd, **_command(first, host)})
    conf.update(_logs(first))
    size = conf.get("max_memory_restart")
    if isinstance(size, int) and size and size % _MIB == 0:  # in bytes: PM2 has converted it
        conf["max_memory_restart"] = f"{size // _MIB}M"
    name = conf.get("increment_var")
    if isinstance(name, str) and name in own:
        own[name] = min((e["env"].get(name) for e in group if _has(e, name)), default=own[name])
    draft = draft_of(conf, source, number, host, cwd=cwd)
    _rest(first.get("status"), draft)
    if names:
        note = "PM2 does not record which came from the shell; remove those from env"
        draft.note(Fate.CHANGED, ", ".join(sorted(names)), note)
    return draft


def _rest(status: object, draft: Draft) -> None:
    """What PM2 does not run now. A job by the clock is stopped between its runs, too."""
    if status not in ("stopped", "errored"):
        return
    if draft.kind == "Job":
        note = (
            "stopped, as between two runs: it runs by its schedule; if that is not"
            " meant, `recon suspend` it"
        )
    else:
        draft.put("suspend", True)
        note = f"{status} in PM2, so it is suspended; `recon resume` starts it"
    draft.note(Fate.CHANGED, "status", note)


def _has(entry: Mapping[str, Any], name: str) -> bool:
    env = entry.get("env")
    return isinstance(env, dict) and isinstance(env.get(name), int | float)


def _own_variables(entry: Mapping[str, Any], host: Host) -> tuple[dict[str, Any], list[str]]:
    """The variables that are not this shell's or any session's, and the names of them."""
    env = entry.get("env")
    found = {
        name: value
        for name, value in (env.items() if isinstance(env, dict) else ())
        if not _SESSION.fullmatch(name)
        and host.environ.get(name) != value
        and not (name == entry.get("name") and value in ({}, "{}"))
    }
    return found, list(found)


def _command(entry: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """``script``, ``args`` and the interpreter as a config would say them."""
    script, cwd = entry.get("pm_exec_path"), entry.get("pm_cwd")
    args, interpreter = entry.get("args"), entry.get("exec_interpreter")
    if not isinstance(script, str):
        return {}
    name = os.path.basename(script)
    words = args if isinstance(args, list) else []
    if name in ("bash", "sh") and len(words) == 2 and words[0] == "-c" and " " in str(words[1]):
        return {"script": words[1], "args": None, "exec_interpreter": None}
    found: dict[str, Any] = {"script": script, "exec_interpreter": interpreter}
    if isinstance(cwd, str) and script.startswith(cwd.rstrip("/") + "/"):
        found["script"] = os.path.relpath(script, cwd)
    elif host.find(name) == script:
        found["script"] = name
    # What PM2 found by itself, it would find again.
    if isinstance(interpreter, str) and os.path.basename(interpreter) in ("node", "none"):
        suffix = os.path.splitext(script)[1]
        is_node = os.path.basename(interpreter) == "node"
        if suffix in (".js", ".mjs", ".cjs") or (not suffix and not is_node):
            found["exec_interpreter"] = "node" if is_node else "none"
        elif found["script"] == name:
            found["exec_interpreter"] = None
    return found


def _logs(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The files, less those that PM2 chose: in its home, beside the folder of its pid files."""
    found = {}
    pid = entry.get("pm_pid_path")
    home = os.path.dirname(os.path.dirname(pid)) if isinstance(pid, str) else "/.pm2"
    for key, name in (("out_file", "pm_out_log_path"), ("error_file", "pm_err_log_path")):
        path = entry.get(name)
        if isinstance(path, str) and f"{home}/logs/" not in path:
            found[key] = path
    return found
