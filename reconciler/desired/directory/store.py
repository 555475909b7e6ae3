"""The directory of manifests as a whole: what every file declares, and what it declared last.

Guarantees (design.md#mistakes): a file that is wrong, emptied, half-written or unreadable goes on
standing for its last good version; nothing is taken for deleted here but by a complete ``scan``
(and what that means is for ``diff.prune`` to judge). ``refresh`` looks at the named files only,
however many others there are.
"""

from __future__ import annotations

import copy
import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.desired.directory.declarations import Declarations
from reconciler.desired.directory.dependencies import DependencyCheck
from reconciler.desired.directory.footing import Footing, InForce, Judge
from reconciler.desired.directory.last_read import NO_PROFILES, ManifestFile, ManifestFiles
from reconciler.desired.directory.names import is_hidden, is_manifest_name
from reconciler.desired.directory.settling import Reading, Settling
from reconciler.desired.directory.walk import Walk
from reconciler.desired.files import NEVER, Signature, lasting, signature
from reconciler.desired.manifest.manifest import Contents, Context, read
from reconciler.desired.manifest.names import names_in
from reconciler.desired.manifest.presence import check
from reconciler.desired.manifest.surroundings import Refusals, Surroundings, Unresolvable, nothing
from reconciler.desired.text.locate import place_of
from reconciler.model.spec.manifest import SettingsSpec
from reconciler.model.state.desired import (
    Desired,
    DesiredApp,
    Problem,
    Reason,
    Workload,
    with_problem,
)
from reconciler.system.files.trust import Trust, trusting
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError
from reconciler.system.work.spread import FEWEST, spread


