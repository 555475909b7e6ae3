"""What an apply would do to a server of Nomad, as the changes of this host's plan. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.diff.prune import Absence
from reconciler.model.state.desired import Desired, DesiredJob, Problem, Workload
from reconciler.model.state.plan import Change, Changes, FieldChange
from reconciler.model.words.fields import Effect
from reconciler.model.words.mask import MASK
from reconciler.model.words.printable import plain
from reconciler.targets import plan as shared
from reconciler.targets.nomad.fields import changes as fields_of
from reconciler.targets.nomad.fields import replacing
from reconciler.targets.nomad.handed import unfit
from reconciler.targets.nomad.reasons import no_place
from reconciler.targets.nomad.sight import Proposal, Secret, Sight


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
        [*problems, *(one for app in apps if (one := refusal(app, sight)) is not None)],
    )


def refusal(app: Workload, sight: Sight) -> Problem | None:
    """What the server says against the job of an app, or what cannot be handed over."""
    one = sight.proposals[app.name]
    if (problem := unfit(app)) is not None:
        return problem
    if not one.refusal:
        return None
    remedy = "correct the manifest, or ask who runs the server"
    return shared.refused(app, f"Nomad refuses the job: {one.refusal}", remedy)


def known_apps(desired: Desired, sight: Sight) -> dict[str, str | None]:
    """The apps that recon made there, each with the file that declares it."""
    return {
        name: desired.apps[name].source.file if name in desired.apps else None
        for name in sight.lives
        if name not in sight.proposals or not sight.proposals[name].is_foreign
    }


def _declared(app: Workload, sight: Sight, *, force: bool) -> Change:
    one = sight.proposals[app.name]
    blank = shared.no_change(app)
    if refusal(app, sight) is not None:
        return blank
    if one.is_foreign and not force:
        text = (
            f"the job {app.name} is there and was not made from this directory; "
            "`recon apply --force-conflicts` takes it over"
        )
        return replace(blank, notes=(text,), held=True)
    updates = [*one.answer.updates.values()]
    is_periodic = "Periodic" in one.handed.job
    if one.live is None or one.live.stop:
        start = 0 if is_periodic else sum(update.place for update in updates)
        number = 1 if one.live is None else one.live.version + 2
        notes = (*_begins(app), *_notes(one))
        return replace(blank, action="create", revision_to=number, start=start, notes=notes)
    fields = _fields(one)
    if not fields:
        count = sum(update.ignore + update.in_place_update for update in updates)
        return replace(blank, unchanged=0 if is_periodic else count)
    return _update(replace(blank, fields=(*fields,), notes=(*_notes(one),)), one)


def _update(blank: Change, one: Proposal) -> Change:
    """The change with its numbers, which the scheduler of the server calculated."""
    assert one.live is not None
    updates = {} if "Periodic" in one.handed.job else one.answer.updates
    groups = replacing(one.answer)
    number = one.live.version + 1
    is_new = any(field for field in blank.fields if field.path not in _secret_paths(one))
    replaced = kept = 0
    for name, update in updates.items():
        replaced += update.destructive_update + (update.ignore if name in groups else 0)
        kept += update.in_place_update + (0 if name in groups else update.ignore)
    if not replaced and one.secrets:  # the template restarts the task where it is
        replaced, kept = kept, 0
    return replace(
        blank,
        action="update",
        revision_from=number,
        revision_to=number + 1 if is_new else number,
        start=sum(update.place for update in updates.values()),
        replace=replaced,
        stop=sum(update.stop for update in updates.values()),
        unchanged=kept,
    )


def _removed(app: str, sight: Sight, absence: Absence) -> Change:
    live = sight.lives[app]
    running = sum(one.is_alive for one in live.allocations)
    kind: shared.Kind = "App" if live.job.type == "service" else "Job"
    revision = live.job.version + 1
    return shared.removal(app, absence, kind=kind, running=running, revision=revision)


def _fields(one: Proposal) -> list[FieldChange]:
    return [*fields_of(one.answer), *map(_secret, one.secrets)]


def _secret(one: Secret) -> FieldChange:
    after = f"{MASK} (changed)" if one.is_there else MASK
    return FieldChange(
        f"env.{one.name}",
        MASK if one.is_there else None,
        after if one.is_wanted else None,
        Effect.REPLACES,
    )


def _secret_paths(one: Proposal) -> set[str]:
    return {f"env.{secret.name}" for secret in one.secrets}


def _begins(app: Workload) -> Iterator[str]:
    """When a Job runs that is new there."""
    if not isinstance(app, DesiredJob) or app.spec.suspend:
        return
    if app.spec.schedule is None:
        yield f"runs once: {plain(shlex.join(app.spec.command))}"
    else:
        yield f"runs by its schedule ({app.spec.schedule})"


def _notes(one: Proposal) -> Iterator[str]:
    if why := no_place(one.answer.failed_tg_allocs):
        yield why
    if one.answer.warnings:
        yield f"Nomad warns: {' '.join(plain(one.answer.warnings).split())}"
