"""How many instances, and how they share a port: exec_mode, instances, wait_ready.

In PM2's cluster mode the instances share the port that the program listens on, whichever that
is; recon binds it, so it has to know it. In fork mode each has its own, or clashes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.convert.draft import Draft, Fate
from reconciler.convert.host import Host
from reconciler.convert.pm2.command import Run
from reconciler.convert.pm2.values import is_true, number_of
from reconciler.model.values import BY_CORES

_MOST = 1000
_DEADLINE_SECONDS = 600
_OWN_PORT = (
    "It binds its own port, so the old process ends before the new one starts. With `sockets`"
    " instead, no request is lost: docs/sockets.md."
)
_PORT_OPTION = re.compile(r"(?:--port|-p)(?:=(\d{1,5}))?")


def put_instances(conf: Mapping[str, Any], run: Run, host: Host, draft: Draft) -> None:
    value = conf.get("instances")
    count = _count(value)
    cluster = _is_cluster(conf, run)
    if cluster and not run.by_node:
        told = "cluster mode is for Node; the instances start as processes of their own"
        draft.note(Fate.CHANGED, "exec_mode", told)
    if value == "max" or (count is not None and count <= 0):
        _cores(0 if value == "max" or count is None else count, host, draft)
    elif count is not None and count != 1:
        draft.put("instances", min(count, _MOST), "instances")
    if not cluster:
        draft.spec["strategy"] = {"maxSurge": 0}
        draft.comments[("strategy",)] = _OWN_PORT


def put_port(conf: Mapping[str, Any], env: Mapping[str, Any], draft: Draft, host: Host) -> None:
    """The shared socket of a cluster, and readiness."""
    cluster = "strategy" not in draft.spec
    if cluster and isinstance(env.get("PORT"), dict):  # increment_var: each has its own
        draft.spec["strategy"] = {"maxSurge": 0}
        draft.comments[("strategy",)] = _OWN_PORT
        cluster = False
    port = _port(env.get("PORT")) or _port_in(draft.spec["command"])
    if cluster and port is not None:
        draft.spec["sockets"] = [_socket(port, host)]
        draft.comments[("sockets",)] = (
            "Cluster mode: recon listens, the instances share it. Another address? Then the host"
            " here has to be that one."
        )
        for name, profile in draft.profiles.items():
            other = _port(profile.get("env", {}).get("PORT"))
            if other is not None:
                draft.profiles[name] = {**profile, "sockets": [_socket(other, host)]}
    elif cluster and draft.spec.get("instances", 1) != 1:
        told = (
            "shares the port that the program listens on, and the config does not say which that"
            " is: declare it (sockets: [{name: http, port: N}]), unless it serves none"
        )
        draft.note(Fate.TODO, "exec_mode: cluster", told)
    elif cluster:
        draft.spec["strategy"] = {"maxSurge": 0}
    if is_true(conf.get("wait_ready")):
        _ready(conf, draft, port if cluster else None)


def _is_cluster(conf: Mapping[str, Any], run: Run) -> bool:
    """PM2: ``determineExecMode``."""
    mode = conf.get("exec_mode")
    if isinstance(mode, str) and mode:
        return mode.startswith("cluster") and conf.get("execute_command") is not True
    return run.by_node and conf.get("instances") is not None


def _count(value: Any) -> int | None:
    if isinstance(value, str):  # PM2: parseInt(value) || 0
        match = re.match(r"\s*[-+]?\d{1,6}", value)
        return int(match[0]) if match else 0
    number = number_of(value)
    return None if number is None else int(max(-_MOST, min(number, _MOST)))


def _cores(less: int, host: Host, draft: Draft) -> None:
    """``max`` (0) and ``-1``: as many as there are cores, less so many."""
    word = f"max{less}" if less else "max"
    if word in BY_CORES:
        draft.spec["instances"] = word
        return
    number = max(1, host.cores + less)
    draft.spec["instances"] = number
    draft.comments[("instances",)] = f"instances: {word}; this host has {host.cores} cores."
    draft.note(Fate.CHANGED, f"instances: {word}", f"is {number}, by the cores of this host")


def _socket(port: int, host: Host) -> dict[str, Any]:
    return {"name": "http", "port": port, "host": host.any_address}


def _port(value: Any) -> int | None:
    """A port that the program cannot be told otherwise; not one for each instance."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6:
        number = int(value)
        return number if 0 < number < 65536 else None
    return None


def _port_in(command: list[str]) -> int | None:
    """Of ``--port 4173``."""
    for word, following in zip(command, [*command[1:], ""], strict=True):
        match = _PORT_OPTION.fullmatch(word)
        if match is not None:
            return _port(match[1] or following)
    return None


def _ready(conf: Mapping[str, Any], draft: Draft, port: int | None) -> None:
    timeout = number_of(conf.get("listen_timeout"))
    if port is not None:
        draft.spec["readinessProbe"] = {"tcpSocket": {"port": port}, "periodSeconds": 1}
        draft.comments[("readinessProbe",)] = "wait_ready: ready when it listens."
        told = "process.send('ready') is not there in recon; it is ready when it listens"
        draft.note(Fate.CHANGED, "wait_ready", told)
        if timeout:
            told = f"gives it progressDeadlineSeconds ({_DEADLINE_SECONDS}); then the old one stays"
            draft.note(Fate.CHANGED, "listen_timeout", f"PM2 goes on regardless; recon {told}")
        return
    told = (
        "process.send('ready') is not there in recon: write what tells it, e.g. readinessProbe:"
        " {httpGet: {path: /health, port: N}} or {log: 'listening'}"
    )
    draft.note(Fate.TODO, "wait_ready", told)
