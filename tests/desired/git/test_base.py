"""A review compares all that git tracks, as it was and as it is; the rest belongs to a host."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.desired.git.base import RepositoryError, Review, review_of
from tests.desired.conftest import Folder, manifest

KEY = b"k" * 32


def git(where: Path, *arguments: str) -> None:
    names = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *names, *arguments], cwd=where, check=True, capture_output=True)


def commit(where: Path) -> None:
    git(where, "add", "-A")
    git(where, "commit", "-qm", "more")


def review(folder: Folder, revision: str = "HEAD") -> Review:
    return review_of(folder.root, revision, key=KEY)


def changed(found: Review) -> set[str]:
    """Apps whose revision is another on the other side."""
    before, after = found.before.apps, found.after.apps
    assert not found.after.problems
    return {
        name
        for name in before.keys() | after.keys()
        if name not in before or name not in after or before[name].hash != after[name].hash
    }


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
    commit(tmp_path)
    folder.app("web", "  instances: 5\n")
    (folder.root / "deep/old.yaml").unlink()
    return folder


def test_a_revision_is_read_as_it_was_with_the_directorys_own_paths(repository: Folder) -> None:
    before = review(repository).before
    assert sorted(before.apps) == ["old", "web"]
    web = before.apps["web"]
    assert web.spec.wanted == 2
    assert web.spec.cwd == str(repository.root.parent / "gone"), "as if it stood there"
    assert web.source.file == str(repository.root / "web.yaml")


def test_problems_of_a_revision_name_it(repository: Folder) -> None:
    (problem,) = review(repository).before.problems
    assert problem.file == "HEAD:deep/link.yaml"


def test_the_same_manifest_has_the_same_hash_on_both_sides(repository: Folder) -> None:
    (repository.root / "deep/link.yaml").unlink()
    commit(repository.root)
    assert changed(review(repository)) == set()


def test_a_directory_that_was_not_there_yet_declares_nothing(repository: Folder) -> None:
    fresh = Folder(repository.root.parent / "fresh")
    fresh.app("new")
    found = review(fresh).before
    assert not found.apps and not found.problems


@pytest.mark.parametrize("revision", ["no-such-branch", "--all", "HEAD:manifests", "x...HEAD"])
def test_a_revision_that_is_not_there_is_a_sentence(repository: Folder, revision: str) -> None:
    with pytest.raises(RepositoryError, match="no revision"):
        review(repository, revision)


def test_no_repository_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="git repository"):
        review_of(tmp_path, "HEAD", key=KEY)
    with pytest.raises(RepositoryError, match="not a directory"):
        review_of(tmp_path / "gone", "HEAD", key=KEY)


# -- every file that enters a revision ---------------------------------------------------------


_APPS = {
    "dotenv": "  envFrom: [../.env]\n",
    "optional": "  envFrom: [{file: ../extra.env, optional: true}]\n",
    "secret": "  env: {A: {secretFile: ../secrets/a}}\n",
    "credential": "  env: {A: {credential: ../secrets/b}}\n",
    "watching": "  cwd: ..\n  watch: {paths: [src], ignore: ['*.map']}\n",
    "built": "  cwd: ..\n  build: {command: make, inputs: [lib], env: {B: {secretFile: ../c}}}\n",
    "linked": "  envFrom: [../current/.env]\n",
    "shell": "  env: {A: {fromEnv: ELSEWHERE}}\n  envFrom: [../.env2]\n",
    "outside": "  env: {A: {secretFile: /etc/recon-no-such-secret}}\n",
}


@pytest.fixture
def tracked(tmp_path: Path) -> Folder:
    """A repository in which each app takes in other files, all of them committed."""
    git(tmp_path, "init", "-q")
    files = {
        ".env": "X=1\n",
        ".env2": "X=1\n",
        "secrets/a": "one\n",
        "secrets/b": "one\n",
        "c": "one\n",
        "src/deep/main.js": "1",
        "src/main.js.map": "1",
        "lib/a.c": "1",
        "releases/1/.env": "X=1\n",
        "releases/2/.env": "X=2\n",
        ".gitignore": "dist/\nlocal.env\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    (tmp_path / "current").symlink_to("releases/1")
    folder = Folder(tmp_path / "manifests")
    for name, spec in _APPS.items():
        folder.app(name, spec)
    commit(tmp_path)
    return folder


def write(name: str, content: str) -> Callable[[Path], None]:
    def edit(top: Path) -> None:
        (top / name).write_text(content)

    return edit


def swap(top: Path) -> None:
    (top / "current").unlink()
    (top / "current").symlink_to("releases/2")


def unlink_link(top: Path) -> None:
    """A folder in the place of the link, with the same name in it and another content."""
    (top / "current").unlink()
    (top / "current").mkdir()
    (top / "current/.env").write_text("X=3\n")


@pytest.mark.parametrize(
    ("edit", "concerned"),
    [
        (write(".env", "X=2\n"), {"dotenv"}),
        (write("extra.env", "NEW=1\n"), {"optional"}),
        (write("secrets/a", "two\n"), {"secret"}),
        (write("secrets/b", "two\n"), {"credential"}),
        (write("src/deep/main.js", "2"), {"watching"}),
        (write("src/new.js", "2"), {"watching"}),
        (write("src/main.js.map", "2"), set()),
        (write("lib/a.c", "2"), {"built", "built--build"}),
        (write("c", "two\n"), {"built", "built--build"}),
        (write(".env2", "X=2\n"), {"shell"}),
        (write("releases/1/.env", "X=2\n"), {"linked"}),
        (write("releases/2/.env", "X=3\n"), set()),
        (swap, {"linked"}),
        (unlink_link, {"linked"}),
    ],
    ids=lambda value: None if callable(value) else ",".join(sorted(value)) or "nothing",
)
def test_every_tracked_file_that_enters_a_revision_is_compared(
    tracked: Folder, edit: Callable[[Path], None], concerned: set[str]
) -> None:
    assert changed(review(tracked)) == set()
    edit(tracked.root.parent)
    assert {name.replace(":", "--") for name in changed(review(tracked))} == concerned
    commit(tracked.root.parent)
    after_commit = changed(review(tracked, "HEAD~1"))
    assert {name.replace(":", "--") for name in after_commit} == concerned
    assert changed(review(tracked)) == set()


def test_a_tracked_file_that_is_gone_is_a_mistake(tracked: Folder) -> None:
    (tracked.root.parent / "secrets/a").unlink()
    (problem,) = review(tracked).after.problems
    assert problem.file.endswith("secret.yaml") and "does not exist" in problem.message


def test_what_git_ignores_is_the_hosts_on_both_sides(tracked: Folder) -> None:
    tracked.app("local", "  envFrom: [../local.env]\n  watch: {paths: [../dist]}\n")
    commit(tracked.root.parent)
    assert changed(review(tracked)) == set(), "in CI it is not there"
    (tracked.root.parent / "local.env").write_text("X=1\n")
    (tracked.root.parent / "dist").mkdir()
    (tracked.root.parent / "dist/main.js").write_text("1")
    assert changed(review(tracked)) == set()


def test_a_manifest_behind_a_link_out_of_the_directory_is_read_as_it_was(tracked: Folder) -> None:
    top = tracked.root.parent
    (top / "shared").mkdir()
    (top / "shared/one.yaml").write_text(manifest("one", "  instances: 2\n"))
    (top / "shared/apps").mkdir()
    (top / "shared/apps/two.yaml").write_text(manifest("two", "  instances: 2\n"))
    (tracked.root / "one.yaml").symlink_to("../shared/one.yaml")
    (tracked.root / "apps").symlink_to("../shared/apps")
    commit(top)
    for name in ("one", "apps/two"):
        path = top / "shared" / f"{name}.yaml"
        path.write_text(path.read_text().replace("2", "3"))
    found = review(tracked)
    assert not found.before.problems
    assert [found.before.apps[name].spec.wanted for name in ("one", "two")] == [2, 2]
    assert [found.after.apps[name].spec.wanted for name in ("one", "two")] == [3, 3]


# -- what is compared with ----------------------------------------------------------------------


@pytest.fixture
def behind(repository: Folder) -> Folder:
    """A branch that changed web, while main took in others' work."""
    git(repository.root, "checkout", "-q", "-f", "-B", "main")
    (repository.root / "deep/link.yaml").unlink()
    commit(repository.root)
    git(repository.root, "checkout", "-q", "-b", "mine")
    repository.app("web", "  env: {MINE: '1'}\n")
    commit(repository.root)
    git(repository.root, "checkout", "-q", "main")
    repository.app("theirs")
    repository.app("web", "  instances: 7\n  env: {THEIRS: '1'}\n")
    commit(repository.root)
    git(repository.root, "checkout", "-q", "mine")
    return repository


@pytest.mark.parametrize("revision", ["main", "main...HEAD", "main...", "main...mine"])
def test_a_branch_behind_is_compared_with_where_it_left(behind: Folder, revision: str) -> None:
    found = review(behind, revision)
    assert changed(found) == {"web"}
    assert found.before.apps["web"].spec.env == {}
    assert bool(found.note) == (revision == "main"), "who asks for the merge base knows it"


def test_two_dots_compare_with_the_revision_itself(behind: Folder) -> None:
    assert changed(review(behind, "main..")) == {"web", "theirs"}


def test_the_right_side_has_to_be_checked_out(behind: Folder) -> None:
    with pytest.raises(RepositoryError, match="git switch main"):
        review(behind, "HEAD~1...main")


def test_without_a_common_commit_the_revision_itself_is_compared(repository: Folder) -> None:
    git(repository.root, "checkout", "-q", "--orphan", "apart")
    commit(repository.root)
    found = review(repository, "main")
    assert "shallow" in found.note and found.before.apps["web"].spec.wanted == 2


def test_the_environment_of_a_hook_leads_to_no_other_repository(
    repository: Folder, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q")
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.setenv(name, os.fspath(other / ".git"))
    assert "old" in review(repository).before.apps
