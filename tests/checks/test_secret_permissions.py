"""Who else can get at a secret's file: by its mode, and by the directories above it."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.checks.secret_permissions import exposed, exposure
from reconciler.model.spec.manifest import AppSpec


@pytest.fixture
def file(open_folder: Path) -> Path:
    """One that everybody can come to."""
    made = open_folder / "secret"
    made.write_text("x")
    return made


@pytest.mark.parametrize(
    ("mode", "told"),
    [
        (0o600, ""),
        (0o640, ""),
        (0o660, ""),
        (0o400, ""),
        (0o644, "mode 0644: every user of this host may read "),
        (0o602, "mode 0602: every user of this host may write "),
        (0o666, "mode 0666: every user of this host may read and write "),
    ],
)
def test_the_mode_is_told_with_the_remedy(file: Path, mode: int, told: str) -> None:
    file.chmod(mode)
    found = exposure(str(file))
    assert found.startswith(told) and bool(found) == bool(told)
    if told:
        assert found.endswith(f"chmod o= {file}")


def test_a_directory_that_others_cannot_enter_is_as_good(file: Path) -> None:
    file.chmod(0o644)
    file.parent.chmod(0o700)
    assert exposure(str(file)) == ""


def test_a_link_is_as_open_as_what_it_leads_to(file: Path, tmp_path: Path) -> None:
    file.chmod(0o644)
    link = tmp_path / "closed/link"
    link.parent.mkdir(mode=0o700)
    link.symlink_to(file)
    assert exposure(str(link))


def test_every_kind_of_file_is_looked_at(file: Path) -> None:
    file.chmod(0o644)
    env = {"A": {"secretFile": str(file)}, "B": {"credential": str(file)}, "C": str(file)}
    spec = AppSpec.model_validate({"command": ["x"], "env": env, "envFrom": [str(file)]})
    assert [path for path, _ in exposed(spec)] == [("envFrom", 0), ("env", "A"), ("env", "B")]


def test_a_file_that_is_not_there_is_another_matter(tmp_path: Path) -> None:
    assert exposure(str(tmp_path / "gone")) == ""
