"""Why an app is not as it should be: what `recon status NAME`, `describe` and `doctor` show.

Looks at the ends of logs, at /proc and around the program: never on the event loop.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from reconciler.checks.port_holder import holder_of, pids_of
from reconciler.checks.runtimes import how_to_install, python_of, requirements_of
from reconciler.diff.diagnosis import (
    Cause,
    Evidence,
    Facts,
    Output,
    UnreadyInstance,
    answered_by_another,
    diagnose,
    perhaps_of_the_port,
    probed_port,
    why_not_ready,
    with_holder,
)
from reconciler.diff.jobs.runs import newest
from reconciler.diff.lint.advice import advice_on, shell_remedy
from reconciler.logs.read.last_output import last_output
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import DesiredJob, Workload
from reconciler.model.state.memory import AppMemory, Ended, Outcome, Run
from reconciler.model.state.observed import Exit, Process
from reconciler.model.state.revision import same_revision
from reconciler.observed.probes import listeners
from reconciler.system.clock import boot_now, wall_of

_INSTANCES = 8
"""Ends that are looked at: of a thousand instances the first few show the cause."""
_SHOWN = 6
"""Lines of output that are shown: with all else they fit a screen of 24 lines."""
_EARLY, _LATE = 0.2, 5.0
"""Seconds around a process's life within which its lines may be dated."""
_CONTAINERS = {"docker", "podman", "nerdctl", "ssh", "sudo", "systemd-run"}
"""Programs whose port is another process's, which is none of theirs."""
_YOUNG = 60.0
"""Seconds: a process that followed a crash, and has not run for longer, may crash again."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One app, with the data from which its causes are found."""

    name: str
    app: Workload
    memory: AppMemory
    processes: Sequence[Process]
    builder: AppMemory
    """What is remembered of its builds."""
    state_dir: Path
    redact: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class _End:
    """The end of one process that has to be explained."""

    instance: int
    exit: Exit | None
    fault: str
    remedy: str
    uptime: float | None
    at: float
    """Boot seconds."""


def explained(row: Mapping[str, Any], subject: Subject) -> dict[str, Any]:
    """What is added to an app of the status document: ``causes``, ``advice``, and ``instances``
    with the last output of each in its ``lastExit``. ``row`` stays as it is."""
    instances = [dict(one) for one in row["instances"]]
    causes = [*_causes(instances, subject)]
    given = advice_on(subject.app.spec, subject.app.line)
    advice = [{"path": one.path, "message": one.message} for one in given]
    return {"causes": causes, "advice": advice, "instances": instances}


def _causes(instances: list[dict[str, Any]], subject: Subject) -> list[dict[str, Any]]:
    found = _Gathered(subject.redact)
    for end in islice(_ends(subject), _INSTANCES):
        output, document = _output(subject, subject.name, end)
        _attach(instances, f"{subject.name}-{end.instance}", document)
        cause = _of_end(subject, subject.app, end, output)
        found.add(f"{subject.name}-{end.instance}", cause, end, document)
    for builder, end in _builds(subject):
        output, document = _output(subject, builder.name, end)
        found.add(builder.name, _of_end(subject, builder, end, output), end, document)
    for process, cause in islice(_of_running(subject), _INSTANCES):
        found.add(process.name, cause)
    return found.rows


class _Gathered:
    """One row a cause, with all the instances that it holds for."""

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self.rows: list[dict[str, Any]] = []

    def add(
        self,
        instance: str,
        cause: Cause | None,
        end: _End | None = None,
        output: dict[str, Any] | None = None,
    ) -> None:
        if cause is None:
            return
        same = (row for row in self.rows if row["code"] == cause.code.value)
        row = next(same, None)
        if row is not None:
            row["instances"].append(instance)
            return
        self.rows.append(
            {
                "code": cause.code.value,
                "message": self._redact(cause.message),
                "remedy": self._redact(cause.remedy),
                "instances": [instance],
                "exit": str(end.exit) if end is not None and end.exit is not None else None,
                "uptimeSeconds": _rounded(end.uptime) if end is not None else None,
                "output": output,
            }
        )


def _ends(subject: Subject) -> Iterator[_End]:
    """The ends that say why it is not well, of the declared revision."""
    if isinstance(subject.app, DesiredJob):
        run = newest(subject.memory) or next(reversed(subject.memory.runs), None)
        last = [one for one in subject.memory.runs if one.exit or one.fault]
        for one in last[-1:] if run is not None else ():
            if one.outcome is not Outcome.SUCCEEDED:
                yield _of_run(one)
        return
    if not subject.memory.revisions:
        return
    hash, now = subject.memory.revisions[-1].hash, boot_now()
    for number, ended in sorted(subject.memory.ended.items()):
        if same_revision(ended.hash, hash) and _matters(number, ended, subject, now):
            exit = None if ended.fault and ended.uptime is None else ended.exit
            yield _End(number, exit, ended.fault, ended.remedy, ended.uptime, ended.at)


