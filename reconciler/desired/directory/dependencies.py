"""Dependencies over the whole directory: each one declared, none in a circle.

Guarantees: what is passed on has no cycle, also where last good versions stand beside new ones;
an app whose dependencies are wrong keeps its last good version, or is not declared if there is
none. One changed app costs what it depends on, and nothing that grows with the directory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from reconciler.desired.cowdict import CowDict
from reconciler.desired.manifest.validate import suggestion
from reconciler.model.spec.dependency import DependencyCondition
from reconciler.model.spec.lifecycle import RestartPolicy
from reconciler.model.state.desired import DesiredApp, Problem, Workload

# Where the n-th dependency of an app stands: its line and column.
Locate = Callable[[Workload, int], tuple[int, int]]


class Dependents:
    """Who depends on whom, looked up from the other side."""

    def __init__(self) -> None:
        self._of: CowDict[str, frozenset[str]] = CowDict()

    def copy(self) -> Dependents:
        """The same, to be changed."""
        fresh = Dependents()
        fresh._of = self._of.copy()
        return fresh

    def of(self, name: str) -> frozenset[str]:
        """The apps that depend on this one, whether it is declared or not."""
        return self._of.get(name, frozenset())

    def put(self, name: str, before: Workload | None, now: Workload | None) -> None:
        """Note that an app is declared another way (None: not at all)."""
        for need in needs(before):
            others = self._of[need] - {name}
            if others:
                self._of[need] = others
            else:
                del self._of[need]
        for need in needs(now):
            self._of[need] = self.of(need) | {name}


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why the version of an app that its file declares is not passed on."""

    problems: tuple[Problem, ...]
    circle: frozenset[str] = frozenset()
    """The apps of the cycle: a change of any of them may end it."""