class ManifestStore:
    """All manifests below ``root``. For one thread at a time: see ``draft``."""

    def __init__(
        self,
        root: Path,
        *,
        profile: str | None = None,
        environ: Mapping[str, str] = os.environ,
        key: bytes | None = None,
        environ_is_controllers: bool = True,
        anchor: Path | None = None,
        refusals: Refusals = nothing,
        state: Path | None = None,
        cores: int = 1,
        files: Trust | None = None,
        settle: float = 0.0,
        is_helped: bool = False,
    ) -> None:
        """``anchor``: the directory that relative paths are resolved as if ``root`` stood in;
        it says that this is not the host, too. ``refusals``: what the host cannot honour.
        ``state``: recon's own directory. ``cores``: how many `instances: max` are. ``files``: what
        opens files, where that is not this host's rule. ``settle``: seconds for which a file that
        changed has to read the same. ``is_helped``: forks of this process may help to read."""
        self._root = Path(os.path.abspath(root))
        self._anchor = Path(os.path.abspath(anchor)) if anchor is not None else None
        check = anchor is None
        checked = refusals if check else nothing
        trust = files or (trusting() if check else Trust())
        own = os.path.realpath(state) if state is not None else None  # recon's: it answers
        self._around = Surroundings(
            environ, key, environ_is_controllers, check, checked, cores, trust, own
        )
        self._below = os.path.join(self._root, "")
        self._settings_file = f"{self._below}recon.yaml"
        self._files = ManifestFiles()
        self._declarations = Declarations()
        self._dependencies = DependencyCheck(self._locate_dependency)
        self._settling = Settling(settle)
        self._is_helped = is_helped
        self._walk_problems: tuple[Problem, ...] = ()
        self._folders: tuple[str, ...] = ()
        self._apart: frozenset[str] = frozenset()
        self._complete = False
        self._scanned = False
        self._settings_gone = False
        self._problems: tuple[Problem, ...] = ()
        self._in_force = InForce(profile=profile)
        self._judge = Judge(str(self._root), self._settings_file, requested=profile, is_host=check)
        self.footing: Footing | None = None
        """What manifests were read with when all was well last, an earlier controller's at first;
        None where that is unknown."""
        self.filled = self._around.filled
        """The env and secret files that were not empty once."""
        self.root_id: tuple[int, int] | None = None
        self.needs_scan = False
        """A file went away: only a complete scan can tell what that means."""

    @property
    def root(self) -> Path:
        """The directory, absolute."""
        return self._root

    @property
    def apps(self) -> Mapping[str, Workload]:
        """By name: as declared, or as last declared well (then with ``problem``)."""
        return self._dependencies.apps

    @property
    def settings(self) -> SettingsSpec:
        """The Settings in force."""
        return self._in_force.settings

    @property
    def knows_settings(self) -> bool:
        """False where they have a mistake, and never were without one."""
        return self._in_force.held is None or self.footing is not None

    @property
    def unstable(self) -> frozenset[Path]:
        """Files that changed and have to read the same again before they are believed."""
        return frozenset(map(Path, self._settling.paths))

    @property
    def settled_at(self) -> float:
        """When the first of these may be believed (the clock is time.monotonic's)."""
        return self._settling.due_at

    @property
    def folders(self) -> tuple[str, ...]:
        """All folders below the root that were looked into."""
        return self._folders

    @property
    def apart(self) -> frozenset[str]:
        """Manifest files that are links, also such as lead nowhere, and such as are hard links."""
        return self._apart

    @property
    def dependencies(self) -> frozenset[Path]:
        """Env and secret files whose content is part of some app."""
        return frozenset(map(Path, self._files.dependencies))

    @property
    def ways(self) -> tuple[int, frozenset[str]]:
        """Another value where ``dependencies`` or ``apart`` are others."""
        return self._files.references, self._apart

    @property
    def sources(self) -> frozenset[str]:
        """All files that were read: the manifests, and their ``dependencies``."""
        return frozenset((*self._files.paths, *self._files.dependencies))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Everything that was wrong at the last look, by file and line."""
        return self._problems

    def _all_problems(self) -> tuple[Problem, ...]:
        """Found by reading the places of clashes again: part of a look."""
        found = {*self._files.problems(), *self._walk_problems, *self._declarations.problems()}
        if self._in_force.unknown_profile is not None:
            found.add(self._in_force.unknown_profile)
        found.update(self._dependencies.problems)
        return tuple(sorted(found))

    def snapshot(self) -> Desired:
        """What is declared now, without looking again."""
        apps = self._dependencies.apps.to_dict()
        held = self._in_force.held
        return Desired(apps, self.problems, self.settings, self._complete, self.root_id, held)

    def scan(self, *, believe: bool = True) -> Desired:
        """Look at everything. ``believe``: take changed files at their first reading."""
        self.needs_scan = False
        self._around = replace(self._around, trust=self._around.trust.renewed())
        walk = Walk(self._root, self._around.trust)
        paths = set(walk.files())
        self._walk_problems, self.root_id = tuple(walk.problems), walk.root_id
        self._folders, self._apart = tuple(walk.folders), frozenset(walk.apart)
        for path in self._files.paths - paths:
            # What is not seen in an incomplete walk may be there nevertheless.
            if walk.complete:
                self._drop(path)
            else:
                self._take(path, ManifestFile(NEVER, b"", problems=self._walk_problems[:1]))
        self._miss_settings(walk.complete and self._settings_file not in paths)
        ordered = sorted(paths, key=lambda path: (path != self._settings_file, path))
        readings = self._readings(ordered, believe)
        if self._reconsider(readings):  # all that was believed is read in another way
            others = [path for path in ordered if path not in {*readings, *self._settling.paths}]
            readings = self._readings(readings, True) | self._readings(others, believe)
        for path, fresh in readings.items():
            self._take(path, fresh)
        # A new file that is still being written may declare whatever is missed.
        self._complete = walk.complete and self._settling.paths <= self._files.paths
        self._declarations.leave_undecided()
        self._scanned = True
        self._check_dependencies()
        self._problems = self._all_problems()
        return self.snapshot()

    def refresh(self, paths: Iterable[Path]) -> frozenset[str]:
        """Look at these files only; the names of the apps that may have changed."""
        self._around = replace(self._around, trust=self._around.trust.renewed())
        files: set[str] = set()
        for path in map(str, paths):
            files |= self._files.referring_to(path)
            if self._is_manifest(path):
                files.add(path)
        for path in [*files]:
            mode, names = _mode(path)
            if stat.S_ISLNK(mode) or names > 1:
                self._apart |= {path}
            if stat.S_ISDIR(mode):
                self.needs_scan = True
                files.discard(path)
            if not mode:
                self._settling.forget(path)
                self.needs_scan = self.needs_scan or path in self._files.paths
                files.discard(path)
        readings = self._readings(sorted(files), believe=False)
        if self._reconsider(readings):
            self.needs_scan = True
            readings = self._readings(readings, True)
        changed: set[str] = set()
        for path, fresh in readings.items():
            changed |= self._take(path, fresh)
        self._declarations.leave_undecided()
        changed |= self._check_dependencies()
        self._problems = self._all_problems()
        return frozenset(changed)

    def draft(self) -> ManifestStore:
        """A store that knows the same: for a look that may have to be given up, so that no
        reader sees half of it. It takes the place of this one when the look has succeeded."""
        fresh = copy.copy(self)
        fresh.filled = self.filled.copy()
        fresh._around = replace(self._around, filled=fresh.filled)
        fresh._files, fresh._settling = self._files.copy(), self._settling.copy()
        fresh._declarations = self._declarations.copy()
        fresh._dependencies = self._dependencies.copy(fresh._locate_dependency)
        return fresh

    # -- one file ------------------------------------------------------------------------------

    def _readings(self, paths: Iterable[str], believe: bool) -> dict[str, ManifestFile]:
        """What has changed of these files, and is believed."""
        first = [path for path in paths if path == self._settings_file]
        found = [(path, self._look(path, believe)) for path in first]  # how the others are read
        rest = [path for path in paths if path != self._settings_file]
        if self._is_helped and believe and len(rest) >= FEWEST and not self._files.paths:
            readings = spread(rest, lambda path: self._look(path, believe), self._read_by_helper)
            found += zip(rest, readings, strict=True)
        else:
            found += [(path, self._look(path, believe)) for path in rest]
        return {path: fresh for path, fresh in found if fresh is not None}

    def _read_by_helper(self, path: str) -> ManifestFile | None:
        """A file whose reading leaves no mark elsewhere in this store; None of another."""
        fresh = self._look(path, believe=True)
        return fresh if fresh and not (fresh.problems or fresh.dependencies) else None

    def _look(self, path: str, believe: bool) -> ManifestFile | None:
        """Read a file if it may have changed. Where it, or what it refers to, does not answer,
        its last good version stands."""
        known = self._files.get(path)
        try:
            reading = self._settling.read(path, known, self._around.trust, believe=believe)
            if isinstance(reading, Problem):
                return ManifestFile(None, b"", problems=(reading,))
            if reading is None:
                return None
            if known is not None and reading.is_known and self._finds_all(known):
                # Of a thousand manifests behind a link that is swapped, one may be another: to
                # parse the others again took 0.2 of 0.3 s. Most deploys write a release just before
                # they swap the link, so its stamps are too fresh to be believed at first.
                self._files.seen(path, lasting(reading.signature))
                return None
            return self._read(path, known, reading)
        except UnansweredError as error:
            names = tuple(sorted(known.apps)) if known is not None else ()
            problem = Problem(path, 0, 0, "", error.message, names, Reason.UNANSWERED, error.remedy)
            around = known.dependencies if known is not None else ()
            return ManifestFile(None, b"", problems=(problem,), dependencies=around)

    def _read(self, path: str, known: ManifestFile | None, reading: Reading) -> ManifestFile:
        contents = read(path, reading.content, self._context(path))
        problems = contents.problems or _emptied(path, contents, known)
        if contents.settings is not None and not problems:
            self._set_settings(contents.settings)
        elif path == self._settings_file and not problems and self.settings != SettingsSpec():
            problems = [Problem(path, 1, 1, "", "its Settings are gone", remedy="delete the file")]
        elif self._in_force.held is not None and not problems:
            problems = [self._in_force.held]
        doubt = self._in_force.unknown_profile if contents.profiles else None
        return ManifestFile(
            lasting(reading.signature),
            reading.digest,
            {app.name: with_problem(app, doubt) for app in contents.apps} if not problems else {},
            tuple(self._naming(problem, reading.content) for problem in problems),
            tuple((file, _lasting(file)) for file in sorted(contents.dependencies)),
            frozenset(contents.profiles) if contents.profiles else NO_PROFILES,
        )

    def _finds_all(self, known: ManifestFile) -> bool:
        """Whether what its apps need is on the host, perhaps behind the same link."""
        apps = known.apps.values()
        if any(isinstance(app, DesiredApp) and app.builder is not None for app in apps):
            return False  # and what builds it: that is looked at as a whole
        try:
            for app in apps:
                check(app, self._around)
        except Unresolvable:
            return False
        return True

    def _naming(self, problem: Problem, content: bytes) -> Problem:
        """With the apps of its file; what holds all files is about no one of them."""
        is_of_all = problem == self._in_force.held
        return problem if is_of_all else replace(problem, apps=names_in(content))

    def _take(self, path: str, fresh: ManifestFile) -> set[str]:
        """Put what was read in the place of what was known."""
        known = self._files.get(path)
        before = known.apps if known is not None else {}
        if fresh.problems:  # the last good version stands
            problem = fresh.problems[0]
            if known is not None and problem != self._in_force.held:
                fresh.profiles |= known.profiles
            fresh.apps = {name: with_problem(app, problem) for name, app in before.items()}
            if known is not None and known.problems == fresh.problems:
                fresh.apps = before
        elif known is not None and fresh.digest == known.digest:
            # Looked at again only because something around it changed: keep what is equal.
            fresh.apps = {n: _same(before.get(n), app) for n, app in fresh.apps.items()}
        self._files.put(path, fresh)
        return self._declarations.change(path, before, fresh.apps)

    def _drop(self, path: str) -> None:
        known = self._files.remove(path)
        self._settling.forget(path)
        self._declarations.change(path, known.apps, {})
        if path == self._settings_file:
            self.needs_scan = True

    def _check_dependencies(self) -> frozenset[str]:
        """Judge what was declared since; the names of the apps that may have changed by it."""
        return self._dependencies.update(self._declarations.apps, self._declarations.judged())

    def _locate_dependency(self, app: Workload, index: int) -> tuple[int, int]:
        return place_of(app.source.file, app.name, ("dependsOn", index), self._in_force.profile)

    # -- the whole -----------------------------------------------------------------------------

    def _context(self, path: str) -> Context:
        folder = None
        if self._anchor is not None:
            inside = os.path.relpath(os.path.dirname(path), self._root)
            folder = os.path.normpath(self._anchor / inside)
        is_settings = path == self._settings_file
        in_force = self._in_force
        return Context(self._around, in_force.settings, in_force.profile, is_settings, folder)

    def _set_settings(self, settings: SettingsSpec) -> None:
        """New settings: every manifest has to be read again."""
        if settings == self.settings:
            return
        self._in_force = self._judge.with_settings(self._in_force, settings)
        self._files.read_again()
        self.needs_scan = True

    def _miss_settings(self, absent: bool) -> None:
        """No Settings any more, once that was seen twice: a checkout removes and rewrites."""
        if absent and self._settings_gone:
            self._set_settings(SettingsSpec())
        self._settings_gone = absent

    def _reconsider(self, readings: Mapping[str, ManifestFile]) -> bool:
        """Whether manifests are to be read with another profile than they were just now, or are
        to be held: the Settings are wrong, or no manifest has the requested profile."""
        files = self._files.with_readings(readings)
        before, is_first = self._in_force, not self._scanned
        self._in_force, self.footing = self._judge(before, self.footing, files, is_first=is_first)
        # A doubt that has gone is marked on apps whose files have not changed since.
        changed = before != self._in_force
        if changed:
            self._files.read_again()
        return changed

    def _is_manifest(self, path: str) -> bool:
        if path in self._files.paths:
            return True
        inside = path.removeprefix(self._below)
        names = inside.split(os.sep)
        is_below = inside != path
        return is_below and is_manifest_name(names[-1]) and not any(map(is_hidden, names))


def _mode(path: str) -> tuple[int, int]:
    """Of what stands there, a link itself, and how many names it has; zeros where nothing does."""
    try:
        status = door.lstat(path)
    except UnansweredError:
        return stat.S_IFREG, 1  # reading it will tell
    except OSError:
        return 0, 0
    return status.st_mode, status.st_nlink


def _lasting(path: str) -> Signature | None:
    try:
        return lasting(signature(path))
    except UnansweredError:
        return NEVER


def _emptied(path: str, contents: Contents, known: ManifestFile | None) -> list[Problem]:
    """A file without a document is never right: it may have declared what still runs."""
    if contents.documents or contents.settings is not None:
        return []
    names = ", ".join(sorted(known.apps)) if known is not None else ""
    if names:
        message, remedy = "the file is empty now", f"delete it to remove {names}"
    else:
        message = "the file declares nothing"
        remedy = "delete it, or put a dot before its name"
    return [Problem(path, 1, 1, "", message, remedy=remedy)]


def _same(before: Workload | None, now: Workload) -> Workload:
    return before if before == now and before is not None else now
