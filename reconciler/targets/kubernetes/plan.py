"""What an apply would do to a cluster, as the changes that this host's plan has, too. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.diff.prune import Absence
from reconciler.model.state.desired import Desired, Problem, Workload
from reconciler.model.state.plan import Change, Changes, FieldChange
from reconciler.model.words.fields import Effect
from reconciler.targets import plan as shared
from reconciler.targets.kubernetes.client import Object
from reconciler.targets.kubernetes.fields import differences
from reconciler.targets.kubernetes.sight import (
    WORKLOADS,
    Proposal,
    Sight,
    app_of,
    name,
    revision,
)


def changes(
    apps: Iterable[Workload],
    sight: Sight,
    absent: Mapping[str, Absence],
    problems: Iterable[Problem],
    *,
    force: bool,
) -> Changes:
    """Of these apps, and of those that no manifest declares any more (``absent``)."""
    apps = [*apps]
    return shared.changes(
        {app.name: (app, _declared(app, sight, force=force)) for app in apps},
        (_removed(name, sight, one) for name, one in absent.items()),
        [*problems, *(one for app in apps for one in _refusals(app, sight))],
    )


def _refusals(app: Workload, sight: Sight) -> Iterator[Problem]:
    """What the server says against the objects of an app."""
    remedy = "correct the manifest, or ask who runs the cluster"
    for one in _of(app.name, sight):
        if one.answer.refusal:
            text = f"the cluster refuses the {one.kind} {one.name}: {one.answer.refusal}"
            yield shared.refused(app, text, remedy)


def _declared(app: Workload, sight: Sight, *, force: bool) -> Change:
    of_app = _of(app.name, sight)
    main = next((one for one in of_app if one.kind in WORKLOADS), None)
    fields = [each for one in of_app for each in _fields(one)]
    stale = [one for one in sight.stale() if app_of(one) == app.name]
    notes = [f"the {one['kind']} {name(one)} is removed" for one in stale]
    notes += [f"the {one.kind} {one.name} is made" for one in of_app if _is_missing(one, main)]
    barriers = [*_barriers(of_app)] if not force else []
    blank = shared.no_change(app)
    if main is None or any(one.answer.refusal for one in of_app):
        return blank
    if barriers:
        return replace(blank, fields=tuple(fields), notes=tuple(barriers), held=True)
    if main.live is None:
        new = replace(blank, action="create", revision_to=1)
        return replace(new, start=_wanted(main), notes=_made(main))
    if not fields and not notes:
        return replace(blank, unchanged=_running(main.live))
    return _update(replace(blank, fields=tuple(fields), notes=tuple(notes)), main)


def _update(blank: Change, main: Proposal) -> Change:
    """The change with its numbers: as the Deployment's controller would make it."""
    assert main.live is not None
    before, after = _running(main.live), _wanted(main)
    replaces = any(field.effect is Effect.REPLACES for field in blank.fields)
    number = revision(main.live) or None
    return replace(
        blank,
        action="update",
        revision_from=number,
        revision_to=number + 1 if number and replaces else number,
        start=max(0, after - before),
        replace=min(before, after) if replaces else 0,
        stop=max(0, before - after),
        unchanged=0 if replaces else min(before, after),
    )


def _removed(app: str, sight: Sight, absence: Absence) -> Change:
    found = [one for one in sight.made if app_of(one) == app]
    running = sum(_running(one) for one in found)
    kind: shared.Kind = "App" if any(one["kind"] == "Deployment" for one in found) else "Job"
    return shared.removal(app, absence, kind=kind, running=running)


def _of(app: str, sight: Sight) -> list[Proposal]:
    return [one for one in sight.proposals if one.app == app]


def _fields(one: Proposal) -> list[FieldChange]:
    if one.live is None or one.answer.made is None:
        return []
    return differences(one.kind, one.live, one.answer.made)


def _barriers(of_app: Iterable[Proposal]) -> Iterable[str]:
    for one in of_app:
        if one.is_foreign:
            yield (
                f"the {one.kind} {one.name} is there and was not made from this directory; "
                "`recon apply --force-conflicts` takes it over"
            )
        for conflict in one.answer.conflicts:
            yield (
                f"{conflict.field} of the {one.kind} {one.name} belongs to {conflict.manager}; "
                "`recon apply --force-conflicts` takes it over"
            )


def _made(main: Proposal) -> tuple[str, ...]:
    """What is to be said of one that is new: a Job has no count of instances."""
    if main.kind == "Deployment":
        return ()
    spec = main.wanted["spec"]
    if spec.get("suspend"):
        return ("a job that is suspended",)
    return (f"runs by its schedule: {spec['schedule']}",) if "schedule" in spec else ("1 run",)


def _is_missing(one: Proposal, main: Proposal | None) -> bool:
    """An object that is to be made beside one that is there."""
    return one.live is None and main is not None and main.live is not None and one is not main


def _wanted(main: Proposal) -> int:
    return _instances(main.answer.made or main.wanted)


def _running(one: Object) -> int:
    return _instances(one) if one["kind"] in WORKLOADS else 0


def _instances(one: Object) -> int:
    """How many Pods it is for. A CronJob has none of its own."""
    spec = one["spec"]
    if one["kind"] == "CronJob" or spec.get("suspend"):
        return 0
    key = "replicas" if one["kind"] == "Deployment" else "parallelism"
    return int(spec.get(key, 1))


def known_apps(desired: Desired, sight: Sight) -> dict[str, str | None]:
    """The apps that recon made there, each with the file that declares it."""
    found = {app_of(one) for one in sight.made} - {""}
    return {app: desired.apps[app].source.file if app in desired.apps else None for app in found}
