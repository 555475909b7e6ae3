"""Which limits can be put in force on a host: rules of ``enforceable``.

What a limit needs is defined in ``system.limits`` and, where its value makes the difference, by a
rule here. The child of a recon that is root may run as another user. To limit another user's
process takes a capability, which root often does not have in a container.
"""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.model.host.facts import UNLIMITED, HostFacts
from reconciler.model.spec.limits import CONTROLLERS, format_cpus, in_cgroup, parse_cpus, wanted
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.words.sentence import Sentence
from reconciler.system.limits import OF_PROCESSES, ResourceLimit

_ROOT = (None, "root", "0")
_NO_PIDS = Sentence("there is no pids controller")


def refusals(spec: ProgramSpec, facts: HostFacts) -> Iterator[tuple[str, Sentence]]:
    """(path below ``spec``, why) of each limit that is unavailable."""
    for field in wanted(spec.limits):
        reason = next(_reasons(field, spec, facts), None)
        if reason:
            yield f"limits.{field}", reason


def _reasons(field: str, spec: ProgramSpec, facts: HostFacts) -> Iterator[Sentence]:
    if field in CONTROLLERS:
        controller = CONTROLLERS[field]
        if in_cgroup(field, facts.cgroups.controllers):
            return
        if field == "processes":
            yield from _user_processes(spec, facts)
        else:
            why = facts.cgroups.why or facts.cgroups.missing.get(controller)
            message, remedy = why or Sentence(f"no {controller} controller of cgroup v2")
            yield Sentence(f"cannot be enforced here: {message}", remedy)
    limit = OF_PROCESSES.get(field)
    capability = limit.foreign if limit is not None else ""
    if facts.is_root and spec.user not in _ROOT and capability and not facts.may(capability):
        yield Sentence(
            f"of another user's process needs CAP_{capability}, which recon does not have "
            "although it runs as root",
            f"give it that (a container: --cap-add {capability}), or remove `user`",
        )
    match field:
        case "openFiles":
            yield from _files(spec, facts)
        case "nice":
            yield from _nice(spec, facts)
        case "oomScoreAdjust":
            yield from _oom(spec, facts)
        case "ioPriority":
            yield from _io(spec, facts)
        case "cpuAffinity":
            yield from _cpus(spec, facts)
    if isinstance(limit, ResourceLimit) and limit.setting:
        yield from _resource(field, limit, spec, facts)


def _resource(
    field: str, limit: ResourceLimit, spec: ProgramSpec, facts: HostFacts
) -> Iterator[Sentence]:
    value, hard = wanted(spec.limits)[field], _hard(field, facts)
    size = float("inf") if value == "unlimited" else int(value)
    if size > hard and not facts.may("SYS_RESOURCE"):
        yield Sentence(
            f"is above recon's own hard limit, {hard}{limit.unit}",
            f"raise that ({limit.setting}= of its unit, ulimit {limit.flag} before its start), or "
            "give recon CAP_SYS_RESOURCE",
        )


def _user_processes(spec: ProgramSpec, facts: HostFacts) -> Iterator[Sentence]:
    """Without the pids controller: RLIMIT_NPROC of getrlimit(2), which counts per user."""
    why = facts.cgroups.why or facts.cgroups.missing.get("pids") or _NO_PIDS
    if facts.is_root and spec.user in _ROOT:
        what, instead = "enforced on root", "set `user`, whose processes can be counted"
    elif isinstance(spec, AppSpec) and spec.instances > 1:
        what, instead = "told by instance", "write instances: 1"
    else:
        return
    remedy = "; ".join(filter(None, (why.remedy, f"or {instead}")))
    yield Sentence(f"cannot be {what}: {why.message}", remedy)


def _files(spec: ProgramSpec, facts: HostFacts) -> Iterator[Sentence]:
    if (spec.limits.open_files or 0) > facts.most_files:
        message = f"is above what the kernel allows ({facts.most_files})"
        yield Sentence(message, "raise sysctl fs.nr_open")


def _nice(spec: ProgramSpec, facts: HostFacts) -> Iterator[Sentence]:
    value = spec.limits.nice or 0
    if value < facts.nice_floor:
        yield Sentence(
            f"lower than {facts.nice_floor} needs CAP_SYS_NICE, or a higher RLIMIT_NICE of recon "
            f"(LimitNICE={value} of its unit)"
        )


def _oom(spec: ProgramSpec, facts: HostFacts) -> Iterator[Sentence]:
    """proc_pid_oom_score_adj(5): to lower it below what it was set to takes CAP_SYS_RESOURCE."""
    value = spec.limits.oom_score_adjust or 0
    if value < facts.oom_score_adjust and not facts.may("SYS_RESOURCE"):
        yield Sentence(
            f"lower than recon's own, {facts.oom_score_adjust}, needs CAP_SYS_RESOURCE",
            f"give recon that, or set it at recon's start (OOMScoreAdjust={value} of its unit)",
        )


def _io(spec: ProgramSpec, facts: HostFacts) -> Iterator[Sentence]:
    """ioprio_set(2)."""
    if not (spec.limits.io_priority or "").startswith("realtime"):
        return
    if not (facts.may("SYS_NICE") or facts.may("SYS_ADMIN")):
        yield Sentence("realtime needs CAP_SYS_NICE", "give recon that, or write best-effort:0")


def _cpus(spec: ProgramSpec, facts: HostFacts) -> Iterator[Sentence]:
    missing = parse_cpus(spec.limits.cpu_affinity or "0") - facts.cpus
    if missing:
        message = f"processor {format_cpus(missing)} does not exist here, or recon may not use it"
        yield Sentence(message, f"there are {format_cpus(facts.cpus)}")


def _hard(field: str, facts: HostFacts) -> float:
    limit = facts.rlimits.get(field)
    return float("inf") if limit is None or limit.hard == UNLIMITED else limit.hard
