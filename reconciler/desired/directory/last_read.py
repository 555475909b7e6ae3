"""The manifest files as they were last read: what each declared, and what it was read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace

from reconciler.desired.cowdict import CowDict
from reconciler.desired.files import Signature
from reconciler.model.state.desired import Problem, Workload

NO_PROFILES: frozenset[str] = frozenset()
"""One for all files: each empty set would have 200 bytes."""
OUTDATED: Signature = (-1,)
"""The signature of a file that means something else now, though it may hold what it held."""


@dataclass(slots=True)
class ManifestFile:
    """One manifest file as it was last read."""

    signature: Signature | None
    digest: bytes
    apps: dict[str, Workload] = field(default_factory=dict)
    """Of the last good version; with ``problem`` set while the file is wrong."""
    problems: tuple[Problem, ...] = ()
    dependencies: tuple[tuple[str, Signature | None], ...] = ()
    """The env and secret files that its apps refer to."""
    profiles: frozenset[str] = NO_PROFILES


class ManifestFiles:
    """All of them by path, and which of them refer to an env or secret file."""

    def __init__(self) -> None:
        self._files: CowDict[str, ManifestFile] = CowDict()
        self._wrong: dict[str, tuple[Problem, ...]] = {}
        """The problems of the files that have any."""
        self._referring: CowDict[str, frozenset[str]] = CowDict()
        self.references = 0
        """How often an env or secret file has come to be referred to, or has ceased to be."""

    def copy(self) -> ManifestFiles:
        """The same, to be changed."""
        fresh = ManifestFiles()
        fresh._files, fresh._referring = self._files.copy(), self._referring.copy()
        fresh._wrong = {**self._wrong}
        fresh.references = self.references
        return fresh

    @property
    def paths(self) -> Set[str]:
        return self._files.keys()

    @property
    def dependencies(self) -> Set[str]:
        """All env and secret files that some manifest refers to."""
        return self._referring.keys()

    def referring_to(self, file: str) -> frozenset[str]:
        """The manifests that refer to an env or secret file."""
        return self._referring.get(file, frozenset())

    def get(self, path: str) -> ManifestFile | None:
        return self._files.get(path)

    def problems(self) -> Iterator[Problem]:
        for problems in self._wrong.values():
            yield from problems

    def with_readings(self, readings: Mapping[str, ManifestFile]) -> Mapping[str, ManifestFile]:
        """All files, as they are once these readings are taken over."""
        files = self._files.copy()
        files.update(readings)
        return files

    def put(self, path: str, fresh: ManifestFile) -> None:
        """Put what was read in the place of what was known."""
        self._refer(path, self._files.get(path), fresh.dependencies)
        self._files[path] = fresh
        if fresh.problems:
            self._wrong[path] = fresh.problems
        else:
            self._wrong.pop(path, None)

    def seen(self, path: str, signature: Signature | None) -> None:
        """Another file that says the same has taken its place."""
        self._files[path] = replace(self._files[path], signature=signature)

    def remove(self, path: str) -> ManifestFile:
        """A file is gone; what it was."""
        known = self._files.pop(path)
        self._refer(path, known, ())
        self._wrong.pop(path, None)
        return known

    def read_again(self) -> None:
        """Have every file parsed at the next look, whether it changes or not."""
        for path, file in self._files.to_dict().items():
            self._files[path] = replace(file, signature=OUTDATED)

    def _refer(
        self,
        path: str,
        known: ManifestFile | None,
        fresh: tuple[tuple[str, Signature | None], ...],
    ) -> None:
        before = {file for file, _ in known.dependencies} if known is not None else set()
        after = {file for file, _ in fresh}
        for file in before - after:
            others = self._referring[file] - {path}
            if others:
                self._referring[file] = others
            else:
                del self._referring[file]
                self.references += 1
        for file in after - before:
            self.references += file not in self._referring
            self._referring[file] = self._referring.get(file, frozenset()) | {path}
