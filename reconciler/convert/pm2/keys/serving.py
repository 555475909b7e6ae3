"""How many instances, and how they share a port: exec_mode, instances, wait_ready.

In PM2's cluster mode the instances share the port that the program listens on, whichever that
is; recon binds it, so it has to know it. In fork mode each has its own, or clashes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from reconciler.convert.host import Host
from reconciler.convert.manifests.draft import Draft, Fate, Located
from reconciler.convert.pm2.given import Given
from reconciler.convert.pm2.keys.address import (
    Listen,
    listen_address,
    listen_path,
    listen_port,
    socket_at,
)
from reconciler.convert.pm2.units import seconds_of
from reconciler.convert.pm2.values import is_true, number_of, text_of
from reconciler.model.words.values import BY_CORES

_MOST = 1000
_CLUSTER = "exec_mode: cluster"
_OWN_PORT = {"maxSurge": 0}
_LEAST_DEADLINE = 2
"""Seconds of progressDeadlineSeconds: more than the default of minReadySeconds."""
# What shares a port where recon's preload for Node is not loaded.
_INSTEAD = {
    "bun": "share the port with Bun.serve({reusePort: true}), run it with node, or",
    "deno": "share the port with Deno.serve({reusePort: true}), run it with node, or",
    "python": "serve it with gunicorn, which takes the socket (docs/sockets.md), or",
    "python3": "serve it with gunicorn, which takes the socket (docs/sockets.md), or",
    "php": "serve it with php-fpm, which has workers of its own, or",
}


def put_instances(conf: Mapping[str, Any], host: Host, draft: Draft) -> None:
    value = conf.get("instances")
    count = _count(value)
    if isinstance(value, str) and value != "max" and number_of(value) is None:
        note = f"{text_of(value)[:40]!r} is not a number; PM2 takes it for {count or 'max'}"
        draft.note(Fate.CHANGED, "instances", note)
    if value == "max" or (count is not None and count <= 0):
        _cores(0 if value == "max" or count is None else count, host, draft)
    elif count is not None and count != 1:
        draft.put("instances", min(count, _MOST))


def put_port(given: Given, draft: Draft, host: Host) -> None:
    """The shared socket of a cluster, and readiness."""
    cluster = given.is_cluster and not isinstance(given.known.get("PORT"), dict)
    if cluster and not given.run.on_node:
        _not_node(given, draft)
    if not (cluster and given.run.on_node and _share(given, draft, host)):
        draft.spec["strategy"] = dict(_OWN_PORT)
    if is_true(given.conf.get("wait_ready")):
        _ready(given, draft)


def _share(given: Given, draft: Draft, host: Host) -> bool:
    """Declare the socket; False where one process alone binds whatever it binds."""
    socket = _socket(given.known, given, draft, host, noted=True)
    if socket is not None:
        draft.spec["sockets"] = [socket]
        for name, profile in draft.profiles.items():
            other = _socket({**given.known, **profile.get("env", {})}, given, draft, host)
            if other not in (None, socket):
                draft.profiles[name] = {**profile, "sockets": [other]}
    elif draft.spec.get("instances", 1) != 1:
        note = (
            "shares the port that the program listens on, but the config does not name it:"
            " declare it (sockets: [{name: http, port: N}]), unless it listens on none"
        )
        draft.note(Fate.TODO, _CLUSTER, note)
    else:
        note = (
            "no port is known, so the old process ends before the new one starts; with sockets:"
            " [{name: http, port: N}] an update has no gap"
        )
        draft.note(Fate.CHANGED, _CLUSTER, note)
    return socket is not None or draft.spec.get("instances", 1) != 1


def _socket(
    known: Mapping[str, Any], given: Given, draft: Draft, host: Host, *, noted: bool = False
) -> dict[str, Any] | None:
    command, literal = draft.spec["command"], given.sources.address
    path = listen_path(known, command)
    if path is not None:
        absolute = os.path.normpath(os.path.join(draft.spec["cwd"], path))
        return {"name": "http", "path": absolute if os.path.isabs(path) else Located(absolute)}
    port = listen_port(known, command)
    if port is None:
        return None
    listen = listen_address(known, command)
    if listen == Listen() and literal is not None:
        listen = Listen(literal, "listen")
    if listen.strange and noted:
        note = (
            f"{listen.key} is {listen.strange[:60]}, not an address: the socket is for this host"
            " alone (127.0.0.1); write the address under sockets.host"
        )
        draft.note(Fate.TODO, _CLUSTER, note)
    elif listen == Listen() and noted:
        note = (
            f"no HOST and no --host is given, so recon listens on port {port} of all addresses, as"
            " Node does; where the program names one, write it under sockets.host"
        )
        draft.note(Fate.CHANGED, _CLUSTER, note)
    return socket_at(port, listen, host)


def _not_node(given: Given, draft: Draft) -> None:
    """Only Node loads what takes the socket in the place of the program's own `listen`."""
    command = draft.spec["command"]
    name = os.path.basename(command[0])
    port = listen_port(given.known, command)
    if draft.spec.get("instances", 1) == 1:
        note = "is for Node; it binds its own port, as in fork mode"
        draft.note(Fate.CHANGED, _CLUSTER, note)
        return
    instead = _INSTEAD.get(name, "let it take the socket (LISTEN_FDS, docs/sockets.md), or")
    note = (
        f"{name} does not take recon's socket by itself, and its instances cannot all bind one"
        f" port: {instead} give each a port of its own (env: {{PORT: {{perInstance:"
        f" {port or 3000}}}}}) behind a proxy"
    )
    draft.note(Fate.TODO, _CLUSTER, note)


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
    note = f"is {number}, from the {host.cores} cores of this host"
    draft.note(Fate.CHANGED, f"instances: {word}", note)


def _ready(given: Given, draft: Draft) -> None:
    """process.send('ready') is a notification: recon's preload sends it on."""
    timeout = seconds_of(given.conf, "listen_timeout", draft)
    if not given.run.on_node:
        note = (
            "process.send('ready') reaches recon from Node only: write another probe"
            " that says when it is"
            " ready, e.g. readinessProbe: {httpGet: {path: /health, port: N}}, {log: 'listening'},"
            " or {notify: true} with sd_notify(3)"
        )
        draft.note(Fate.TODO, "wait_ready", note)
        return
    if given.sources.mention("process.send") is False:
        note = (
            "no file of the program calls process.send, and PM2 went on without it after"
            " listen_timeout; so it counts as ready once it has run for a second"
        )
        draft.note(Fate.CHANGED, "wait_ready", note)
        return
    draft.spec["readinessProbe"] = {"notify": True}
    if timeout is not None:
        deadline = max(timeout, _LEAST_DEADLINE)
        draft.put("progressDeadlineSeconds", deadline)
        note = (
            f"after {timeout:g} s PM2 continues in any case; recon gives up the update after"
            f" {deadline:g} s and keeps the old processes"
        )
        draft.note(Fate.CHANGED, "listen_timeout", note)
