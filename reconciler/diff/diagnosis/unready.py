"""Why an instance that runs is not ready: what the probe got, and where the program listens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reconciler.diff.diagnosis.cause import Cause, CauseCode
from reconciler.diff.lint.servers import server_of
from reconciler.model.spec.probe import Notify, Probe, ProbeRole, port_of
from reconciler.model.spec.program import ProgramSpec


@dataclass(frozen=True, slots=True)
class Asked:
    """One instance that is not ready, at one moment."""

    spec: ProgramSpec
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
    probe = asked.spec.readiness
    role = "startupProbe" if ProbeRole.STARTUP in asked.spec.probes else "readinessProbe"
    answer = _less_address(asked.told, probe, asked) or "no answer yet"
    told = f"{_question(probe, asked)}: {answer} since {math.floor(asked.seconds)} s"
    remedy = (probe.kind if probe is not None else Notify()).remedy(role)
    target = probe.kind.target if probe is not None else None
    if target is None:
        return Cause(CauseCode.PROBE_FAILED, told, remedy)
    port = port_of(target.port, asked.instance)
    if asked.spec.probed_socket(probe) is not None:
        return Cause(CauseCode.PROBE_FAILED, told, _private(asked.spec, role))
    if port in asked.listens:
        return Cause(CauseCode.PROBE_FAILED, told, f"it listens on {port}: {remedy}")
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
    what = _question(asked.spec.readiness, asked)
    told = f"{what} is answered by {asked.holder}: the program itself listens on no port"
    return Cause(CauseCode.ANOTHER_ANSWERS, told, free_the_port(same_app=asked.same_app))


def free_the_port(*, same_app: bool) -> str:
    """What to do where another process has the port of a program."""
    if same_app:
        return "declare the port under `sockets`, or write strategy: {maxSurge: 0}"
    return "stop that process, or give the program another port"


def asked_port(spec: ProgramSpec, instance: int) -> int | None:
    """The port at which an instance is asked whether it is ready; None where it is asked by other
    means, or on a private socket."""
    probe = spec.readiness
    if probe is None or spec.probed_socket(probe) is not None:
        return None
    target = probe.kind.target
    return port_of(target.port, instance) if target is not None else None


def _private(spec: ProgramSpec, role: str) -> str:
    """An instance is asked on a private socket (`NAME.probe`), which it has to serve as well."""
    server = server_of(spec.command)
    if server is not None and server.ready:
        told = f"{server.name} serves one descriptor, not the private one that its probe asks"
        return f'{told}: write {role}: {{log: "{server.ready}"}}'
    told = "have it serve all descriptors of LISTEN_FDS: its probe asks a private one"
    return f"{told} (docs/sockets.md); or use {{log: …}}, notify or exec"


def _nothing(asked: Asked, port: int) -> str:
    logs = "check in `recon logs` what it waits for"
    return f"have it listen on {port}, or {logs}; a startupProbe gives a slow program more time"


def _question(probe: Probe | None, asked: Asked) -> str:
    return probe.kind.question(asked.instance) if probe is not None else "it has no probe"


def _less_address(answer: str, probe: Probe | None, asked: Asked) -> str:
    """The answer without the address that was asked, which stands in the question."""
    target = probe.kind.target if probe is not None else None
    if target is None:
        return answer
    return answer.removesuffix(f" on {target.host}:{port_of(target.port, asked.instance)}")