class DependencyCheck:
    """Apps as their files declare them go in; ``apps`` is what of it may be acted on."""

    def __init__(self, locate: Locate) -> None:
        self._locate = locate
        self._declared: CowDict[str, Workload] = CowDict()
        self._good: CowDict[str, Workload] = CowDict()
        self._refused: dict[str, _Refusal] = {}
        self._dependents = Dependents()
        self.apps: CowDict[str, Workload] = CowDict()
        """By name: as declared, or as last declared well (then with ``problem``)."""

    def copy(self, locate: Locate) -> DependencyCheck:
        """The same, to be changed."""
        fresh = DependencyCheck(locate)
        fresh._declared, fresh._good = self._declared.copy(), self._good.copy()
        fresh._refused, fresh.apps = {**self._refused}, self.apps.copy()
        fresh._dependents = self._dependents.copy()
        return fresh

    @property
    def problems(self) -> Iterator[Problem]:
        for refusal in self._refused.values():
            yield from refusal.problems

    def update(self, declared: Mapping[str, Workload], names: Iterable[str]) -> frozenset[str]:
        """Take over what is declared of ``names``; the names of the apps that may have changed."""
        judged = self._note(declared, set(names))
        for name in judged:
            self._refused.pop(name, None)
        near: dict[str, str] = {}
        for name in sorted(judged & self._declared.keys()):
            app = self._declared[name]
            faults = tuple(self._faults(app, near))
            if faults:  # a file that is in error has its own problem, and no places
                self._refused[name] = _Refusal(faults if app.problem is None else ())
        while circle := find_cycle(self._effective_needs, sorted(judged)):
            if not self._refuse(circle):
                break
            judged.update(circle)
        for name in judged:
            self._publish(name)
        return frozenset(judged)

    def _note(self, declared: Mapping[str, Workload], names: set[str]) -> set[str]:
        """The names of the apps about which another judgement may be due."""
        judged = set(names)
        for name in names:
            before, now = self._declared.get(name), declared.get(name)
            self._dependents.put(name, before, now)
            if now is None:
                self._declared.pop(name, None)
            else:
                self._declared[name] = now
            if _can_complete(before) is not _can_complete(now):
                judged |= self._dependents.of(name)
        for refusal in self._refused.values():
            if not refusal.circle.isdisjoint(names):
                judged |= refusal.circle
        return judged

    def _faults(self, app: Workload, near: dict[str, str]) -> Iterator[Problem]:
        """What is wrong with the dependencies of one app, cycles aside."""
        for index, need in enumerate(app.spec.depends_on):
            other = self._declared.get(need.app)
            if need.app == app.name:
                yield self._problem(app, index, f"{app.name} depends on itself", "remove this")
            elif other is None:
                if need.app not in near:
                    near[need.app] = suggestion(need.app, set(self._declared) - {app.name})
                message = f"no manifest declares {need.app}{near[need.app]}"
                yield self._problem(app, index, message)
            elif need.condition is DependencyCondition.COMPLETED and not _can_complete(other):
                message = f"{need.app} never completes, because its restartPolicy is Always"
                remedy = "write OnFailure or Never there, or another condition here"
                yield self._problem(app, index, message, remedy)

    def _effective_needs(self, name: str) -> Iterator[str]:
        """The dependencies of the version that would be passed on."""
        refused = name in self._refused
        yield from needs((self._good if refused else self._declared).get(name))

    def _refuse(self, circle: list[str]) -> bool:
        """Refuse every app of a cycle; whether that changes anything."""
        changed = False
        for position, name in enumerate(circle):
            if name in self._refused or name not in self._declared:
                continue
            following = circle[(position + 1) % len(circle)]
            path = " → ".join([*circle[position:], *circle[:position], name])
            app = self._declared[name]
            index = list(needs(app)).index(following)
            problems: tuple[Problem, ...] = ()
            if app.problem is None:
                message = f"the dependencies form a cycle: {path}"
                problems = (self._problem(app, index, message, "remove one of them"),)
            self._refused[name] = _Refusal(problems, frozenset(circle))
            changed = True
        return changed

    def _problem(self, app: Workload, index: int, message: str, remedy: str = "") -> Problem:
        line, column = self._locate(app, index)
        path = f"spec.dependsOn.{index}"
        at = (app.source.file, line or app.source.line, column or 1)
        return Problem(*at, path, message, remedy=remedy)

    def _publish(self, name: str) -> None:
        app = self._declared.get(name)
        refusal = self._refused.get(name)
        if app is None:
            self._good.pop(name, None)
        elif refusal is None:
            self._good[name] = app
        elif name in self._good:
            problem = app.problem or next(iter(refusal.problems), None)
            app = replace(self._good[name], problem=problem)
        else:
            app = None
        if app is None:
            self.apps.pop(name, None)
        elif app != self.apps.get(name):
            self.apps[name] = app


def needs(app: Workload | None) -> Iterator[str]:
    """The names of the apps that an app depends on; its builder is one of them."""
    if app is not None:
        yield from (need.app for need in app.spec.depends_on)
        yield from (builder.name for builder in app.builders)


def find_cycle(needs_of: Callable[[str], Iterable[str]], starts: Iterable[str]) -> list[str] | None:
    """A cycle that can be reached from ``starts``, each app followed by one it depends on.

    Every app is looked at once, however many ways lead to it, and without recursion.
    """
    safe: set[str] = set()
    for start in starts:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[Iterator[str]] = [iter((start,))]
        while stack:
            name = next(stack[-1], None)
            if name is None:
                stack.pop()
                if path:
                    done = path.pop()
                    on_path.discard(done)
                    safe.add(done)
            elif name in on_path:
                return path[path.index(name) :]
            elif name not in safe:
                path.append(name)
                on_path.add(name)
                stack.append(iter(needs_of(name)))
    return None


def _can_complete(app: Workload | None) -> bool | None:
    """None where there is no such app."""
    if app is None:
        return None
    return not isinstance(app, DesiredApp) or app.spec.restart_policy is not RestartPolicy.ALWAYS
