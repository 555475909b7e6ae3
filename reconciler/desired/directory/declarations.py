"""Which file's word counts for each app: the first to declare a name, and the claims of all.

Two files that declare one name, or want one port or log file, are a mistake at both places. The app
stays what it was last; an app that is new, and loses, is nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from reconciler.desired.cowdict import CowDict
from reconciler.desired.directory.claims import Claimed, Claims, claimed
from reconciler.model.state.desired import Problem, Workload, with_problem

Declared = tuple[str, Workload]
"""A file, and what it says of an app."""


class Declarations:
    """What all files declare, by name; ``apps`` is what of it is believed."""

    def __init__(self) -> None:
        self._by_name: CowDict[str, tuple[Declared, ...]] = CowDict()
        self._contested: set[str] = set()
        """Names that more than one file declares."""
        self._undecided: set[str] = set()
        self._seen: CowDict[str, None] = CowDict()
        """Names that were declared when a look ended."""
        self._fresh: set[str] = set()
        """Names that this look has found first."""
        self._claims = Claims()
        self._judged: set[str] = set()
        self.apps: CowDict[str, Workload] = CowDict()

    def copy(self) -> Declarations:
        """The same, to be changed."""
        fresh = Declarations()
        fresh._by_name, fresh.apps = self._by_name.copy(), self.apps.copy()
        fresh._contested, fresh._undecided = {*self._contested}, {*self._undecided}
        fresh._seen, fresh._fresh = self._seen.copy(), self._fresh.copy()
        fresh._claims, fresh._judged = self._claims.copy(), {*self._judged}
        return fresh

    def change(
        self, file: str, before: Mapping[str, Workload], now: Mapping[str, Workload]
    ) -> set[str]:
        """A file declares other apps than before; the names of all whom that concerns."""
        names = before.keys() | now.keys()
        for name in names:
            self._declare(name, file, now.get(name))
        concerned: set[str] = set()
        for name in names:
            concerned |= self._claims.change(file, before.get(name), now.get(name))
        for name in sorted(concerned):
            self._decide(name)
        return names | concerned

    def judged(self) -> set[str]:
        """The names on which anything was decided since this was last asked."""
        names, self._judged = self._judged, set()
        return names

    def leave_undecided(self) -> None:
        """Of two apps of one name that one look found it is unknown which was there first: neither
        is declared. To be called at the end of a look.

        What runs goes on as the journal remembers it; an order of file names decides nothing.
        """
        unclear = self._fresh & self._contested
        self._undecided |= unclear
        for name in unclear:
            self.apps.pop(name, None)
        for name in self._fresh:
            self._seen[name] = None
        self._fresh.clear()

    def problems(self) -> Iterator[Problem]:
        """A problem at each place of a clash. Reads manifests, for their places."""
        for name in self._contested:
            yield from _clash(self._by_name[name])
        yield from self._claims.problems()

    def _declare(self, name: str, file: str, app: Workload | None) -> None:
        """Note what a file says of an app, if anything; the first to do so keeps its turn."""
        known = self._by_name.get(name, ())
        if app is None:
            declared = tuple(one for one in known if one[0] != file)
        elif any(each == file for each, _ in known):
            declared = tuple((file, app) if one[0] == file else one for one in known)
        else:
            declared = (*known, (file, app))
            if name not in self._seen:
                self._fresh.add(name)
        if declared:
            self._by_name[name] = declared
        else:
            self._by_name.pop(name, None)
        (self._contested.add if len(declared) > 1 else self._contested.discard)(name)
        self._decide(name)

    def _decide(self, name: str) -> None:
        """What of all that the files say of an app is believed."""
        self._judged.add(name)
        declared = self._by_name.get(name, ())
        if len(declared) < 2:
            self._undecided.discard(name)
        if not declared or name in self._undecided:
            self.apps.pop(name, None)
            return
        file, app = declared[0]
        clash = next(_clash(declared), None)
        lost = self._claims.lost(file, app, self._has)
        if lost is not None:  # it stays what it was; one that is new is nothing yet
            known = self.apps.get(name)
            if known is None:
                return
            app = with_problem(known, lost)
        elif clash is not None and app.problem is None:
            app = replace(app, problem=clash)
        if app != self.apps.get(name):
            self.apps[name] = app

    def _has(self, name: str, what: Claimed) -> bool:
        """Whether an app has this very address or file, as it was last believed."""
        app = self.apps.get(name)
        return app is not None and any(one == what for _, one in claimed(app.spec))


def _clash(declared: tuple[Declared, ...]) -> Iterator[Problem]:
    """A problem in each file that declares an app of this name, if several do."""
    if len(declared) < 2:
        return
    sources = [app.source for _, app in declared]
    for source in sources:
        others = (one for one in sources if one is not source)
        # The first by its place: the same one, whatever was read first.
        other = min(others, key=lambda one: (one.file, one.line))
        message = f"{declared[0][1].name} is also declared in {other.file}:{other.line}"
        at = (source.file, source.line, 1, "metadata.name")
        yield Problem(*at, message, apps=(declared[0][1].name,), remedy="rename or remove one")
