"""The manifests of a git revision are read as they were, whatever lies in the directory now."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.desired.base import BaseError, load_base
from tests.desired.conftest import Folder, manifest


def git(where: Path, *arguments: str) -> None:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", *names, *arguments], cwd=where, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path: Path) -> Folder:
    git(tmp_path, "init", "-q")
    folder = Folder(tmp_path / "manifests")
    folder.app("web", "  cwd: ../gone\n  instances: 2\n")
    folder.write("deep/old.yaml", manifest("old"))
    folder.write("deep/link.yaml", "")
    (folder.root / "deep/link.yaml").unlink()
    (folder.root / "deep/link.yaml").symlink_to("../linked.txt")
    (tmp_path / ".gitattributes").write_text("manifests/deep export-ignore\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "one")
    folder.app("web", "  instances: 5\n")
    (folder.root / "deep/old.yaml").unlink()
    return folder


def test_a_revision_is_read_as_it_was_with_the_directorys_own_paths(repository: Folder) -> None:
    desired = load_base(repository.root, "HEAD")
    assert sorted(desired.apps) == ["old", "web"]
    web = desired.apps["web"]
    assert web.spec.instances == 2
    assert web.spec.cwd == str(repository.root.parent / "gone"), "as if it stood there"
    assert web.source.file == str(repository.root / "web.yaml")


def test_problems_of_a_revision_name_it(repository: Folder) -> None:
    (problem,) = load_base(repository.root, "HEAD").problems
    assert problem.file == "HEAD:deep/link.yaml"


def test_the_same_manifest_has_the_same_hash_in_the_base_and_now(repository: Folder) -> None:
    git(repository.root, "add", "-A")
    git(repository.root, "commit", "-qm", "two")
    now = repository.scanned(environ_is_controllers=False).apps["web"]
    assert load_base(repository.root, "HEAD").apps["web"].hash == now.hash


def test_a_directory_that_was_not_there_yet_declares_nothing(repository: Folder) -> None:
    fresh = Folder(repository.root.parent / "fresh")
    fresh.app("new")
    desired = load_base(fresh.root, "HEAD")
    assert not desired.apps and not desired.problems


@pytest.mark.parametrize("revision", ["no-such-branch", "--all", "", "HEAD:manifests"])
def test_a_revision_that_is_not_there_is_a_sentence(repository: Folder, revision: str) -> None:
    with pytest.raises(BaseError, match="no revision"):
        load_base(repository.root, revision)


def test_no_repository_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BaseError, match="git repository"):
        load_base(tmp_path, "HEAD")
    with pytest.raises(BaseError, match="not a directory"):
        load_base(tmp_path / "gone", "HEAD")
