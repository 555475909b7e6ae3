"""What `POST /v1/job/ID/plan` says that would change, as fields of the manifest where they have
one of the same meaning. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.model.state.plan import FieldChange
from reconciler.model.words.fields import Effect
from reconciler.model.words.mask import MASK
from reconciler.targets.nomad.answers import FieldDiff, GroupDiff, JobPlan, ObjectDiff

_NONE = "None"
"""Type of a part that does not differ (Nomad: DiffTypeNone)."""
_WORDS = (
    (r"Count", "instances"),
    (r"User", "user"),
    (r"KillSignal", "stop.signal"),
    (r"KillTimeout", "terminationGracePeriodSeconds"),
    (r"Env\[(.*)\]", r"env.\1"),
    (r"Config\.args\[(\d+)\]", r"command[\1]"),
    (r"Resources\.MemoryMB", "limits.memory"),
    (r"Resources\.CPU", "limits.cpu"),
    (r"Meta\[(.*)\]", r"labels.\1"),
    (r"Periodic\.Spec", "schedule"),
    (r"Periodic\.TimeZone", "timeZone"),
    (r"Update\.(ProgressDeadline)", "progressDeadlineSeconds"),
)
_NANOSECONDS = {
    "Delay",
    "Grace",
    "HealthyDeadline",
    "Interval",
    "KillTimeout",
    "MaxDelay",
    "MinHealthyTime",
    "ProgressDeadline",
    "ShutdownDelay",
    "Timeout",
}
_REPLACES = {"forces create/destroy update"}
"""The annotation of a task that says so (Nomad: AnnotationForcesDestructiveUpdate)."""
_BEFORE_COMMAND = 3
"""Arguments of the shell that starts the program (``convert.nomad.task``)."""
_IN_PLACE = re.compile(
    r"(Affinity|Constraint|Count|Datacenters|KillSignal|KillTimeout|Migrate|Periodic|Priority"
    r"|ReschedulePolicy|RestartPolicy|Service|Spread|Update)\b"
)
"""What a new version of a job changes without another process (Nomad: tasksUpdated)."""


def replacing(answer: JobPlan) -> set[str]:
    """The groups of which every instance is replaced, now or by and by: while instances are added,
    the scheduler counts no other as updated yet."""
    found = {name for name, one in answer.updates.items() if one.destructive_update or one.canary}
    groups = answer.diff.task_groups if answer.diff is not None else []
    for group in groups:
        if any(_REPLACES.intersection(task.annotations) for task in group.tasks):
            found.add(group.name)
    return found


def changes(answer: JobPlan) -> list[FieldChange]:
    """The fields, each with what its change does."""
    diff, groups = answer.diff, replacing(answer)
    if diff is None:
        return []
    found = [_change(path, one, replaces=bool(groups)) for path, one in _walk("", diff)]
    for group in diff.task_groups:
        replaces = group.name in groups
        found += [_change(path, one, replaces=replaces) for path, one in _of_group(group)]
    return found


def _of_group(group: GroupDiff) -> Iterator[tuple[str, FieldDiff]]:
    """Without the name of the group, or of its task: there is one of each."""
    yield from _walk("", group)
    for task in group.tasks:
        yield from _walk("", task)


def _walk(before: str, one: ObjectDiff) -> Iterator[tuple[str, FieldDiff]]:
    for found in one.fields_:
        if found.type != _NONE:
            yield f"{before}{found.name}", found
    for below in one.objects:
        if below.type != _NONE:
            yield from _walk(f"{before}{below.name}.", below)


def _change(path: str, one: FieldDiff, *, replaces: bool) -> FieldChange:
    sides = [_value(path, one, text) for text in (one.old, one.new)]
    before = None if one.type == "Added" else sides[0]
    after = None if one.type == "Deleted" else sides[1]
    is_replaced = replaces and not _IN_PLACE.match(path)
    effect = Effect.REPLACES if is_replaced else Effect.IN_PLACE
    return FieldChange(manifests_path(path), before, after, effect)


def _value(path: str, one: FieldDiff, text: str) -> str:
    if path.endswith("EmbeddedTmpl"):
        return MASK  # another client may have written a secret there
    if path.rpartition(".")[2] in _NANOSECONDS and text.isdecimal():
        return f"{int(text) / 1e9:g} s"
    return f"{text} MiB" if text and one.name in ("MemoryMB", "MemoryMaxMB", "SizeMB") else text


def manifests_path(path: str) -> str:
    """The field of the manifest; Nomad's own path where there is none of the same meaning."""
    for pattern, word in _WORDS:
        if found := re.fullmatch(pattern, path):
            shown = found.expand(word)
            return _argument(int(found[1])) if word.startswith("command[") else shown
    return path


def _argument(number: int) -> str:
    """The first arguments are a line of shell, and the directory that it enters."""
    if number < _BEFORE_COMMAND:
        return ("Config.args[0]", "Config.args[1]", "cwd")[number]
    return f"command[{number - _BEFORE_COMMAND}]"
