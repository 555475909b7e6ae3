"""The state of things as seen from here: manifests, /proc and the journal, without a controller.

Guarantee: the same answers as the controller's. It is the same ``plan`` on the same inputs: the
manifests are scanned as it scans them (a removed one twice), processes are known by the same
witnesses, readiness probes are asked once. Nothing is written, nothing is signalled.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler import __version__
from reconciler.api.documents.describe import describe_document
from reconciler.api.documents.event import ENDS, last_crash
from reconciler.api.documents.status import Usage, status_document
from reconciler.api.documents.usage import Known, history_documents, usage_document
from reconciler.api.errors import ClientError
from reconciler.checks.enforceable import unenforceable
from reconciler.checks.redact import Redactor
from reconciler.checks.rises import verdicts_on_rises
from reconciler.cli.framework.controller import client_of, unknown_app
from reconciler.cli.framework.errors import CliError
from reconciler.cli.framework.options import Confirmed, Where
from reconciler.desired.directory.footing import Footing
from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.manifest.builder import with_builder
from reconciler.desired.watched.content import as_found
from reconciler.diff import admission
from reconciler.diff.core.history import followed
from reconciler.diff.plan import changes, plan
from reconciler.diff.prune import CLEAN_SCANS, Absence, absences
from reconciler.diff.status.review import last_spec
from reconciler.model.host.facts import HostFacts, from_document
from reconciler.model.host.load import Verdicts
from reconciler.model.spec.limits import wanted as declared_limits
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.builder import builder_name, built_by
from reconciler.model.state.desired import Desired, Workload
from reconciler.model.state.memory import AppMemory, JournalHealth, JournalState, Recall
from reconciler.model.state.observed import Observed, Process, RunState
from reconciler.model.state.plan import Changes, Plan
from reconciler.model.state.trend import Trend
from reconciler.model.state.usage import UsageHistory
from reconciler.model.words.sentence import Sentence
from reconciler.observed.host.facts import gather
from reconciler.observed.host.limits import read
from reconciler.observed.host.samples import Sample, sample
from reconciler.observed.probes import listeners
from reconciler.observed.processes.credibility import uid_of, users_of
from reconciler.observed.processes.snapshot import snapshot
from reconciler.state import root
from reconciler.state.event_filter import EventFilter
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.journal.journal import Journal
from reconciler.state.last_good import last_good
from reconciler.state.own_files import own_files_in
from reconciler.state.paths import secret_key, store_id
from reconciler.system.clock import boot_id, boot_now, wall_of, wall_time
from reconciler.system.work.look import patiently

NOT_RUNNING: Mapping[str, Any] = {"running": False, "pid": None, "version": __version__}


@dataclass(frozen=True, slots=True)
class View:
    """Everything that a plan is made of, at one moment."""

    desired: Desired
    observed: Observed
    memory: Mapping[str, AppMemory]
    absences: Mapping[str, Absence]
    now: float
    """Boot seconds."""
    loads: Verdicts = field(default_factory=dict)
    journal: JournalState = field(default_factory=JournalState)

    def plan(self) -> Plan:
        return plan(*self._known, loads=self.loads, wall=wall_time(), journal=self.journal)

    def changes(self) -> Changes:
        """Of the plan what changes."""
        return changes(*self._known, loads=self.loads, wall=wall_time(), journal=self.journal)

    @property
    def _known(
        self,
    ) -> tuple[Desired, Observed, Mapping[str, AppMemory], float, Mapping[str, Absence]]:
        return self.desired, self.observed, self.memory, self.now, self.absences


def store_of(
    place: Where, key: bytes | None = None, facts: HostFacts | None = None, *, host: bool = True
) -> ManifestStore:
    """The manifests. `fromEnv` is not read: this shell's environment is not the controller's.

    ``host`` False: this is not the host that they are for, and is not looked at.
    """
    known = facts or facts_of(place)
    return ManifestStore(
        place.manifests,
        profile=place.profile,
        key=key or secret_key(place.paths),
        environ_is_controllers=False,
        anchor=None if host else place.manifests,
        refusals=lambda spec: unenforceable(spec, known),
        state=place.paths.root,
        cores=known.cores,
        is_helped=True,
    )


def scan(place: Where, *, host: bool = True) -> Desired:
    """What the manifests say now; ``host`` as of ``store_of``. What does not answer is left out."""
    store = store_of(place, host=host)
    return patiently(lambda: store.draft().scan())


def facts_of(place: Where) -> HostFacts:
    """What the controller may do here; without one, what a new controller could do."""
    try:
        return from_document(client_of(place).host())
    except (ClientError, ValueError, KeyError):
        return gather()


def look(place: Where, confirmed: Confirmed | None = None) -> View:
    """Look at the manifests and at the host, once. ``asked``: as `recon apply` would."""
    facts = facts_of(place)
    store = store_of(place, facts=facts)
    boot = boot_id()
    journal = Journal.open_readonly(place.paths.database, boot)
    store.footing = Footing.from_text(journal.setting("footing") if journal else None)
    store.filled.learn(journal.setting("filled") if journal else None)
    memory = journal.memories() if journal else {}
    sources = journal.sources() if journal else {}
    recorded = journal.processes() if journal else {}

    def read() -> tuple[ManifestStore, Desired, dict[str, Workload]]:
        draft = store.draft()
        found = draft.scan()
        kept = last_good(found, memory, sources, secret_key(place.paths), draft.filled)
        return draft, found, _with_contents({**found.apps, **kept}, memory, place)

    store, desired, apps = patiently(read)
    observed = snapshot(
        store_id(place.paths),
        place.paths.root,
        lambda id: recorded[id][0] if id in recorded else None,
        lambda name: _uid_of(name, desired, memory),
        facts.cgroups.path,
        users=users_of(_specs(desired, memory)),
        recorded={tag.nonce: tag for tag, _ in recorded.values()}.get,
        main_of={tag.nonce: id for id, (tag, _) in recorded.items()}.get,
    )
    stops = {id: at for id, (_, at) in recorded.items() if at is not None}
    problems = {app.problem for app in apps.values() if app.problem is not None}
    desired = replace(desired, apps=apps, problems=tuple(sorted({*desired.problems, *problems})))
    names = {*memory, *(process.tag.app for process in observed.processes)}
    names = {name for name in names if built_by(name) is None}
    missing = names - desired.apps.keys()
    if missing and desired.complete:  # a deletion is one that is seen twice
        again = patiently(lambda: store.draft().scan())
        missing = missing - again.apps.keys() if again.complete else set()
    state = journal_of(place, journal)
    verdicts = absences(
        desired,
        {name: sources.get(name) for name in names},
        dict.fromkeys(missing, CLEAN_SCANS),
        confirmed=confirmed is not None and confirmed.prune,
        root_changed=journal is not None and _is_another(desired, root.accepted(journal)),
        unread=state.unremembered is Recall.UNREAD,
    )
    observed = replace(observed, conflicts=_conflicts(desired, observed))
    processes = _with_stops(observed.processes, stops)
    processes = [*_with_readiness(place, processes, desired, memory)]
    processes = [_with_limits(one, desired, memory, facts) for one in processes]
    blank = AppMemory(recall=state.unremembered)
    known = _confirmed(desired, processes, memory, blank, confirmed) if confirmed else memory
    loads = verdicts_on_rises(desired.apps, known, processes, facts, blank)
    observed = replace(observed, processes=tuple(processes))
    return View(desired, observed, known, verdicts, boot_now(), loads, state)


def _confirmed(
    desired: Desired,
    processes: Sequence[Process],
    memory: Mapping[str, AppMemory],
    blank: AppMemory,
    confirmed: Confirmed,
) -> Mapping[str, AppMemory]:
    """The memory once `recon apply` has asked for rises that wait, or has confirmed them."""
    memory = {name: admission.reconsidered(known) for name, known in memory.items()}
    if not confirmed.load:
        return memory
    rising = admission.rising(desired.apps, memory, processes, blank)
    meant = {name: admission.confirm(app, memory.get(name, blank)) for name, app in rising.items()}
    return memory | meant


def rises_that_wait(place: Where, desired: Desired) -> dict[str, str]:
    """By app: why `recon apply` would not start all its instances here, a sentence."""
    journal = Journal.open_readonly(place.paths.database, boot_id())
    state = journal.state if journal is not None else JournalState()
    blank, processes = AppMemory(recall=state.unremembered), _processes(place)
    memory = journal.memories() if journal is not None else {}
    memory = {name: admission.reconsidered(known) for name, known in memory.items()}
    loads = verdicts_on_rises(desired.apps, memory, processes, facts_of(place), blank)
    return {
        name: admission.sentence(desired.apps[name], held)
        for name, held in loads.items()
        if held is not None
    }


def journal_of(place: Where, journal: Journal | None) -> JournalState:
    """The health of the journal, as the controller sees it if one runs and has it open."""
    seen = journal.state if journal is not None else JournalState()
    try:
        about = client_of(place).journal()
        health = JournalHealth(about["state"])
    except (ClientError, KeyError, TypeError, ValueError):
        return seen
    why = Sentence.of(str(about["message"]), str(about.get("remedy", "")))
    return replace(seen, health=health, message=why.message, remedy=why.remedy)


def _with_contents(
    apps: Mapping[str, Workload], memory: Mapping[str, AppMemory], place: Where
) -> dict[str, Workload]:
    """Those that watch files, with what is in these now; and the builders."""
    before, own = followed(memory), own_files_in(place.paths.root, apps.values())

    def found(app: Workload) -> Workload:
        return as_found(app, before.get(app.name, {}), own)

    return {one.name: one for app in apps.values() for one in with_builder(app, found)}


def status(place: Where, names: Iterable[str] = ()) -> dict[str, Any]:
    """The status document, when no controller runs."""
    view, chosen = look(place), set(names)
    made = view.plan()
    document = status_of_plan(made, view)
    return _explained(document, made, view, place, chosen) if chosen else document


def _explained(
    document: dict[str, Any], made: Plan, view: View, place: Where, names: Container[str]
) -> dict[str, Any]:
    """The document that also says why these apps are not well."""
    from reconciler.api.documents.causes import Subject, explained  # noqa: PLC0415  not for all

    redact = Redactor()
    for app in view.desired.apps.values():
        redact.learn(app)
    plans = {one.app: one for one in made.apps}
    for row in document["apps"]:
        name = row["name"]
        if name not in view.desired.apps or name not in names:
            continue
        app = view.desired.apps[name]
        builder = view.memory.get(builder_name(app.name), AppMemory())
        of_app = [one for one in view.observed.processes if one.tag.app == app.name]
        memory = plans[app.name].memory
        subject = Subject(app.name, app, memory, of_app, builder, place.paths.root, redact)
        row["lastCrash"] = last_crash(events(place, EventFilter((name,), ended=True), ENDS))
        row.update(explained(row, subject))
    return document


def describe(place: Where, name: str) -> dict[str, Any]:
    """The description of one app, when no controller runs. CliError where there is none."""
    view = look(place)
    made = view.plan()
    document = _explained(status_of_plan(made, view), made, view, place, {name})
    found = next((app for app in document["apps"] if app["name"] == name), None)
    if found is None:
        raise CliError(unknown_app(name, [app["name"] for app in document["apps"]]))
    recorded = events(place, EventFilter((name, builder_name(name))), limit=30)
    builds = view.memory.get(builder_name(name), AppMemory()).runs
    remembered = view.memory.get(name, AppMemory())
    of_app = [process for process in view.observed.processes if process.tag.app == name]
    used = history_documents(of_app, _kept(place), _limits(view.desired), wall_of(0.0))
    app = view.desired.apps.get(name)
    wrong = document["errors"]
    return describe_document(
        *(found, app, remembered, recorded), usage=used, builds=builds, problems=wrong
    )


def events(place: Where, wanted: EventFilter, limit: int) -> list[RecordedEvent]:
    """The newest events of the journal, oldest first; none where there is no journal."""
    journal = Journal.open_readonly(place.paths.database, boot_id())
    return journal.newest_events(wanted, limit) if journal else []


class UsageView:
    """What the instances use, look by look, when no controller runs."""

    def __init__(self, place: Where) -> None:
        self._place = place
        self._limits = _limits(scan(place))
        self._known = _kept(place)
        self._before: dict[str, Sample] = {}

    def look(self) -> dict[str, Any]:
        """The usage document; processor time since the look before."""
        processes = _processes(self._place)
        self._before = sample(processes, self._before)
        return usage_document(
            processes,
            self._before,
            known=self._known,
            limits=self._limits,
            controller=NOT_RUNNING,
            wall_of_boot=wall_of(0.0),
        )


def _processes(place: Where) -> tuple[Process, ...]:
    journal = Journal.open_readonly(place.paths.database, boot_id())
    recorded = journal.processes() if journal else {}
    found = snapshot(
        store_id(place.paths),
        place.paths.root,
        lambda id: recorded[id][0] if id in recorded else None,
        recorded={tag.nonce: tag for tag, _ in recorded.values()}.get,
        main_of={tag.nonce: id for id, (tag, _) in recorded.items()}.get,
    )
    return found.processes


def _limits(desired: Desired) -> dict[str, int]:
    """Bytes, by app."""
    limits = {name: app.spec.limits.memory for name, app in desired.apps.items()}
    return {name: limit for name, limit in limits.items() if limit is not None}


def _kept(place: Where) -> Known:
    """The histories as the last controller left them."""
    journal = Journal.open_readonly(place.paths.database, boot_id())

    def known(process: Process) -> tuple[UsageHistory, Trend]:
        kept = journal.usage(process.tag.nonce) if journal else None
        return kept if kept is not None else (UsageHistory(), Trend())

    return known


def status_of_plan(made: Plan, view: View) -> dict[str, Any]:
    used = {
        nonce: Usage(found.rss, found.cpu)
        for nonce, found in sample(view.observed.processes).items()
    }
    return status_document(made, NOT_RUNNING, used, view.now, time.time(), journal=view.journal)


def _uid_of(name: str, desired: Desired, memory: Mapping[str, AppMemory]) -> int | None:
    app = desired.apps.get(name)
    return uid_of(app.spec if app is not None else last_spec(memory.get(name, AppMemory())))


def _specs(desired: Desired, memory: Mapping[str, AppMemory]) -> Iterator[ProgramSpec]:
    """Of each app, as declared now, else as last applied."""
    yield from (app.spec for app in desired.apps.values())
    yield from (last_spec(found) for name, found in memory.items() if name not in desired.apps)


def _conflicts(desired: Desired, observed: Observed) -> dict[str, str]:
    """Declared addresses of an app that another process uses."""
    pids = [id.pid for process in observed.processes for id in (process.id, *process.stragglers)]
    found = {}
    for app in desired.apps.values():
        for one in app.spec.shared_sockets if app.spec.wanted else ():
            holder = listeners.stranger(one.address, (), pids)
            if holder is not None:
                found[app.name] = f"{one.address} is held by {holder}"
    return found


def _is_another(desired: Desired, accepted: tuple[int, int] | None) -> bool:
    """Whether the directory is not the one that the controller accepted last."""
    if accepted is None or desired.root_id is None:
        return False
    return accepted != desired.root_id


def _with_stops(processes: Iterable[Process], stops: Mapping[Any, float]) -> list[Process]:
    """Those that a controller had begun to stop are still on their way out."""
    return [
        replace(process, state=RunState.STOPPING, stopping_at=stops[process.id])
        if process.id in stops
        else process
        for process in processes
    ]


def _with_limits(
    process: Process, desired: Desired, memory: Mapping[str, AppMemory], facts: HostFacts
) -> Process:
    """The limits that its app declares, or did, as they are in force."""
    name = process.tag.app
    app = desired.apps.get(name)
    declared = declared_limits(app.spec.limits) if app is not None else {}
    fields = {*declared, *memory.get(name, AppMemory()).limited}
    return replace(process, limits=read(process, fields, facts.cgroups)) if fields else process


def _with_readiness(
    place: Where,
    processes: Iterable[Process],
    desired: Desired,
    memory: Mapping[str, AppMemory],
) -> tuple[Process, ...]:
    """Run each probe once, now. A ready instance counts as ready since its start."""
    processes = [*processes]
    probed = {
        process.tag.nonce: spec
        for process in processes
        if process.state is RunState.RUNNING
        and (spec := _spec_of(process.tag.app, desired, memory)).probes
    }
    found: Mapping[str, bool] = {}
    if probed:
        from reconciler.checks.ask_once import ask_all  # noqa: PLC0415  few commands run probes

        of = [process for process in processes if process.tag.nonce in probed]
        found = ask_all(place.paths.root, [(probed[one.tag.nonce], one) for one in of])
    ready = [found.get(process.tag.nonce, True) for process in processes]
    return tuple(
        replace(process, ready=is_ready, ready_at=process.started_at if is_ready else None)
        for process, is_ready in zip(processes, ready, strict=True)
    )


def _spec_of(name: str, desired: Desired, memory: Mapping[str, AppMemory]) -> ProgramSpec:
    """As it is declared, else as it was last applied."""
    app = desired.apps.get(name)
    return app.spec if app is not None else last_spec(memory.get(name, AppMemory()))
