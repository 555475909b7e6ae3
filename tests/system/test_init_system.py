from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.system.init_system import init_system


@pytest.mark.parametrize(
    ("folder", "name", "known"),
    [
        ("run/systemd/system", "systemd", True),
        ("run/openrc", "openrc", True),
        ("run", "tini", False),
    ],
)
def test_the_init_system_is_the_one_that_runs(
    tmp_path: Path, folder: str, name: str, known: bool
) -> None:
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/1").mkdir(parents=True)
    (tmp_path / "proc/1/comm").write_text("tini\n")
    found = init_system(str(tmp_path))
    assert (found.name, found.known) == (name, known)


def test_nothing_is_known_where_proc_is_not_mounted(tmp_path: Path) -> None:
    assert not init_system(str(tmp_path)).known
