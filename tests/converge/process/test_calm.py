"""What was found of a program holds for a moment, and only where no other user can change it."""

from __future__ import annotations

import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.converge.process import calm

Looks = list[tuple[str, ...]]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Looks]:
    """The programs that were opened, so not known already."""
    found: Looks = []
    look = calm._look

    def noted(paths: tuple[str, ...], folder: int) -> list[tuple[str | bytes, os.stat_result]]:
        found.append(paths)
        return look(paths, folder)

    monkeypatch.setattr(calm, "_look", noted)
    calm._known.clear()
    monkeypatch.setattr(calm, "_looked_at", time.monotonic())  # others were started just now
    yield found
    calm._known.clear()


@pytest.fixture
def program(tmp_path: Path) -> Path:
    return _write(tmp_path / "program", "#!/bin/sh\nexit 0\n")


def test_a_program_is_opened_once_for_many_starts(looks: Looks, program: Path) -> None:
    for _ in range(50):
        calm.check([str(program)], "/")
    assert looks == [(str(program),)]


def test_a_single_start_takes_no_note(
    looks: Looks, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calm, "_looked_at", time.monotonic() - 1.001)
    calm.check([str(program)], "/")
    assert not calm._known
    for _ in range(50):
        calm.check([str(program)], "/")
    assert looks == [(str(program),)] * 2


def test_a_second_later_it_is_opened_again(
    looks: Looks, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm.check([str(program)], "/")
    until = calm._known[str(program),].until
    monkeypatch.setattr(calm, "monotonic", lambda: until + 0.001)
    calm.check([str(program)], "/")
    assert len(looks) == 2


def _written_again(program: Path) -> None:
    _write(program, "#!/bin/sh\nexit 1\n")


def _replaced(program: Path) -> None:
    _write(program.with_name("new"), "#!/bin/sh\nexit 1\n").rename(program)


def _linked_elsewhere(program: Path) -> None:
    other = _write(program.with_name("other"), "#!/bin/sh\nexit 1\n")
    program.unlink()
    program.symlink_to(other)


@pytest.mark.parametrize("change", [_written_again, _replaced, _linked_elsewhere, os.remove])
def test_a_changed_program_is_opened_again(
    looks: Looks, program: Path, change: Callable[[Path], None]
) -> None:
    calm.check([str(program)], "/")
    change(program)
    try:
        calm.check([str(program)], "/")
    except FileNotFoundError:
        assert change is os.remove
    assert len(looks) == 2


def test_a_changed_interpreter_is_opened_again(looks: Looks, tmp_path: Path) -> None:
    shell = _write(tmp_path / "shell", "#!/bin/sh\n")
    program = _write(tmp_path / "program", f"#!{shell}\n")
    calm.check([str(program)], "/")
    _replaced(shell)
    calm.check([str(program)], "/")
    assert len(looks) == 2


def test_a_program_that_appears_earlier_in_the_path_is_opened(
    looks: Looks, program: Path, tmp_path: Path
) -> None:
    earlier = tmp_path / "bin" / "program"
    paths = [str(earlier), str(program)]
    calm.check(paths, "/")
    calm.check(paths, "/")
    assert len(looks) == 1
    earlier.parent.mkdir()
    os.mkfifo(earlier)
    with pytest.raises(OSError, match="not a regular file"):
        calm.check(paths, "/")


def test_what_another_user_owns_is_opened_each_time(
    looks: Looks, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He may take a lease on it at any moment, which does not show in its status."""
    monkeypatch.setattr(os, "geteuid", lambda: program.stat().st_uid + 1)
    if program.stat().st_uid == 0:
        os.chown(program, 12345, -1)
    calm.check([str(program)], "/")
    calm.check([str(program)], "/")
    assert len(looks) == 2


def test_a_program_below_the_working_directory_is_opened_each_time(
    looks: Looks, program: Path
) -> None:
    """The same words name another file in another directory."""
    for _ in range(2):
        calm.check(["./program"], str(program.parent))
    assert len(looks) == 2


@pytest.fixture
def deaf_to_sigio() -> Iterator[None]:
    """The holder of a lease is told by a signal that a program wants its file."""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGIO, before)


@pytest.mark.usefixtures("deaf_to_sigio")
def test_a_leased_program_is_not_known(looks: Looks, program: Path) -> None:
    with program.open("r+b") as file:
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        for _ in range(2):
            with pytest.raises(BlockingIOError):
                calm.check([str(program)], "/")
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    assert len(looks) == 2


def test_only_so_many_are_known(looks: Looks, tmp_path: Path) -> None:
    for number in range(calm._MOST_KNOWN + 5):
        calm.check([str(_write(tmp_path / f"p{number}", "#!/bin/sh\n"))], "/")
    assert len(calm._known) <= calm._MOST_KNOWN


def test_a_working_directory_elsewhere_is_looked_at_though_the_program_is_known(
    looks: Looks, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calm.check([str(program)], "/")
    monkeypatch.setattr(calm, "is_local", lambda fd: False)
    with pytest.raises(OSError, match="Object is remote"):
        calm.check([str(program)], "/proc")
    assert len(looks) == 1


def test_a_working_directory_that_is_gone_fails(program: Path, tmp_path: Path) -> None:
    (folder := tmp_path / "folder").mkdir()
    calm.check([str(program)], str(folder))
    folder.rmdir()
    with pytest.raises(FileNotFoundError):
        calm.check([str(program)], str(folder))


def test_no_descriptor_is_left_open_by_a_long_chain_of_interpreters(tmp_path: Path) -> None:
    calm._known.clear()
    last = Path("/bin/sh")
    for number in range(8):
        last = _write(tmp_path / f"i{number}", f"#!{last}\n")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        calm.check([str(last)], "/")
    assert len(os.listdir("/proc/self/fd")) == before


def _write(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path
