"""Every key that an app of an ecosystem file may have, and what becomes of it.

Source: PM2 7, ``lib/API/schema.json`` (a test compares), and ``Common.verifyConfs`` for ``cmd`` and
``command``. The words of the table are what a report and docs/import.md say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from reconciler.convert.manifests.draft import Fate


class Key(NamedTuple):
    """``fate`` None: it is mapped, and ``text`` says to what; else ``text`` says why not."""

    fate: Fate | None
    text: str
    aliases: tuple[str, ...] = ()


def _mapped(text: str, *aliases: str) -> Key:
    return Key(None, text, aliases)


def _unneeded(text: str, *aliases: str) -> Key:
    return Key(Fate.UNNEEDED, text, aliases)


def _lost(text: str, *aliases: str) -> Key:
    return Key(Fate.LOST, text, aliases)


_KEYMETRICS = "is for PM2's own monitoring service"

KEYS: Mapping[str, Key] = {
    "script": _mapped("command", "exec", "cmd", "command"),
    "name": _mapped("metadata.name"),
    "namespace": _mapped("labels.namespace"),
    "cwd": _mapped("cwd"),
    "args": _mapped("command"),
    "exec_interpreter": _mapped("command", "interpreter"),
    "node_args": _mapped("command", "interpreterArgs", "interpreter_args"),
    "source_map_support": _mapped("command: node --enable-source-maps"),
    "disable_source_map_support": _unneeded("is the default: recon adds nothing to node"),
    "env": _mapped("env"),
    "^env_\\S*$": _mapped("profiles"),
    "port": _mapped("env.PORT"),
    "increment_var": _mapped("env.NAME: {perInstance: FIRST}"),
    "instance_var": _mapped("env.NAME: {perInstance: 0}, where it or the program asks for it"),
    "filter_env": _unneeded("excludes the shell's variables; recon always does"),
    "instances": _mapped("instances"),
    "exec_mode": _mapped("sockets, strategy"),
    "max_memory_restart": _mapped("limits.memory"),
    "out_file": _mapped("logs.stdout", "out", "output", "out_log"),
    "error_file": _mapped("logs.stderr", "error", "err", "err_file", "err_log"),
    "log_file": _mapped("logs: `recon logs` shows both streams in one", "log"),
    "log_date_format": _mapped("logs.timestamps"),
    "time": _mapped("logs.timestamps"),
    "log_type": _mapped("logs.format"),
    "merge_logs": _mapped(
        "logs.stdout: with <instance> in the name where it is not set", "combine_logs"
    ),
    "disable_logs": _lost(
        "recon keeps logs, and rotates them; logs.rotate: {size: 1Mi, keep: 0} keeps them small"
    ),
    "autorestart": _mapped("restartPolicy"),
    "stop_exit_codes": _mapped("successExitCodes; restartPolicy: OnFailure"),
    "restart_delay": _mapped("backoff"),
    "exp_backoff_restart_delay": _mapped("backoff"),
    "max_restarts": _unneeded(
        "gives up after this many restarts; recon keeps trying, with growing waits (backoff)"
    ),
    "min_uptime": _unneeded("is for max_restarts; see backoff.resetSeconds"),
    "cron_restart": _mapped(
        "restartSchedule; with autorestart: false, if it is not a server, a kind: Job", "cron"
    ),
    "autostart": _mapped("suspend"),
    "kill_timeout": _mapped("terminationGracePeriodSeconds"),
    "shutdown_with_message": _mapped("stop.signal"),
    "treekill": _unneeded("recon ends everything that a process leaves behind"),
    "kill_retry_time": _unneeded("recon is told of the end by the kernel and does not poll"),
    "wait_ready": _mapped("readinessProbe: {notify: true}"),
    "listen_timeout": _mapped("progressDeadlineSeconds"),
    "uid": _mapped("user", "user"),
    "gid": _mapped("group"),
    "username": _unneeded("is set by PM2 itself"),
    "watch": _mapped("watch"),
    "ignore_watch": _mapped("watch.ignore"),
    "watch_delay": _mapped("watch.settleSeconds"),
    "watch_options": _lost("are chokidar's; write what to leave out into watch.ignore"),
    "pid_file": _unneeded("`recon status APP` shows the pid", "pid"),
    "name_prefix": _unneeded("PM2 reads it from its command line only"),
    "append_env_to_name": _lost("an app has the same name in every profile"),
    "install_url": _unneeded("is for modules of PM2"),
    "execute_command": _unneeded("means fork mode, which is how recon starts programs"),
    "force": _unneeded("recon's app names are unique"),
    "write": _unneeded("is for PM2's command line"),
    "vizion": _unneeded("reads git metadata; `recon rollout history` shows what ran when"),
    "post_update": _lost("ran after PM2's own pull; let the deploy script run it"),
    "windowsHide": _unneeded("is for Windows"),
    "trace": _unneeded(_KEYMETRICS),
    "disable_trace": _unneeded(_KEYMETRICS),
    "v8": _unneeded(_KEYMETRICS),
    "event_loop_inspector": _unneeded(_KEYMETRICS),
    "deep_monitoring": _unneeded(_KEYMETRICS),
    "pmx": _unneeded(_KEYMETRICS),
    "automation": _unneeded(_KEYMETRICS),
    "io": _unneeded(_KEYMETRICS),
}


def aliases_of(key: str) -> tuple[str, ...]:
    """Other names of a key, the one that wins first. Source: PM2, ``Config.schema``."""
    first, *rest = key.split("_")
    camel = first + "".join(word[:1].upper() + word[1:] if len(word) > 1 else word for word in rest)
    named = KEYS[key].aliases
    return (*reversed(named), camel) if "\\" not in key else ()


def canonical(app: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The app by canonical keys, ``env_NAME`` as they are; and the keys that PM2 does not know."""
    found: dict[str, Any] = {}
    known: set[str] = set()
    for key in KEYS:
        names = (key, *aliases_of(key))
        known.update(names)
        # PM2 takes the first that is truthy, and of falsy ones the last.
        values = [app[name] for name in names if name in app and not is_undefined(app[name])]
        if values:
            found[key] = next(filter(None, values), values[-1])
    rest = [name for name in app if name not in known]
    found.update({name: app[name] for name in rest if _is_environment(name)})
    return found, [name for name in rest if not _is_environment(name)]


def environments(app: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(NAME, value) of each ``env_NAME``."""
    for key, value in app.items():
        if _is_environment(key):
            yield key.removeprefix("env_"), value


def is_undefined(value: Any) -> bool:
    return value is None or value == {"$": "undefined"}


def _is_environment(name: str) -> bool:
    return name.startswith("env_") and not any(c.isspace() for c in name)
