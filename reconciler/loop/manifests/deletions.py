"""Which apps are known and not declared, and which of them are really gone (``diff.prune``).

Counts the complete looks in which each was absent, and notes whether the directory is the one that
was accepted last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from math import inf

from reconciler.diff.prune import CLEAN_SCANS, Absence, Verdict, absences
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import Desired, Workload
from reconciler.model.state.memory import Recall
from reconciler.state import root
from reconciler.state.journal.journal import Journal

_APART = 0.45
"""Seconds between two looks that count: an editor that saves a file may remove it for a moment."""


class Deletions:
    """Verdicts on what is not in ``apps``, the declared ones by name, nor in ``unseen``."""

    def __init__(self, apps: Mapping[str, Workload], unseen: Set[str]) -> None:
        self._apps = apps
        self._unseen = unseen
        self._known: dict[str, str | None] = {}
        self._builders: set[str] = set()
        """Builders of which anything is known, whether their app still has one or not."""
        self._absent_scans: dict[str, int] = {}
        self._counted_at: dict[str, float] = {}
        self._confirmed: Set[str] = frozenset()
        self._accepted_root: tuple[int, int] | None = None
        self._root_changed = False
        self._journal: Journal | None = None

    def start(self, journal: Journal, known: Iterable[str]) -> None:
        """``known``: what the journal remembers, and what runs."""
        sources = journal.sources()
        self._journal = journal
        self._accepted_root = root.accepted(journal)
        self._builders = {name for name in known if built_by(name) is not None}
        self._known = {name: sources.get(name) for name in (built_by(one) or one for one in known)}

    @property
    def sources(self) -> Mapping[str, str | None]:
        """By app, the file that declares it, or did so last."""
        return self._known

    def note(self, app: Workload) -> None:
        """It is declared, and so known from now on."""
        if built_by(app.name) is None:
            self._known[app.name] = app.source.file
            self._absent_scans.pop(app.name, None)  # an absence that is over counts no more
            self._counted_at.pop(app.name, None)
        else:
            self._builders.add(app.name)

    def forget(self, name: str) -> None:
        """A removed app is gone to its last process."""
        self._known.pop(name, None)
        self._builders.discard(name)
        self._absent_scans.pop(name, None)
        self._counted_at.pop(name, None)

    def absent(self) -> Set[str]:
        """Apps that are known, and not declared."""
        return self._known.keys() - self._apps.keys() - self._unseen

    @property
    def has_new(self) -> bool:
        """Whether an app is absent that was there at the last complete look."""
        return bool(self.absent() - self._absent_scans.keys())

    @property
    def is_unsure(self) -> bool:
        """Whether one more complete look is needed to tell."""
        return any(count < CLEAN_SCANS for count in self._absent_scans.values())

    def verdicts(self, desired: Callable[[], Desired]) -> Mapping[str, Absence]:
        """On all that is known and not declared, builders among them."""
        verdicts = self._verdicts(desired)
        for name in self._builders - self._apps.keys():
            app = built_by(name)
            if app in verdicts:
                verdicts[name] = verdicts[app]
            elif app in self._apps or app not in self._known.keys() | self._unseen:
                verdicts[name] = Absence(Verdict.DELETE, f"{app} is no longer built")
        return verdicts

    def scanned(self, desired: Desired, settled: Set[str], now: float) -> Set[str]:
        """Count a look at everything; the names on which it may have another word. ``settled``: of
        the files of what is not declared, those that are gone or at rest. ``now``: seconds."""
        absent, before = self.absent(), self._absent_scans
        if desired.complete:
            self._absent_scans = {name: before.get(name, 0) for name in absent}
            for name in absent:
                is_settled = (self._known[name] or "") in settled
                if is_settled and self._counted_at.get(name, -inf) <= now - _APART:
                    self._absent_scans[name] += 1
                    self._counted_at[name] = now
            self._counted_at = {n: at for n, at in self._counted_at.items() if n in absent}
        self._judge_root(desired)
        return absent | before.keys() | (self._builders - self._apps.keys())

    def confirm(self, desired: Desired, *, confirmed: bool) -> Set[str]:
        """The deletions that wait now are meant, and no others that may follow; which these are."""
        self._confirmed = self.absent() if confirmed else frozenset()
        for name in self._confirmed & {n for n, count in self._absent_scans.items() if count}:
            self._absent_scans[name] = CLEAN_SCANS  # no editor is at work
        self._judge_root(desired)
        return self._confirmed

    def _verdicts(self, desired: Callable[[], Desired]) -> dict[str, Absence]:
        absent = self.absent()
        if not absent:
            return {}
        journal = self._journal
        return dict(
            absences(
                desired(),
                {name: self._known[name] for name in self._known.keys() - self._unseen},
                self._absent_scans,
                confirmed=absent <= self._confirmed,
                root_changed=self._root_changed,
                unread=journal is not None and journal.state.unremembered is Recall.UNREAD,
            )
        )

    def _judge_root(self, desired: Desired) -> None:
        """Another directory in the place of the accepted one is accepted when it lacks nothing."""
        if desired.root_id is None:
            return
        if self._accepted_root is None or self.absent() <= self._confirmed:
            if self._accepted_root != desired.root_id and self._journal is not None:
                root.accept(self._journal, desired.root_id)
            self._accepted_root = desired.root_id
        self._root_changed = desired.root_id != self._accepted_root