def _matters(number: int, ended: Ended, subject: Subject, now: float) -> bool:
    """Whether this end still matters: nothing runs in its place, or it may end like it."""
    current = [p for p in subject.processes if p.tag.instance == number]
    current = [p for p in current if same_revision(p.tag.hash, ended.hash)]
    if not current:
        return not (ended.retry_at is None and subject.app.spec.is_success(ended.exit))
    return any(now - process.started_at < _YOUNG or process.ready is False for process in current)


def _of_run(run: Run) -> _End:
    ended = run.tried_at or run.ended_at or run.created_at
    return _End(run.number, run.exit, run.fault, run.remedy, run.uptime, ended - wall_of(0.0))


def _builds(subject: Subject) -> Iterator[tuple[Workload, _End]]:
    """The last build, where that failed."""
    last = next(reversed(subject.builder.runs), None)
    if last is not None and last.outcome is Outcome.FAILED:
        yield from ((builder, _of_run(last)) for builder in subject.app.builders)


def _output(subject: Subject, app: str, end: _End) -> tuple[Output, dict[str, Any] | None]:
    """What the process wrote last, masked; and the same as JSON."""
    if end.exit is None and end.uptime is None:
        return Output(), None
    since = wall_of(end.at - end.uptime) - _EARLY if end.uptime is not None else None
    after = [p.started_at for p in subject.processes if p.tag.instance == end.instance]
    until = wall_of(min([end.at + _LATE, *(at for at in after if at > end.at)]))
    written = last_output(subject.state_dir, app, end.instance, since=since, until=until)
    stream = "stderr" if written.stream == "err" else "stdout"
    output = Output.of(map(subject.redact, written.lines), stream)
    return output, {"stream": stream, "lines": [*output.excerpt(_SHOWN)]}


def _attach(instances: list[dict[str, Any]], name: str, output: dict[str, Any] | None) -> None:
    """Put what a process wrote into its ``lastExit``."""
    for instance in instances:
        if instance["name"] == name and instance["lastExit"]:
            written = {
                "stderr": [],
                "stdout": [],
                **({output["stream"]: output["lines"]} if output else {}),
            }
            instance["lastExit"] = {**instance["lastExit"], **written}


def _of_end(subject: Subject, app: Workload, end: _End, output: Output) -> Cause | None:
    facts = Facts(
        how_to_install(app.spec.cwd), python_of(app.spec.cwd), requirements_of(app.spec.cwd)
    )
    of_end = (end.exit, end.fault, end.uptime, output, facts, end.remedy)
    evidence = Evidence(app.spec, *of_end, shell_remedy(app.spec, app.line))
    cause = diagnose(evidence)
    return _held(cause, subject, app.spec, end.instance) if cause is not None else None


def _held(cause: Cause, subject: Subject, spec: ProgramSpec, instance: int) -> Cause:
    """Add the process that has the port now."""
    if cause.port is not None:
        holder = holder_of(cause.port, subject.processes)
        return with_holder(cause, holder.name, same_app=holder.same_app) if holder else cause
    port = probed_port(spec, instance)
    holder = holder_of(port, subject.processes) if port is not None else None
    if port is None or holder is None or holder.same_app:
        return cause
    return perhaps_of_the_port(cause, port, holder.name)


def _of_running(subject: Subject) -> Iterator[tuple[Process, Cause]]:
    """Those that run and are not ready, where their probe has said so; and those that are, by what
    another program answers."""
    if not subject.memory.revisions:
        return
    hash = subject.memory.revisions[-1].hash
    for process in subject.processes:
        if not same_revision(process.tag.hash, hash):
            continue
        if process.ready is False and process.unready_reason:
            yield process, why_not_ready(_probed(process, subject))
        elif process.ready and not _probes_others(subject.app.spec):
            probed = _probed(process, subject)
            if probed.holder and not probed.listens:
                yield process, answered_by_another(probed)


def _probed(process: Process, subject: Subject) -> UnreadyInstance:
    spec, instance = subject.app.spec, process.tag.instance
    port = probed_port(spec, instance)
    holder = holder_of(port, subject.processes, but=[process.id.pid]) if port is not None else None
    return UnreadyInstance(
        spec,
        instance,
        process.answer or process.unready_reason,
        boot_now() - process.started_at,
        listeners.ports_of(pids_of(process)),
        *(holder or ()),
    )


def _probes_others(spec: ProgramSpec) -> bool:
    """Whether its probe may be meant for another program: an app it needs, or its container."""
    return bool(spec.depends_on) or os.path.basename(spec.command[0]) in _CONTAINERS


def _rounded(seconds: float | None) -> float | None:
    return round(seconds, 3) if seconds is not None else None
