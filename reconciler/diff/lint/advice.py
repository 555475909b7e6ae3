"""Advice on manifests that are valid but may not work as meant: shown by `recon validate`.

From the manifest alone: whether a rolling update can work for a program that binds its own port,
and whether a program can answer the probe that asks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from reconciler.diff.lint.servers import bound_by, is_given, server_of
from reconciler.diff.lint.shell_syntax import by_shell, runs_shell, shell_syntax
from reconciler.diff.rollout.rolling import fenceposts
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.words.expansion import references
from reconciler.model.words.values import PerInstance


class Advice(NamedTuple):
    """A field below ``spec``, and a sentence."""

    path: str
    message: str


def advice_on(spec: ProgramSpec, line: str = "") -> Iterator[Advice]:
    """All advice on a spec. ``line``: `command` as written, where it is a string."""
    yield from _shell(spec, line)
    yield from _unknown_names(spec)
    if isinstance(spec, AppSpec):
        yield from _listens_itself(spec)
        yield from _own_port(spec)
        yield from _unanswered(spec)


def shell_remedy(spec: ProgramSpec, line: str = "") -> str:
    """What to write for a command that needs a shell; empty where it needs none."""
    cwd = spec.cwd if "cwd" in spec.model_fields_set else ""
    found = shell_syntax(spec.command, line, cwd=cwd)
    return f"write {found.remedy}" if found is not None else ""


def _shell(spec: ProgramSpec, line: str) -> Iterator[Advice]:
    """Commands with shell syntax: recon hands it to the program as it stands."""
    found = [("command", spec.command, line)]
    if isinstance(spec, AppSpec) and spec.build is not None:
        found.append(("build.command", spec.build.command, ""))
    if spec.stop.pre_stop:
        found.append(("stop.preStop", spec.stop.pre_stop, ""))
    found += [(".".join(path), command, "") for path, command in spec.probe_commands()]
    for path, command, text in found:
        cwd = spec.cwd if "cwd" in spec.model_fields_set else ""
        syntax = shell_syntax(tuple(command), text, cwd=cwd)
        if syntax is None:
            continue
        words = " ".join(syntax.words)
        remedy = syntax.remedy if path == "command" else by_shell(command)
        message = f"{words} is shell syntax, and recon runs no shell: the program gets it unchanged"
        yield Advice(path, f"{message}; write {remedy}")


def _unknown_names(spec: ProgramSpec) -> Iterator[Advice]:
    for _, name in references(spec.command) if not runs_shell(spec.command) else ():
        if name not in spec.env and not spec.env_from:
            message = f"the app has no variable {name}, so $({name}) stays as it is"
            shell = by_shell(spec.command)
            remedy = f"declare it in `env`; or, for a command {name}, write command: {shell}"
            yield Advice("command", f"{message}; {remedy}")


def _listens_itself(spec: AppSpec) -> Iterator[Advice]:
    """A server that listens itself beside the socket that recon listens on. (gunicorn takes
    recon's, whatever else it is told.)"""
    server = server_of(spec.command)
    if server is None or not spec.sockets or server.adopts:
        return
    bound, address = bound_by(spec.command, server), spec.sockets[0].address
    if server.flag and (bound or not is_given(spec.command)):
        message = f"recon listens on {address}, so {server.name} {bound or 'without --fd'} fails"
        yield Advice("command", f"{message}; write {server.by_descriptor(spec.command)}")
    elif not server.flag and not server.ready:
        message = f"{server.name} cannot take a socket from recon, and finds the port in use"
        remedy = "run it by gunicorn, or remove `sockets` and write strategy: {maxSurge: 0}"
        yield Advice("command", f"{message}; {remedy}")


def _own_port(spec: AppSpec) -> Iterator[Advice]:
    """The program listens itself: a second process cannot have the same port."""
    shared = {socket.port for socket in spec.sockets}
    fixed, each = ports_of(spec)
    fixed -= shared
    surge = _surge(spec)
    if fixed and spec.instances > 1:
        port = min(fixed)
        message = f"{spec.instances} instances cannot all listen on port {port}"
        remedy = f"{_declare(spec)}, or give each its own by {{perInstance: {port}}}"
        yield Advice("instances", f"{message}: {remedy}")
    elif fixed and surge:
        port = min(fixed)
        message = f"a new process cannot listen on port {port} while the old one does"
        remedy = f"{_declare(spec)}; or write maxSurge: 0, or type: Recreate"
        yield Advice("strategy", f"{message}: {remedy}")
    elif each and surge:
        message = "an instance's successor has the same port, so the old one must end first"
        yield Advice("strategy", f"{message}: write maxSurge: 0, and maxUnavailable: 1")


def _declare(spec: AppSpec) -> str:
    """How this program gets its port from recon."""
    server = server_of(spec.command)
    if server is None or server.adopts:
        return "declare it under sockets"
    if not server.flag:
        return "run it by gunicorn with the port under sockets"
    there = f"declare it under sockets and write {server.by_descriptor(spec.command)}"
    probed = any(probe.kind.target for probe in spec.probes.values())
    return f'{there} with the probe {{log: "{server.ready}"}}' if probed else there


def _unanswered(spec: AppSpec) -> Iterator[Advice]:
    server = server_of(spec.command)
    line = server.ready if server is not None else ""
    for role, probe in spec.probes.items():
        if line and spec.probed_socket(probe):
            message = "the program serves one descriptor, so it cannot answer for one instance"
            yield Advice(f"{role}Probe", f'{message}: use {{log: "{line}"}}, notify or exec')


def _surge(spec: AppSpec) -> int:
    if spec.strategy.type is StrategyType.RECREATE:
        return 0
    return fenceposts(spec.strategy, max(1, spec.instances))[0]


def ports_of(spec: ProgramSpec) -> tuple[set[int], set[int]]:
    """Ports that the probes and $PORT name: the same for all, and one for each."""
    targets = [probe.kind.target for probe in spec.probes.values()]
    found = [target.port for target in targets if target is not None]
    fixed = {port for port in found if isinstance(port, int)}
    each = {port.per_instance for port in found if isinstance(port, PerInstance)}
    variable = spec.env.get("PORT")
    if isinstance(variable, PerInstance):
        each.add(variable.per_instance)
    elif isinstance(variable, str) and variable.isascii() and variable.isdigit():
        fixed.add(int(variable))
    return fixed, each
