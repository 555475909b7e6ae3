"""A cluster of Kubernetes as an engine: look, apply, and what `recon` shows of it."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from queue import SimpleQueue
from threading import Thread

from reconciler.convert.engines.draft import Refusal
from reconciler.convert.kubernetes.names import MANAGED_BY, NAME
from reconciler.convert.kubernetes.objects import Target, translate
from reconciler.model.state.desired import Desired, Problem
from reconciler.targets.engine import EngineError, Happening, Line, Past, View
from reconciler.targets.kubernetes import plan, status
from reconciler.targets.kubernetes.client import Answer, Cluster, Object
from reconciler.targets.kubernetes.history import applied, newest, pasts, template_of
from reconciler.targets.kubernetes.sight import (
    KINDS,
    PART_OF,
    WORKLOADS,
    Proposal,
    Sight,
    app_of,
    labelled,
    labels,
    name,
    owned,
    seconds,
)
from reconciler.targets.removals import removals
from reconciler.targets.requests import each

_OWN = {MANAGED_BY: "recon"}
_RESTARTED = "kubectl.kubernetes.io/restartedAt"
_BY_HAND = "recon-rollout"
"""Manager of what `recon rollout` changes: an apply leaves it as it is."""


class Kubernetes:
    """One namespace of one cluster."""

    def __init__(self, context: str, zone: str) -> None:
        self._cluster = Cluster(context)
        self._zone = zone
        self.name = self._cluster.name
        self._sight = Sight((), ())

    def look(
        self, desired: Desired, names: Collection[str] | None, *, prune: bool, force: bool = False
    ) -> View:
        """As of ``Engine``."""
        apps = [one for name, one in sorted(desired.apps.items()) if not names or name in names]
        target = Target(self._zone, with_secrets=True)
        # Of all, since one app may wait for another that was not named.
        made = translate(desired.apps.values(), target)
        chosen = {app.name for app in apps}
        refused = [one for one in made.refused if one.app in chosen]
        wanted = [
            (app.name, labelled(one, desired.settings.part_of))
            for app in apps
            for one in (*made.secrets.get(app.name, ()), *made.objects.get(app.name, ()))
        ]
        proposals = each(self._proposal, wanted)
        unread = frozenset(app.name for app in apps if app.secrets is None)
        self._sight = self._around(proposals, desired.settings.part_of, unread)
        problems = [*desired.problems, *map(_problem, refused)]
        absent = (
            {}
            if names
            else removals(desired, plan.known_apps(desired, self._sight), confirmed=prune)
        )
        found = plan.changes(apps, self._sight, absent, problems, force=force)
        notes = tuple(note for note in made.notes if note.app in chosen)
        return View(found, status.statuses(found, self._sight), notes)

    def apply(self, desired: Desired, names: Collection[str] | None, view: View) -> None:
        """Hand over what the last look found: Secrets first, then what reads them; then remove."""
        sight = self._sight
        acting = {one.app for one in view.changes.apps if one.change.action != "none"}
        sent = [one for one in sight.proposals if one.app in acting]
        order = ("Secret", "Service", *WORKLOADS)
        for kind in order:
            of_kind = [one for one in sent if one.kind == kind]
            for one, answer in zip(of_kind, each(self._send, of_kind), strict=True):
                if answer.made is None:
                    why = answer.refusal or "another client changed it meanwhile"
                    raise EngineError(
                        f"the {one.kind} {one.name} was not applied: {why}; "
                        "`recon apply --dry-run` shows what is left"
                    )
        gone = [one for one in sight.stale() if app_of(one) in acting]
        each(lambda one: self._cluster.delete(one["kind"], name(one)), gone)

    def logs(self, app: str, *, lines: int | None, follow: bool) -> Iterator[Line]:
        """As of ``Engine``. Each Pod is read by a thread of its own while it is followed."""
        pods = self._cluster.list("Pod", {**_OWN, NAME: app})
        if not pods:
            raise EngineError(f"{app} has no Pod in {self.name}; `recon status` says why")
        if not follow:
            texts = each(lambda pod: [*self._lines(pod, lines, follow=False)], pods)
            merged = heapq.merge(*texts, key=lambda line: line.time or 0.0)
            found = [*merged]
            yield from found if lines is None else found[max(0, len(found) - lines) :]
            return
        queue: SimpleQueue[Line | EngineError | None] = SimpleQueue()
        for pod in pods:
            Thread(target=self._feed, args=(pod, lines, queue), daemon=True).start()
        left = len(pods)
        while left:
            one = queue.get()
            if isinstance(one, EngineError):
                raise one
            if one is None:
                left -= 1
            else:
                yield one

    def history(self, app: str) -> tuple[Past, ...]:
        """As of ``Engine``: of a Deployment its ReplicaSets, of a Job one revision."""
        deployment = self._deployment(app)
        return pasts(deployment, owned(self._cluster.list("ReplicaSet", _of(app)), deployment))

    def events(self, app: str) -> tuple[Happening, ...]:
        """As of ``Engine``: of its objects and of its Pods."""
        kinds = ("Deployment", "ReplicaSet", "Job", "CronJob", "Pod")
        names = {name(one) for kind in kinds for one in self._cluster.list(kind, _of(app))}
        found = [
            _happening(one)
            for one in self._cluster.list("Event", {})
            if one.get("involvedObject", {}).get("name") in names
        ]
        return tuple(sorted(found))

    def undo(self, app: str, revision: int) -> int:
        """The template of an earlier ReplicaSet, as `kubectl rollout undo` takes it."""
        deployment = self._deployment(app)
        sets = owned(self._cluster.list("ReplicaSet", _of(app)), deployment)
        number, template = template_of(deployment, sets, revision)
        answer = self._cluster.propose(applied(deployment, template), dry_run=False, force=True)
        if answer.made is None:
            raise EngineError(
                f"revision {number} of {app} was not taken: {answer.refusal}; "
                "`recon rollout history` lists the others"
            )
        return number

    def restart(self, app: str) -> None:
        """As `kubectl rollout restart`: an annotation of the template."""
        at = datetime.now().astimezone().isoformat(timespec="seconds")
        template = {"metadata": {"annotations": {_RESTARTED: at}}}
        self._patch(app, {"spec": {"template": template}})

    def pause(self, app: str, *, paused: bool) -> None:
        """As `kubectl rollout pause` and `resume`."""
        self._patch(app, {"spec": {"paused": paused}})

    # -- looking ---------------------------------------------------------------------------------

    def _proposal(self, one: tuple[str, Object]) -> Proposal:
        app, wanted = one
        live = self._cluster.get(wanted["kind"], wanted["metadata"]["name"])
        answer = self._cluster.propose(wanted, dry_run=True, force=False)
        if answer.conflicts:
            forced = self._cluster.propose(wanted, dry_run=True, force=True)
            answer = Answer(forced.made, answer.conflicts, forced.refusal)
        return Proposal(app, wanted, live, answer)

    def _around(
        self, proposals: Iterable[Proposal], part_of: str | None, unread: frozenset[str]
    ) -> Sight:
        """What recon made there, and what the cluster made of it."""
        kinds = (*KINDS, "ReplicaSet", "Pod")
        lists = each(lambda kind: self._cluster.list(kind, _OWN), kinds)
        found = dict(zip(kinds, lists, strict=True))
        runs = [one for one in found["Job"] if _is_of_a_run(one)]
        made = [one for kind in KINDS for one in found[kind] if one not in runs]
        return Sight(
            tuple(proposals),
            tuple(one for one in made if labels(one).get(PART_OF) == part_of),
            tuple(runs),
            tuple(found["ReplicaSet"]),
            tuple(found["Pod"]),
            unread,
        )

    def _send(self, one: Proposal) -> Answer:
        return self._cluster.propose(one.wanted, dry_run=False, force=bool(one.answer.conflicts))

    # -- one app ---------------------------------------------------------------------------------

    def _deployment(self, app: str) -> Object:
        found = self._cluster.list("Deployment", _of(app))
        if not found:
            raise EngineError(
                f"{app} has no Deployment in {self.name}, so it has no rollout; "
                "`recon status` lists what is there"
            )
        return newest(found)

    def _patch(self, app: str, patch: Object) -> None:
        self._cluster.patch("Deployment", name(self._deployment(app)), patch, _BY_HAND)

    def _lines(self, pod: Object, lines: int | None, *, follow: bool) -> Iterator[Line]:
        container = pod["spec"]["containers"][0]["name"]
        for text in self._cluster.log(name(pod), container, lines=lines, follow=follow):
            stamp, _, rest = text.partition(" ")
            yield Line(name(pod), seconds(stamp), rest)

    def _feed(
        self, pod: Object, lines: int | None, queue: SimpleQueue[Line | EngineError | None]
    ) -> None:
        try:
            for line in self._lines(pod, lines, follow=True):
                queue.put(line)
        except EngineError as error:
            queue.put(error)
        else:
            queue.put(None)


def _of(app: str) -> dict[str, str]:
    return {**_OWN, NAME: app}


def _is_of_a_run(one: Object) -> bool:
    """A Job that a CronJob made."""
    return one["kind"] == "Job" and bool(one["metadata"].get("ownerReferences"))


def _problem(one: Refusal) -> Problem:
    """An app that a cluster cannot have, as a problem of its manifest."""
    place = (one.file, one.line, 1, f"spec.{one.path}")
    return Problem(*place, one.message, (one.app,), remedy=one.remedy)


def _happening(one: Object) -> Happening:
    at = one.get("lastTimestamp") or one.get("eventTime") or one["metadata"]["creationTimestamp"]
    return Happening(
        seconds(at) or 0.0,
        one["involvedObject"]["name"],
        one.get("reason", ""),
        one.get("message", ""),
        one.get("type") == "Warning",
    )
