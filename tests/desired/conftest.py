"""A directory of manifests to write into, and the store that reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.desired.directory.store import ManifestStore


class Folder:
    """The manifests of one test."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(exist_ok=True)

    def write(self, name: str, content: str | bytes) -> Path:
        """A file put in place at once, as an editor's rename does."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.new")
        beside.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.replace(beside, path)
        return path

    def app(self, name: str, spec: str = "", file: str = "") -> Path:
        return self.write(file or f"{name}.yaml", manifest(name, spec))

    def store(self, **options: object) -> ManifestStore:
        return ManifestStore(self.root, **options)  # type: ignore[arg-type]  # a test's shorthand

    def scanned(self, **options: object) -> ManifestStore:
        store = self.store(**options)
        store.scan()
        return store


def manifest(name: str, spec: str = "") -> str:
    """A good manifest; ``spec``: more lines of it, two blanks to the right."""
    return (
        f"apiVersion: recon/v1\nkind: App\nmetadata: {{name: {name}}}\n"
        f"spec:\n  command: [sleep, 1000]\n{spec}"
    )


def job_manifest(name: str, spec: str = "") -> str:
    """The same of a Job."""
    return manifest(name, spec).replace("kind: App", "kind: Job")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "manifests")


@pytest.fixture
def accept() -> Callable[[ManifestStore, Path], frozenset[str]]:
    """Refresh until the file is believed: as the controller does, twice."""

    def refreshed(store: ManifestStore, path: Path) -> frozenset[str]:
        first = store.refresh([path])
        return first | store.refresh(store.unstable)

    return refreshed
