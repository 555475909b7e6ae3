"""All apps as units: one service an instance, a target where there are several, sockets.

An app that runs once is ``NAME.service``. Several instances are a template ``NAME@.service``, what
differs between them in a drop-in each, and ``NAME.target`` that wants them all.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from reconciler.convert.systemd import lifecycle, program, table
from reconciler.convert.systemd.draft import Draft, Fate, Lines, Note, Target
from reconciler.convert.systemd.sockets import sockets
from reconciler.convert.unitfile import Section, Unwritable, render, text
from reconciler.model.desired import DesiredApp
from reconciler.model.fields import is_own
from reconciler.model.manifest import AppSpec

MARK = "Written by `recon export systemd`"
EVERYWHERE = (
    "An update is `systemctl restart`: it stops, then starts. What is edited takes effect after "
    "`systemctl daemon-reload` and a restart; nobody shows drift, and nothing is undone.",
    "Output is in the journal: journalctl -u NAME.",
    "Variables in a unit can be read by every user of the host.",
    "What a main process leaves behind gets SIGKILL when it has ended, not its stop signal first.",
    "A crash loop is retried for ever; that the waits grow needs systemd 254 or newer.",
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


def export(apps: Iterable[DesiredApp], target: Target) -> Exported:
    """The units of all these apps, and what they cannot say. Unwritable where a name is taken."""
    drafts = [Draft(app.name, said(app), target) for app in apps]
    for draft in drafts:
        if draft.base in _SYSTEMDS.split():
            told = f"{draft.entry} is systemd's own; give the units another name with --prefix"
            raise Unwritable(told)
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
            enable += [draft.entry, *(name for name in draft.files if name.endswith(".socket"))]
        table.lost(draft)
    notes = tuple(note for draft in drafts for note in draft.notes)
    return Exported(units, notes, tuple(enable))


def said(app: DesiredApp) -> dict[str, Any]:
    """What was set of an app, as plain data. References to secrets stay references."""
    recons = {name for name, field in AppSpec.model_fields.items() if is_own(field)}
    return app.spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=recons)


def _units(draft: Draft, apps: Mapping[str, Draft], awaited: Collection[str]) -> dict[str, str]:
    comment = f"{MARK}: {draft.name}"
    draft.take("instances")
    draft.unit.append(("Description", f"{draft.name} %i" if draft.is_template else draft.name))
    if draft.is_template:
        draft.unit.append(("PartOf", draft.entry))
    draft.unit.append(("StartLimitIntervalSec", "0"))
    _dependencies(draft, apps)
    lifecycle.start(draft, completes=draft.name in awaited)
    program.account(draft)
    program.environment(draft)
    program.program(draft)
    lifecycle.stop(draft)
    lifecycle.restart(draft)
    table.one_to_one(draft)
    table.output(draft)
    draft.service.append(("OOMPolicy", "continue"))
    sockets(draft, comment)
    return {**_services(draft, comment), **draft.files}


def _services(draft: Draft, comment: str) -> dict[str, str]:
    sections = [Section("Unit", draft.unit), Section("Service", draft.service)]
    install = Section("Install", [("WantedBy", draft.target.boot)])
    if not draft.is_template:
        return {draft.entry: render([*sections, install], comment)}
    files = {f"{draft.base}@.service": render(sections, comment)}
    for number, lines in draft.per_instance.items():
        drop_in = f"{draft.member(number)}.d/instance.conf"
        files[drop_in] = render([Section("Service", lines)], comment)
    members: Lines = [("Wants", draft.member(number)) for number in range(draft.instances)]
    unit = [("Description", text(f"{draft.name}, all instances")), *members]
    files[draft.entry] = render([Section("Unit", unit), install], comment)
    return files


def _dependencies(draft: Draft, apps: Mapping[str, Draft]) -> None:
    """Order and pull; never Requires= but for what has to have ended well.

    A dependency that stops would take what requires it along, which recon never does.
    """
    for dependency in draft.take("dependsOn", default=[]):
        name, condition = dependency["app"], dependency.get("condition", "Ready")
        other = apps.get(name)
        entry = other.entry if other is not None else f"{draft.target.prefix}{name}.service"
        if other is None:
            told = f"{name} is not among what is exported; {entry} is taken for it"
            draft.note(Fate.TODO, told, "dependsOn", name)
        pull = "Requires" if condition == "Completed" else "Wants"
        draft.unit += [("After", entry), (pull, entry)]
        if condition == "Ready" and other is not None and not _tells_ready(other):
            told = f"waits until {name} is started, which is before it is ready (see its probes)"
            draft.note(Fate.DIFFERS, told, "dependsOn", name)
        if condition == "Completed":
            told = f"where {name} fails this is not started, also when {name} is retried"
            draft.note(Fate.DIFFERS, told, "dependsOn", name)
        if dependency.get("restart"):
            told = f"nothing follows a restart of {name}; PartOf= would also follow its stop"
            draft.note(Fate.LOST, told, "dependsOn", name, "restart")
        for field in dependency.keys() - {"app", "condition", "restart"}:
            told = "this exporter does not know it; set it by hand"
            draft.note(Fate.LOST, told, "dependsOn", name, field)


def _tells_ready(draft: Draft) -> bool:
    return any(draft.peek(f"{role}Probe", "notify") for role in ("startup", "readiness"))
