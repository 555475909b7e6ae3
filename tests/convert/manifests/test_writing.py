"""An import is all or nothing, over nothing that is there; secrets are their owner's alone."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests.finalise import Bundle, bundle
from reconciler.convert.manifests.writing import write
from tests.convert.conftest import pm2_draft

KEY = "hush " * 10


def made(directory: Path, *names: str) -> Bundle:
    drafts = [
        pm2_draft({"name": name, "script": "a.js", "env": {"DB_PASSWORD": KEY}}) for name in names
    ]
    return bundle(drafts, str(directory))


def tree(directory: Path) -> set[str]:
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file()}


def test_secrets_are_0600_in_a_folder_that_others_cannot_enter(tmp_path: Path) -> None:
    directory = tmp_path / "manifests"
    found = made(directory, "one", "two")
    old = os.umask(0)
    try:
        write(found)
    finally:
        os.umask(old)
    secret = directory / "secrets/one/DB_PASSWORD"
    assert tree(directory) == {"one.yaml", "two.yaml", "secrets/one/DB_PASSWORD"}
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(secret.parent.parent.stat().st_mode) == 0o700
    assert secret.read_text() == KEY + "\n"


def test_in_a_work_tree_git_is_kept_from_the_secrets(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    write(made(tmp_path / "manifests", "one"))
    assert (tmp_path / "manifests/secrets/.gitignore").read_text() == "*\n"


@pytest.mark.parametrize("there", ["one.yaml", "secrets/one/DB_PASSWORD", "two.yaml"])
def test_nothing_is_overwritten_and_then_nothing_is_written(tmp_path: Path, there: str) -> None:
    path = tmp_path / there
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("mine")
    with pytest.raises(ImportFault, match="already exists; nothing was written"):
        write(made(tmp_path, "one", "two"))
    assert tree(tmp_path) == {there}
    assert path.read_text() == "mine"


def test_a_name_that_another_manifest_declares_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "all.yaml").write_text(
        "# x\napiVersion: recon/v1\nkind: App\nmetadata: {name: one}\nspec: {command: x}\n"
    )
    with pytest.raises(ImportFault, match=r"all\.yaml:2 declares one already"):
        write(made(tmp_path, "one"))


def test_when_one_file_cannot_be_written_none_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, opened = os.open, []

    def fails(path: str, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if str(path).endswith("two.yaml"):
            raise OSError(28, "No space left on device", path)
        opened.append(path)
        return real(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", fails)
    with pytest.raises(ImportFault, match=r"two\.yaml: No space left on device; nothing was"):
        write(made(tmp_path / "manifests", "one", "two"))
    assert len(opened) >= 2
    assert list(tmp_path.iterdir()) == []
