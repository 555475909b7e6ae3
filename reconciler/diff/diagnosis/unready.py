"""Why an instance that runs is not ready: what the probe got, and where the program listens."""

from __future__ import annotations

import math
from dataclasses import dataclass

from reconciler.diff.diagnosis.cause import Cause, CauseCode
from reconciler.diff.lint.servers import server_of
from reconciler.model.spec.probe import Notify, Probe, ProbeRole, port_of
from reconciler.model.spec.program import ProgramSpec


@dataclass(frozen=True, slots=True)
class UnreadyInstance:
    """One instance that is not ready, at one moment."""

    spec: ProgramSpec
    instance: int
    answer: str
    """What its probe got, a sentence; empty where it got no answer yet."""
    seconds: float
    """How long it has run."""
    listens: frozenset[int] = frozenset()
    """Ports that its processes listen on."""
    holder: str = ""
    """Who else listens where its probe asks, a phrase: ``pid 812 (nginx, user www)``."""
    same_app: bool = False
    """That is another process of the app."""


def why_not_ready(unready: UnreadyInstance) -> Cause:
    """The cause, with the fields to correct."""
    probe = unready.spec.readiness
    role = "startupProbe" if ProbeRole.STARTUP in unready.spec.probes else "readinessProbe"
    answer = _without_address(unready.answer, probe, unready) or "no answer yet"
    message = f"{_question(probe, unready)}: {answer} since {math.floor(unready.seconds)} s"
    remedy = (probe.kind if probe is not None else Notify()).remedy(role)
    target = probe.kind.target if probe is not None else None
    if target is None:
        return Cause(CauseCode.PROBE_FAILED, message, remedy)
    port = port_of(target.port, unready.instance)
    if unready.spec.probed_socket(probe) is not None:
        return Cause(CauseCode.PROBE_FAILED, message, _private(unready.spec, role))
    if port in unready.listens:
        return Cause(CauseCode.PROBE_FAILED, message, f"it listens on {port}: {remedy}")
    if unready.holder:
        message = f"{message}; port {port} is held by {unready.holder}"
        return Cause(CauseCode.PORT_IN_USE, message, free_the_port(same_app=unready.same_app))
    if unready.listens:
        ports = ", ".join(map(str, sorted(unready.listens)[:4]))
        first = min(unready.listens)
        return Cause(
            CauseCode.WRONG_PORT,
            f"{message}; the program listens on {ports}",
            f"write port: {first} in `{role}`, or have the program listen on {port}",
        )
    return Cause(
        CauseCode.NOT_LISTENING,
        f"{message}; the program listens on no port",
        _nothing(unready, port),
    )


def answered_by_another(unready: UnreadyInstance) -> Cause:
    """Of an instance that counts as ready by what ``holder`` answers, while it listens nowhere."""
    what = _question(unready.spec.readiness, unready)
    message = f"{what} is answered by {unready.holder}: the program itself listens on no port"
    return Cause(CauseCode.ANOTHER_ANSWERS, message, free_the_port(same_app=unready.same_app))


def free_the_port(*, same_app: bool) -> str:
    """What to do where another process has the port of a program."""
    if same_app:
        return "declare the port under `sockets`, or write strategy: {maxSurge: 0}"
    return "stop that process, or give the program another port"


def probed_port(spec: ProgramSpec, instance: int) -> int | None:
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
        remedy = f"{server.name} serves one descriptor, not the private one that its probe asks"
        return f'{remedy}: write {role}: {{log: "{server.ready}"}}'
    remedy = "have it serve all descriptors of LISTEN_FDS: its probe asks a private one"
    return f"{remedy} (docs/sockets.md); or use {{log: …}}, notify or exec"


def _nothing(unready: UnreadyInstance, port: int) -> str:
    logs = "check in `recon logs` what it waits for"
    return f"have it listen on {port}, or {logs}; a startupProbe gives a slow program more time"


def _question(probe: Probe | None, unready: UnreadyInstance) -> str:
    return probe.kind.question(unready.instance) if probe is not None else "it has no probe"


def _without_address(answer: str, probe: Probe | None, unready: UnreadyInstance) -> str:
    """The answer without the address that was asked, which stands in the question."""
    target = probe.kind.target if probe is not None else None
    if target is None:
        return answer
    return answer.removesuffix(f" on {target.host}:{port_of(target.port, unready.instance)}")
