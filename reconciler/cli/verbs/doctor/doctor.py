"""`recon doctor`: problems of this host, and of what the declared apps need from it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, NamedTuple

from reconciler import __version__
from reconciler.api.errors import ClientError, ControllerNotRunningError
from reconciler.checks.held import of_held
from reconciler.checks.host import (
    Needs,
    of_cgroups,
    of_disk,
    of_host,
    of_journal,
    of_state,
)
from reconciler.cli.framework import controller
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import ERROR, OK
from reconciler.cli.framework.offline import facts_of, journal_of, scan
from reconciler.cli.framework.options import (
    Apps,
    Manifests,
    Profile,
    StateDir,
    TextOrJson,
    Where,
    one_of,
    where,
)
from reconciler.cli.framework.output import print_json
from reconciler.cli.verbs.doctor.app import of_app
from reconciler.cli.verbs.doctor.notices import of_notices
from reconciler.cli.verbs.doctor.running import of_running
from reconciler.desired.watched.content import trees_of
from reconciler.desired.watched.trees import TreeTooLarge
from reconciler.model.host.facts import HostFacts
from reconciler.model.host.held import Held
from reconciler.model.host.machine import Machine
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Desired, Problem
from reconciler.model.state.finding import Finding, Level, ok, problem, warning
from reconciler.observed.host.machine import disk, folder, machine
from reconciler.observed.processes.snapshot import snapshot
from reconciler.render.cells import fold
from reconciler.render.formats import count, local, place
from reconciler.render.terminal import colours, paint, plain, width
from reconciler.state.journal.journal import Journal
from reconciler.state.neighbours import controllers_of, twice
from reconciler.state.paths import store_id
from reconciler.system.clock import boot_id

FORMAT_VERSION = 1
_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.PROBLEM: "red"}
_HOST, _RECON = "host", "recon"


class _Entry(NamedTuple):
    """A finding and what it is about: the host, recon, or an app by name."""

    subject: str
    finding: Finding


def doctor(
    apps: Apps = None,
    *,
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
    output: TextOrJson = "text",
    everything: Annotated[
        bool, Option("--all", "-a", help="Also show checks that passed.")
    ] = False,
) -> int:
    """Look for problems here, and say what to do.

    Host, limits, disk, permissions, programs, packages, logs, ports and what runs. The exit code is
    1 where there is a problem, 0 where there are warnings only. Nothing is
    changed.
    """
    one_of("--output", output, ("text", "json"))
    here = where(manifests, state_dir, profile)
    desired = scan(here)
    broken = {name for one in desired.problems for name in one.apps}
    controller.names(here, broken | set(desired.apps), apps, None)
    this, facts = machine(), facts_of(here)
    found = [*_of_host(here, desired, this, facts), *_of_recon(here, desired)]
    names = set(apps or desired.apps)
    found += _of_apps(here, desired, names & set(desired.apps), _closed_ports(this, facts))
    found += [_Entry(name, finding) for name, finding in of_running(here, set(apps or ()))]
    found.sort(key=lambda entry: (entry.subject not in (_HOST, _RECON), entry.subject))
    if output == "json":
        print_json(_document(found))
    else:
        for line in _lines(found, everything):
            print(line)
    return ERROR if any(entry.finding.level is Level.PROBLEM for entry in found) else OK


def _of_host(here: Where, desired: Desired, this: Machine, facts: HostFacts) -> Iterator[_Entry]:
    yield from (_Entry(_HOST, finding) for finding in of_host(this, _needs(here, desired)))
    yield from (_Entry(_HOST, finding) for finding in of_cgroups(facts.cgroups))
    yield from (_Entry(_HOST, finding) for finding in of_disk(disk(here.paths.root)))


def _needs(here: Where, desired: Desired) -> Needs:
    specs = [app.spec for app in desired.apps.values()]
    return Needs(
        instances=sum(spec.wanted for spec in specs),
        memory=sum(spec.wanted * (spec.limits.memory or 0) for spec in specs),
        watches=sum(1 for _ in os.walk(here.manifests)) + sum(map(_watched, specs)),
    )


def _watched(spec: ProgramSpec) -> int:
    """How many folders an app has watched."""
    if spec.watch is None:
        return 0
    trees = trees_of(spec.watch, spec.cwd)
    try:
        trees.look()
    except TreeTooLarge:  # `validate` and `status` report it
        return 0
    return len(trees.folders())


def _closed_ports(this: Machine, facts: HostFacts) -> int:
    """Ports below this recon may not listen on."""
    return 0 if facts.may("NET_BIND_SERVICE") else this.open_ports


def _of_recon(here: Where, desired: Desired) -> Iterator[_Entry]:
    yield _Entry(_RECON, of_state(folder(here.paths.root), os.geteuid()))
    yield from (_Entry(_RECON, finding) for finding in _controllers(here))
    journal = Journal.open_readonly(here.paths.database, boot_id())
    if journal is not None:
        yield _Entry(_RECON, of_journal(journal_of(here, journal)))
        journal.close()
    yield from (_Entry(_RECON, finding) for finding in _output(here))
    yield from (_Entry(_RECON, finding) for finding in of_notices(here, desired.settings.notify))
    if not desired.complete:
        message = f"{place(str(here.manifests))} cannot be read as a directory of manifests"
        yield _Entry(
            _RECON, problem("manifests", message, "create it (`recon init`), or name it: -m")
        )
    for one in desired.problems:
        remedy = one.remedy or "correct the manifest"
        yield _Entry(_RECON, problem("manifests", _placed(one), remedy))


def _controllers(here: Where) -> Iterator[Finding]:
    """The controller of this state directory, and those that run the same manifests."""
    own = str(here.paths.root)
    others = [other for other in controllers_of(here.manifests) if other.state != own]
    known = _controller(here)
    if known is not None:
        yield known
        yield from (problem("neighbours", *twice(other)) for other in others)
    elif not others:
        message = "no controller runs: nothing is restarted, edits have no effect"
        remedy = "`recon apply` starts one, `recon run` in the foreground"
        yield warning("controller", message, remedy)
    for other in others if known is None else ():
        message = f"no controller runs for {own}, but {other.shown} runs these manifests"
        remedy = f"use that one (--state-dir {other.state}): a second would run each app twice"
        yield warning("controller", message, remedy)


def _controller(here: Where) -> Finding | None:
    """None where there is none."""
    try:
        version = controller.client_of(here).version()
    except ControllerNotRunningError:
        return None
    pid = version["pid"]
    if version["version"] != __version__:
        message = f"the controller (pid {pid}) is recon {version['version']}, this is {__version__}"
        return warning("controller", message, f"kill {pid}, then `recon apply`: apps keep running")
    if version["manifests"] != str(here.manifests):
        message = f"the controller (pid {pid}) reads {version['manifests']}, not {here.manifests}"
        return warning("controller", message, "give the same directory: -m, or RECON_MANIFESTS")
    return ok("controller", f"recon {version['version']} runs (pid {pid})")


def _output(here: Where) -> Iterator[Finding]:
    """Nothing where no controller runs, or one that cannot tell: of an older release."""
    try:
        found = controller.client_of(here).output()
    except ClientError:
        return
    if found["isKept"]:
        yield of_held(Held(**{name: found[name] for name in Held._fields}))


def _of_apps(here: Where, desired: Desired, names: set[str], closed: int) -> Iterator[_Entry]:
    pids = _own_pids(here)
    for name in sorted(names):
        yield from (
            _Entry(name, one) for one in of_app(desired.apps[name], pids, closed, here.paths.root)
        )


def _own_pids(here: Where) -> list[int]:
    """The processes of this store, and the controller, which has their sockets open as well."""
    found = snapshot(store_id(here.paths), here.paths.root, lambda _: None).processes
    pids = [id.pid for process in found for id in (process.id, *process.stragglers)]
    try:
        return [*pids, int(controller.client_of(here).version()["pid"])]
    except ControllerNotRunningError:
        return pids


def _placed(one: Problem) -> str:
    at = f"{place(one.file)}:{one.line}:{one.column}" if one.line else place(one.file)
    return ": ".join(part for part in (at, one.path, one.message) if part)


def _document(found: Iterable[_Entry]) -> dict[str, Any]:
    rows = [{"subject": entry.subject, **_row(entry.finding)} for entry in found]
    summary = {level.value: sum(row["level"] == level for row in rows) for level in Level}
    return {"formatVersion": FORMAT_VERSION, "findings": rows, "summary": summary}


def _row(finding: Finding) -> Mapping[str, str]:
    return {**finding._asdict(), "level": finding.level.value}


def _lines(found: list[_Entry], everything: bool) -> Iterator[str]:
    colour, columns = colours(), width()
    shown = [entry for entry in found if everything or entry.finding.level is not Level.OK]
    subject = ""
    for entry in shown:
        if entry.subject != subject:
            yield from [""] if subject else []
            subject = entry.subject
            yield paint(subject, "bold", on=colour)
        yield from _wrapped(entry.finding, columns, colour)
    yield from [""] if shown else []
    yield _summary(found)


def _wrapped(finding: Finding, columns: int, colour: bool) -> Iterator[str]:
    """The message and, below it, what to do: whole, since a path that is cut off is of no use."""
    mark = paint(f"{finding.level.value:<8}", _COLOURS[finding.level], on=colour)
    indent = " " * 12
    lines = fold(plain(local(finding.message)), columns - len(indent))
    yield f"  {mark}  {lines[0]}"
    rest = lines[1:]
    if finding.remedy:
        rest += fold(plain(local(f"→ {finding.remedy}")), columns - len(indent))
    yield from (indent + line for line in rest)


def _summary(found: list[_Entry]) -> str:
    levels = [entry.finding.level for entry in found]
    problems, warnings = levels.count(Level.PROBLEM), levels.count(Level.WARNING)
    if not problems and not warnings:
        return f"{count(len(found), 'check')}, no problems"
    parts = [count(number, word) for number, word in ((problems, "problem"), (warnings, "warning"))]
    return f"{count(len(found), 'check')}: {', '.join(parts)}"
