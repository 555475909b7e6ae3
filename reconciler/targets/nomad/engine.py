"""A server of Nomad as an engine: look, apply, and what `recon` shows of it."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from queue import Empty, Queue
from threading import Thread
from typing import Any

from reconciler.model.state.desired import Desired, Workload
from reconciler.targets.engine import EngineError, Happening, Line, Past, View
from reconciler.targets.nomad import handed, plan, status
from reconciler.targets.nomad.address import InvalidAddress, settings
from reconciler.targets.nomad.answers import Allocation, Job
from reconciler.targets.nomad.client import Client, RefusedError
from reconciler.targets.nomad.history import pasts, version_of
from reconciler.targets.nomad.logs import STREAMS, Source, lines, shared
from reconciler.targets.nomad.reasons import faults
from reconciler.targets.nomad.server import Nomads
from reconciler.targets.nomad.sight import Proposal, Sight
from reconciler.targets.removals import removals
from reconciler.targets.requests import each

_KEPT = 10_000
"""Lines of output that wait for their reader."""
_LOOK = 2.0
"""Seconds between two looks for new instances while output is followed."""


class Nomad:
    """One namespace of one server."""

    def __init__(self, address: str, zone: str) -> None:
        """``zone``: the time zone of this host. EngineError for an address that is none."""
        try:
            found = settings(address or None, os.environ)
        except InvalidAddress as error:
            raise EngineError(str(error)) from None
        self._client = Client(found)
        self._nomads = Nomads(self._client)
        self._zone = zone
        self._sight = Sight()
        self.name = f"nomad:{found}"

    def look(
        self, desired: Desired, names: Collection[str] | None, *, prune: bool, force: bool = False
    ) -> View:
        """As of ``Engine``."""
        self._nomads.check()
        apps = [one for name, one in sorted(desired.apps.items()) if not names or name in names]
        part_of = desired.settings.part_of
        proposals = each(lambda app: self._proposal(app, part_of), apps)
        self._sight = self._around({one.app: one for one in proposals}, part_of, names)
        absent = (
            {}
            if names
            else removals(desired, plan.known_apps(desired, self._sight), confirmed=prune)
        )
        found = plan.changes(apps, self._sight, absent, desired.problems, force=force)
        notes = tuple(note for one in proposals for note in one.handed.notes)
        return View(found, status.statuses(found, self._sight), notes)

    def apply(self, desired: Desired, names: Collection[str] | None, view: View) -> None:
        """Hand over what the last look found: the secrets of an app, then its job; then remove."""
        actions = {one.app: one.change for one in view.changes.apps if not one.change.held}
        acting = [name for name, change in actions.items() if change.action in ("create", "update")]
        each(self._send, [self._sight.proposals[name] for name in acting])
        gone = [name for name, change in actions.items() if change.action == "delete"]
        each(self._remove, gone)

    def logs(self, app: str, *, lines: int | None, follow: bool) -> Iterator[Line]:
        """As of ``Engine``. Each stream is read by a thread of its own while it is followed."""
        if follow:
            yield from self._follow(app, lines)
            return
        sources = [*self._sources(app)]
        if not sources:
            text = f"{app} has no output on {self.name}: no instance of it has started"
            raise EngineError(f"{text}; `recon status` says why")
        yield from shared(each(lambda one: self._last(one, lines), sources), lines)

    def history(self, app: str) -> tuple[Past, ...]:
        """As of ``Engine``: the versions of its job."""
        self._job(app)
        return pasts(self._nomads.versions(app), self._nomads.deployments(app))

    def events(self, app: str) -> tuple[Happening, ...]:
        """As of ``Engine``: what the clients say of its instances."""
        self._job(app)
        found = [
            Happening(
                event.time / 1e9,
                status.name_of(one),
                event.type.replace(" ", ""),
                event.display_message,
                event in wrong,
            )
            for one in self._nomads.allocations(app)
            for state in one.task_states.values()
            for wrong in ([*faults(state)],)
            for event in state.events
        ]
        return tuple(sorted(found))

    def undo(self, app: str, revision: int) -> int:
        """Nomad makes the earlier version the newest one, under another number."""
        job = self._job(app)
        version = version_of(app, [one for one, _ in self._nomads.versions(app)], revision)
        self._changed(app, lambda: self._nomads.revert(app, version, job.version))
        return version + 1

    def restart(self, app: str) -> None:
        """By a key of the job's Meta: instances are replaced as by an update."""
        versions = self._nomads.versions(self._job(app).id)
        if not versions:
            raise EngineError(f"Nomad has no version of {app}, so there is nothing to restart")
        job, raw = versions[0]
        at = datetime.now().astimezone().isoformat(timespec="microseconds")
        meta = {**(raw.get("Meta") or {}), handed.RESTARTED: at}
        made = {**raw, "Meta": meta}
        self._changed(app, lambda: self._nomads.register(made, job.job_modify_index))

    def pause(self, app: str, *, paused: bool) -> None:
        """As `nomad deployment pause` and `resume`."""
        job = self._job(app)
        live = ("initializing", "pending", "running", "paused")
        for one in self._nomads.deployments(app):
            if one.job_version == job.version and one.status in live:
                self._nomads.pause(one.id, paused=paused)
                return
        verb = "pause" if paused else "resume"
        raise EngineError(f"{app} has no rollout on {self.name} to {verb}: it is not being updated")

    # -- looking ---------------------------------------------------------------------------------

    def _proposal(self, app: Workload, part_of: str | None) -> Proposal:
        live = self._nomads.job(app.name)
        made = handed.handed(app, self._zone, part_of, live.meta if live is not None else {})
        answer, refusal = self._nomads.plan(made.job)
        stored = []
        if made.variables is not None:
            kept = live is not None and not live.stop and handed.is_made(live.meta)
            # An app that never had a secret needs no permission to read variables.
            places = made.variables.keys() | ({*_read_by(live)} if live and kept else set())
            stored = [
                self._nomads.stored(path, made.variables.get(path, {})) for path in sorted(places)
            ]
        return Proposal(app.name, made, live, answer, refusal, tuple(stored))

    def _around(
        self, proposals: Mapping[str, Proposal], part_of: str | None, names: Collection[str] | None
    ) -> Sight:
        """What recon made there, and what the server made of it."""
        stubs = self._nomads.stubs()
        found = {
            one.app: one.live
            for one in proposals.values()
            if one.live is not None and not one.live.stop
        }
        if not names:
            made = self._nomads.made([one for one in stubs if one.id not in found])
            found |= {job.id: job for job in made if job.meta.get(handed.PART_OF) == part_of}
        return Sight(proposals, self._nomads.lives([*found.values()], stubs))

    def _job(self, app: str) -> Job:
        """The job of an app that recon made. EngineError where there is none."""
        job = self._nomads.job(app)
        if job is None or job.stop or not handed.is_made(job.meta):
            text = f"there is no job {app} that recon made on {self.name}"
            raise EngineError(f"{text}; `recon status` lists what is there")
        return job

    # -- changing --------------------------------------------------------------------------------

    def _send(self, one: Proposal) -> None:
        for stored in one.stored:
            if stored.differences():
                self._nomads.store(stored)
        diff = one.answer.diff
        is_new = one.live is None or one.live.stop
        if is_new or diff is None or diff.type != "None":
            index = one.live.job_modify_index if one.live is not None else 0
            self._changed(one.app, lambda: self._nomads.register(one.handed.job, index))

    def _remove(self, app: str) -> None:
        """The job; it stays in Nomad's history. Its secrets do not."""
        self._nomads.stop(app)
        for path in _read_by(self._sight.lives[app].job):
            self._nomads.store(self._nomads.stored(path, {}))

    def _changed(self, app: str, change: Any) -> None:
        """EngineError that says so where another client was quicker."""
        before = self._nomads.job(app)
        try:
            change()
        except RefusedError:
            after = self._nomads.job(app)
            seen = self._sight.proposals.get(app)
            known = seen.live if seen is not None else before
            if _index(after) != _index(known):
                text = f"the job {app} was not changed: another client changed it meanwhile"
                raise EngineError(f"{text}; `recon apply --dry-run` shows what is left") from None
            raise

    # -- output ----------------------------------------------------------------------------------

    def _sources(self, app: str) -> Iterator[Source]:
        """The streams of each instance that is alive, or of the newest that ended."""
        job = self._job(app)
        names = [app]
        if job.periodic is not None:
            of_job = [one for one in self._nomads.stubs() if one.parent_id == app]
            newest = sorted(of_job, key=lambda one: one.submit_time)[-1:]
            names = [one.id for one in newest]
        found = [one for name in names for one in self._nomads.allocations(name)]
        started = [one for one in found if any(s.started_at for s in one.task_states.values())]
        alive = [one for one in started if one.is_alive]
        for one in sorted(alive or started[:1], key=status.number_of):
            yield from _streams(one)

    def _follow(self, app: str, count: int | None) -> Iterator[Line]:
        """Until no instance is left that may write; one that starts meanwhile is followed, too."""
        queue: Queue[Line | EngineError | Source] = Queue(_KEPT)
        seen: set[Source] = set()
        reading: set[Source] = set()
        look_at = 0.0
        while True:
            if time.monotonic() >= look_at:
                fresh = [one for one in self._sources(app) if one not in seen]
                for source in fresh:
                    last = None if seen - {*fresh} else count  # of a new instance all its lines
                    Thread(target=self._feed, args=(source, last, queue), daemon=True).start()
                seen.update(fresh)
                reading.update(fresh)
                if not reading:
                    return
                look_at = time.monotonic() + _LOOK
            try:
                one = queue.get(timeout=_LOOK)
            except Empty:
                continue
            if isinstance(one, EngineError):
                raise one
            if isinstance(one, Source):
                reading.discard(one)
                look_at = 0.0 if not reading else look_at
            else:
                yield one

    def _last(self, source: Source, count: int | None) -> list[Line]:
        try:
            return [*lines(self._client, source, count, follow=False)]
        except RefusedError as error:
            # The client of one instance may be away; the output of the others is there.
            return [Line(source.instance, None, f"(its output is unavailable: {error})", True)]

    def _feed(
        self, source: Source, count: int | None, queue: Queue[Line | EngineError | Source]
    ) -> None:
        try:
            for line in lines(self._client, source, count, follow=True):
                queue.put(line)
        except EngineError as error:
            queue.put(error)
        else:
            queue.put(source)


def _streams(one: Allocation) -> Iterator[Source]:
    for task in one.task_states:
        for stream in STREAMS:
            yield Source(one.id, status.name_of(one), task, stream)


def _index(job: Job | None) -> int:
    return job.job_modify_index if job is not None else 0


def _read_by(job: Job) -> Iterator[str]:
    """The paths of variables that the templates of a job read."""
    texts = [
        template.get("EmbeddedTmpl") or ""
        for group in job.task_groups
        for task in group.tasks
        for template in task.get("Templates") or ()
    ]
    for path in handed.paths(job.id):
        if any(f'"{path}"' in text for text in texts):
            yield path
