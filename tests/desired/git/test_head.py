"""The commit that is checked out, as git itself says it, and nothing else whatever lies there."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.desired.git.head import commit_of


def git(folder: Path, *words: str) -> str:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        **{
            f"GIT_{who}_{what}": "x"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }
    answer = subprocess.run(
        ["git", "-C", folder, *words], env=environment, check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    (root / "deploy/manifests").mkdir(parents=True)
    (root / "deploy/manifests/web.yaml").write_text("x")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return root


def test_it_is_what_git_says_from_any_folder_below(repository: Path) -> None:
    for folder in (repository, repository / "deploy/manifests"):
        assert commit_of(folder) == git(repository, "rev-parse", "HEAD")
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    "change",
    [
        ["pack-refs", "--all"],
        ["checkout", "-q", "--detach"],
        ["checkout", "-q", "-b", "feature/x-1.2_3@y"],
        ["gc", "-q"],
    ],
)
def test_however_the_branch_is_stored(repository: Path, change: list[str]) -> None:
    git(repository, *change)
    assert commit_of(repository) == git(repository, "rev-parse", "HEAD") != ""


def test_in_a_worktree_it_is_the_commit_of_that_worktree(repository: Path, tmp_path: Path) -> None:
    git(repository, "worktree", "add", "-q", "-b", "other", str(tmp_path / "other"))
    git(tmp_path / "other", "commit", "-q", "--allow-empty", "-m", "there")
    assert commit_of(tmp_path / "other") == git(tmp_path / "other", "rev-parse", "HEAD")
    assert commit_of(repository) != commit_of(tmp_path / "other")
    git(repository, "pack-refs", "--all")
    assert commit_of(tmp_path / "other") == git(tmp_path / "other", "rev-parse", "HEAD")


def test_without_a_repository_or_a_commit_there_is_none(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == ""
    git(tmp_path, "init", "-q")
    assert commit_of(tmp_path) == ""


@pytest.mark.parametrize(
    "head",
    [
        "ref: refs/../../../../etc/passwd",
        "ref: /etc/passwd",
        "ref: refs/heads/x\nrm -rf /",
        "x" * 40,
        "0" * 39,
        "",
        "\x00\xff",
    ],
)
def test_what_is_no_commit_is_none(tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git/HEAD").write_text(head)
    assert commit_of(tmp_path) == ""


@pytest.mark.parametrize("name", ["HEAD", "refs/heads/main", "packed-refs"])
def test_a_file_that_never_ends_holds_nobody_up(tmp_path: Path, name: str) -> None:
    git = tmp_path / ".git"
    (git / "refs/heads").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    for is_fifo in (True, False):
        (git / name).unlink(missing_ok=True)
        if is_fifo:
            os.mkfifo(git / name)
        else:
            (git / name).symlink_to("/dev/zero")
        with pytest.raises(OSError, match=r"."):
            commit_of(tmp_path)
