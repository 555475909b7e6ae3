"""Why an instance that runs is not ready: what the probe got, and where the program listens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reconciler.diff.diagnosis.cause import Cause, CauseCode
from reconciler.diff.lint.servers import server_of
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.probe import Probe, ProbePort
from reconciler.model.words.values import PerInstance


@dataclass(frozen=True, slots=True)
class Asked:
    """One instance that is not ready, at one moment."""

    spec: AppSpec
    instance: int
    told: str
    """What its probe got, a sentence; empty where it got no answer yet."""
    seconds: float
    """How long it has run."""
    listens: frozenset[int] = frozenset()
    """Ports that its processes listen on."""
    holder: str = ""
    """Who else listens where its probe asks, a phrase: ``pid 812 (nginx, user www)``."""
    same_app: bool = False
    """That is another process of the app."""


def why_not_ready(asked: Asked) -> Cause:
    """The cause, with the fields to correct."""
    probe = asked.spec.startup_probe or asked.spec.readiness_probe
    role = "startupProbe" if asked.spec.startup_probe is not None else "readinessProbe"
    what = _what(probe, asked)
    told = f"{what}: {_brief(asked.told or 'no answer yet')} since {math.floor(asked.seconds)} s"
    port = _port(probe, asked)
    if port is None:
        return Cause(CauseCode.PROBE_FAILED, told, _other_remedy(probe, role))
    if asked.spec.probed_socket(probe) is not None:
        return Cause(CauseCode.PROBE_FAILED, told, _private(asked.spec, role))
    if port in asked.listens:
        remedy = f"it listens on {port}: see its log, or correct `{role}` (path, timeoutSeconds)"
        return Cause(CauseCode.PROBE_FAILED, told, remedy)
    if asked.holder:
        told = f"{told}; port {port} is held by {asked.holder}"
        return Cause(CauseCode.PORT_IN_USE, told, free_the_port(same_app=asked.same_app))
    if asked.listens:
        ports = ", ".join(map(str, sorted(asked.listens)[:4]))
        first = min(asked.listens)
        return Cause(
            CauseCode.WRONG_PORT,
            f"{told}; the program listens on {ports}",
            f"write port: {first} in `{role}`, or have the program listen on {port}",
        )
    return Cause(
        CauseCode.NOT_LISTENING, f"{told}; the program listens on no port", _nothing(asked, port)
    )


def answered_by_another(asked: Asked) -> Cause:
    """Of an instance that counts as ready by what ``holder`` answers, while it listens nowhere."""
    what = _what(asked.spec.startup_probe or asked.spec.readiness_probe, asked)
    told = f"{what} is answered by {asked.holder}: the program itself listens on no port"
    return Cause(CauseCode.ANOTHER_ANSWERS, told, free_the_port(same_app=asked.same_app))


def free_the_port(*, same_app: bool) -> str:
    """What to do where another process has the port of a program."""
    if same_app:
        return "declare the port under `sockets`, or write strategy: {maxSurge: 0}"
    return "stop that, or give the program another port"


def asked_port(spec: AppSpec, instance: int) -> int | None:
    """The port at which an instance is asked whether it is ready; None where it is asked by other
    means, or on a private socket."""
    probe = spec.startup_probe or spec.readiness_probe
    if probe is None or spec.probed_socket(probe) is not None:
        return None
    target = probe.http_get or probe.tcp_socket
    if target is None:
        return None
    return _number(target.port, instance)


def _private(spec: AppSpec, role: str) -> str:
    """An instance is asked on a private socket (`NAME.probe`), which it has to serve as well."""
    server = server_of(spec.command)
    if server is not None and server.ready:
        told = f"{server.name} serves one descriptor, not the private one that its probe asks"
        return f'{told}: write {role}: {{log: "{server.ready}"}}'
    told = "have it serve all descriptors of LISTEN_FDS: its probe asks a private one"
    return f"{told} (docs/sockets.md); or use {{log: …}}, notify or exec"


def _nothing(asked: Asked, port: int) -> str:
    logs = "see what it waits for in `recon logs`"
    return f"have it listen on {port}, or {logs}; a startupProbe gives a slow one time"


def _what(probe: Probe | None, asked: Asked) -> str:
    """The question: ``GET http://127.0.0.1:3001/health``."""
    port = _port(probe, asked)
    if probe is None:
        return "it has no probe"
    if probe.http_get is not None:
        get = probe.http_get
        path = get.path if get.path.startswith("/") else f"/{get.path}"
        return f"GET {get.scheme.lower()}://{get.host}:{port}{path}"
    if probe.tcp_socket is not None:
        return f"connecting to {probe.tcp_socket.host}:{port}"
    if probe.exec is not None:
        return f"the check {' '.join(probe.exec.command)[:60]}"
    if probe.log is not None:
        return f"waiting for a line that matches {probe.log[:60]!r}"
    return "waiting for READY=1 (sd_notify)"


def _other_remedy(probe: Probe | None, role: str) -> str:
    if probe is not None and probe.log is not None:
        return f"compare `{role}.log` with what it writes: `recon logs`"
    if probe is not None and probe.exec is not None:
        return f"run that by hand in `cwd`, or correct `{role}.exec`"
    return "have the program call sd_notify, or use an httpGet or tcpSocket probe"


def _brief(got: str) -> str:
    """``connection refused on 127.0.0.1:3001`` without the address, which stands before it."""
    head, on, _ = got.partition(" on ")
    return head if on and head == "connection refused" else got


def _port(probe: Probe | None, asked: Asked) -> int | None:
    target = (probe.http_get or probe.tcp_socket) if probe is not None else None
    return _number(target.port, asked.instance) if target is not None else None


def _number(port: ProbePort, instance: int) -> int:
    return port.per_instance + instance if isinstance(port, PerInstance) else port
