"""Two controllers on one directory of manifests see each other; one that has ended is forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.model.state.desired import Reason
from reconciler.state.neighbours import Neighbour, Neighbours

NOTE = """
import sys
from pathlib import Path
from reconciler.state.neighbours import Neighbours
other = Neighbours(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
status = Path(sys.argv[1]).stat()
other.look((status.st_dev, status.st_ino))
print("there", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    (tmp_path / "manifests").mkdir()
    return tmp_path / "manifests"


def another(manifests: Path, tmp_path: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", NOTE, str(manifests), "/var/lib/other", str(tmp_path / "run")]
    other = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout is not None and other.stdout.readline() == b"there\n"
    return other


def look(own: Neighbours, manifests: Path | None) -> tuple[Neighbour, ...]:
    """As the controller has it look: with the directory that the manifests lie in now."""
    status = manifests.stat() if manifests is not None else None
    return own.look((status.st_dev, status.st_ino) if status is not None else None)


def test_another_controller_of_the_same_directory_is_told_until_it_ends(
    manifests: Path, tmp_path: Path
) -> None:
    """By whatever path: what counts is the directory."""
    (tmp_path / "link").symlink_to("manifests")
    own = Neighbours(tmp_path / "link", Path("/var/lib/recon"), tmp_path / "run")
    assert [*look(own, manifests)] == [] and [*own.problems] == []
    with another(manifests, tmp_path) as other:
        [found] = [*look(own, manifests)]
        assert found.pid == other.pid and found.state == "/var/lib/other"
        assert [*look(own, manifests)] == [] and [*own.found] == [found]
        [problem] = [*own.problems]
        assert problem.reason is Reason.SHARED
        assert f"pid {other.pid}, --state-dir /var/lib/other" in problem.text
        assert "stop one: recon down --state-dir /var/lib/other" in problem.remedy
        other.kill()
    assert [*look(own, manifests), *own.found] == []
    assert len(os.listdir(tmp_path / "run")) == 1, "its note is removed"
    own.close()
    assert not os.listdir(tmp_path / "run")


def test_a_controller_that_is_killed_and_not_reaped_yet_is_none(
    manifests: Path, tmp_path: Path
) -> None:
    own = Neighbours(manifests, Path("/var/lib/recon"), tmp_path / "run")
    with another(manifests, tmp_path) as other:
        assert len([*look(own, manifests)]) == 1
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)  # a zombie
        look(own, manifests)
        assert own.found == ()


def test_the_one_before_with_the_same_state_directory_is_no_neighbour(
    manifests: Path, tmp_path: Path
) -> None:
    own = Neighbours(manifests, Path("/var/lib/other"), tmp_path / "run")
    with another(manifests, tmp_path) as other:
        assert [*look(own, manifests), *own.found] == [], (
            "its lock is ours, so it is about to be gone"
        )
        other.kill()


def test_other_directories_and_used_pids_and_damaged_notes_are_nobody(
    manifests: Path, tmp_path: Path
) -> None:
    own = Neighbours(manifests, Path("/state"), tmp_path / "run")
    look(own, manifests)
    status = manifests.stat()
    for number, text in enumerate(
        ["", "{", "[]", '{"pid": 1}', json.dumps({"pid": 1, "start": 5, "state": "/x"})]
    ):
        (tmp_path / f"run/{status.st_dev}-{status.st_ino}.9{number}").write_text(text)
    (tmp_path / "elsewhere").mkdir()
    with another(tmp_path / "elsewhere", tmp_path) as other:
        assert [*look(own, manifests)] == []
        other.kill()


def test_a_link_to_another_release_takes_the_note_along(manifests: Path, tmp_path: Path) -> None:
    (tmp_path / "next").mkdir()
    (tmp_path / "link").symlink_to("manifests")
    own = Neighbours(tmp_path / "link", Path("/state"), tmp_path / "run")
    look(own, tmp_path / "link")
    (tmp_path / "fresh").symlink_to("next")
    (tmp_path / "fresh").rename(tmp_path / "link")
    look(own, tmp_path / "link")
    (note,) = os.listdir(tmp_path / "run")
    assert note.startswith(f"{(tmp_path / 'next').stat().st_dev}-")
    with another(tmp_path / "next", tmp_path) as other:
        assert [one.pid for one in look(own, tmp_path / "link")] == [other.pid]
        other.kill()


def test_without_a_run_directory_nobody_is_found_and_nothing_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert look(Neighbours(tmp_path / "gone", Path("/s"), tmp_path / "run"), None) == ()
    assert look(Neighbours(tmp_path, Path("/s"), tmp_path / "file/run"), tmp_path) == ()
