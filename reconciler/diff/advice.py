"""Advice on manifests that are right, and will disappoint: told by `recon validate`, no error.

From the manifest alone: whether a rolling update can work for a program that binds its own port,
and whether a program can answer the probe that asks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.diff.rolling import fenceposts
from reconciler.model.manifest import AppSpec
from reconciler.model.probe import Probe
from reconciler.model.strategy import StrategyType
from reconciler.model.values import PerInstance

# Servers that serve one descriptor, and what they write when they are up.
_ONE_DESCRIPTOR = {
    "uvicorn": "Application startup complete",
    "hypercorn": "Running on",
    "uvicorn_server.py": "Application startup complete",
    "hypercorn_server.py": "Running on",
}


class Advice(NamedTuple):
    """A field below ``spec``, and a sentence."""

    path: str
    message: str


def advice_on(spec: AppSpec) -> Iterator[Advice]:
    """What somebody who knows would say."""
    yield from _own_port(spec)
    yield from _unanswered(spec)


def _own_port(spec: AppSpec) -> Iterator[Advice]:
    """The program listens itself: a second process cannot have the same port."""
    shared = {socket.port for socket in spec.sockets}
    fixed, each = ports_of(spec)
    fixed -= shared
    surge = _surge(spec)
    if fixed and spec.instances > 1:
        port = min(fixed)
        told = f"{spec.instances} instances cannot all listen on port {port}"
        remedy = f"declare it under sockets, or give each its own by {{perInstance: {port}}}"
        yield Advice("instances", f"{told}: {remedy}")
    elif fixed and surge:
        port = min(fixed)
        told = f"a new process cannot listen on port {port} while the old one does: declare it"
        yield Advice("strategy", f"{told} under sockets; or write maxSurge: 0, or type: Recreate")
    elif each and surge:
        told = "an instance's successor has the same port, so the old one must end first"
        yield Advice("strategy", f"{told}: write maxSurge: 0, and maxUnavailable: 1")


def _unanswered(spec: AppSpec) -> Iterator[Advice]:
    line = next((_ONE_DESCRIPTOR[name] for name in _programs(spec) if name in _ONE_DESCRIPTOR), "")
    for field, probe in _probes(spec):
        if line and spec.probed_socket(probe):
            told = "the program serves one descriptor, so it cannot answer for one instance"
            yield Advice(field, f'{told}: use {{log: "{line}"}}, notify or exec')


def _surge(spec: AppSpec) -> int:
    if spec.strategy.type is StrategyType.RECREATE:
        return 0
    return fenceposts(spec.strategy, max(1, spec.instances))[0]


def ports_of(spec: AppSpec) -> tuple[set[int], set[int]]:
    """Ports that the probes and $PORT name: the same for all, and one for each."""
    named = [probe.http_get or probe.tcp_socket for _, probe in _probes(spec)]
    found = [target.port for target in named if target is not None]
    fixed = {port for port in found if isinstance(port, int)}
    each = {port.per_instance for port in found if isinstance(port, PerInstance)}
    variable = spec.env.get("PORT")
    if isinstance(variable, PerInstance):
        each.add(variable.per_instance)
    elif isinstance(variable, str) and variable.isascii() and variable.isdigit():
        fixed.add(int(variable))
    return fixed, each


def _probes(spec: AppSpec) -> list[tuple[str, Probe]]:
    return [(f"{role}Probe", probe) for role, probe in spec.probes.items()]


def _programs(spec: AppSpec) -> list[str]:
    """Names that the command goes by: of `uvicorn …`, `python -m uvicorn …`, `python x.py`."""
    return [word.rpartition("/")[2] for word in spec.command[:3]]
