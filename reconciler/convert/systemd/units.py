"""All apps and Jobs as units: one service an instance, a target where there are several, sockets
and timers.

An app that runs once is ``NAME.service``. Several instances are a template ``NAME@.service``, what
differs between them in a drop-in each, and ``NAME.target`` that wants them all. A Job is a oneshot
``NAME.service``, and ``NAME.timer`` where it has a schedule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from reconciler.convert.fields import Fate, Note, set_fields
from reconciler.convert.systemd import job, lifecycle, program, table
from reconciler.convert.systemd.dependencies import dependencies
from reconciler.convert.systemd.draft import Draft, Lines, Target
from reconciler.convert.systemd.sockets import sockets
from reconciler.convert.systemd.timers import timers
from reconciler.convert.systemd.unitfile import Section, Unwritable, render, text
from reconciler.model.state.desired import DesiredApp, DesiredJob, Workload

MARK = "Written by `recon export systemd`"
EVERYWHERE = (
    "An update is `systemctl restart`: it stops, then starts. An edit takes effect after "
    "`systemctl daemon-reload` and a restart. Drift is not shown, and there is no undo.",
    "The output is in the journal: journalctl -u NAME.",
    "Variables in a unit can be read by every user of the host.",
    "What a main process leaves behind gets SIGKILL when it has ended, not its stop signal first.",
    "A crash loop of an app is retried without end; growing waits need systemd 254 or newer.",
)
"""What holds for every app, and for none of its fields."""


_SYSTEMDS = (
    "basic boot-complete default emergency exit final getty graphical halt hibernate initrd kexec "
    "local-fs machines multi-user network network-online nss-lookup paths poweroff reboot "
    "remote-fs rescue shutdown sleep slices sockets suspend swap sysinit time-sync timers umount"
)
"""Names of units that must not be replaced (systemd.special(7))."""


class Exported(NamedTuple):
    """``units`` by file name (a drop-in's has a folder); ``enable``: what is to run at boot."""

    units: Mapping[str, str]
    notes: tuple[Note, ...]
    enable: tuple[str, ...]


def export(apps: Iterable[Workload], target: Target) -> Exported:
    """The units of all these apps, and what they cannot say. Unwritable where a name is taken."""
    drafts = [_draft(app, target) for app in apps]
    for draft in drafts:
        if draft.base in _SYSTEMDS.split():
            message = (
                f"{draft.entry} is a unit of systemd itself; give the units other"
                " names with --prefix"
            )
            raise Unwritable(message)
    awaited = {
        dependency["app"]
        for draft in drafts
        for dependency in draft.peek("dependsOn") or ()
        if dependency.get("condition") == "Completed"
    }
    by_name = {draft.name: draft for draft in drafts}
    units: dict[str, str] = {}
    enable: list[str] = []
    for draft in drafts:
        units.update(_units(draft, by_name, awaited))
        if not draft.take("suspend") and draft.instances:
            enable += draft.enabled
        table.lost(draft)
    notes = tuple(note for draft in drafts for note in draft.notes)
    return Exported(units, notes, tuple(enable))


def _draft(app: Workload, target: Target) -> Draft:
    public, _, _ = app.hash.partition(".")
    return Draft(
        *(app.name, set_fields(app), target),
        is_job=isinstance(app, DesiredJob),
        revision=public,
        by_cores=app.by_cores if isinstance(app, DesiredApp) else "",
    )


def _units(draft: Draft, apps: Mapping[str, Draft], awaited: Collection[str]) -> dict[str, str]:
    comment = f"{MARK}: {draft.name}"
    draft.take("instances")
    if draft.by_cores:
        note = (
            f"is {draft.instances}, from the cores of this host; the units do not change with them"
        )
        draft.note(Fate.DIFFERS, note, "instances")
    draft.unit.append(("Description", f"{draft.name} %i" if draft.is_template else draft.name))
    if draft.is_template:
        draft.unit.append(("PartOf", draft.entry))
    dependencies(draft, apps)
    completes = draft.is_job or draft.name in awaited
    if draft.is_job:
        job.job(draft)
    else:
        draft.unit.append(("StartLimitIntervalSec", "0"))
        lifecycle.start(draft, completes=completes)
        lifecycle.restart(draft)
    program.account(draft)
    program.environment(draft)
    program.program(draft)
    lifecycle.success(draft)
    lifecycle.stop(draft, oneshot=completes)
    table.one_to_one(draft)
    table.output(draft)
    table.build(draft)
    draft.service.append(("OOMPolicy", "continue"))
    sockets(draft, comment)
    timers(draft, comment)
    return {**_services(draft, comment), **draft.files}


def _services(draft: Draft, comment: str) -> dict[str, str]:
    sections = [Section("Unit", draft.unit), Section("Service", draft.service)]
    install = Section("Install", [("WantedBy", draft.target.boot)])
    if not draft.is_template:
        sections += [install] if not draft.by_clock else []
        return {draft.entry: render(sections, comment)}
    files = {f"{draft.base}@.service": render(sections, comment)}
    for number, lines in draft.per_instance.items():
        drop_in = f"{draft.member(number)}.d/instance.conf"
        files[drop_in] = render([Section("Service", lines)], comment)
    members: Lines = [("Wants", draft.member(number)) for number in range(draft.instances)]
    unit = [("Description", text(f"{draft.name}, all instances")), *members]
    files[draft.entry] = render([Section("Unit", unit), install], comment)
    return files
