"""Reading /proc tells the truth about processes that vanish, die, or tell odd things."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

import pytest

from reconciler.model.state.observed import Tag
from reconciler.system import procfs
from tests.observed.conftest import Zoo
from tests.waiting import until

_SYS_EXIT = {"x86_64": 60, "aarch64": 93}


def _tags(block: bytes) -> list[bytes]:
    return [*procfs.values(block, b"RECON_ID=s/")]


def test_only_a_whole_variable_is_a_tag() -> None:
    assert _tags(b"RECON_ID=s/a/0/h/n\0X=1\0") == [b"a/0/h/n"]
    assert _tags(b"X=1\0RECON_ID=s/a/0/h/n") == [b"a/0/h/n"]
    assert _tags(b"OLD_RECON_ID=s/a/0/h/n\0X=RECON_ID=s/b/0/h/n\0") == []
    assert _tags(b"RECON_ID=other/a/0/h/n\0") == []


@pytest.mark.parametrize("most", [0, 1, 65_536, 65_537, 200_000, 1 << 20])
def test_no_more_is_read_than_was_asked_for(tmp_path: Path, most: int) -> None:
    (tmp_path / "7").mkdir()
    content = bytes(range(256)) * 1200
    (tmp_path / "7/environ").write_bytes(content)
    (tmp_path / "7/cmdline").write_bytes(content)
    assert procfs.environment(7, most, str(tmp_path)) == content[:most]
    assert procfs.arguments(7, most, str(tmp_path)) == content[:most]


def test_a_process_that_is_gone_is_nothing_and_no_error(tmp_path: Path) -> None:
    proc = str(tmp_path)
    assert procfs.stat(7, proc) is None
    assert procfs.link(7, "exe", proc) is None
    assert procfs.environment(7, 100, proc) == procfs.arguments(7, 100, proc) == b""
    assert procfs.areas(7, proc) is None
    assert procfs.stat_fields(7, proc) == []


def test_a_zombie_is_dead(zoo: Zoo) -> None:
    id = zoo.start(None)
    zoo.kill(id)
    os.waitid(os.P_PID, id.pid, os.WEXITED | os.WNOWAIT)
    found = procfs.stat(id.pid)
    assert found is not None and found.state == "Z"
    assert procfs.is_dead(found)


def test_a_process_whose_first_thread_has_ended_lives(zoo: Zoo) -> None:
    number = _SYS_EXIT.get(platform.machine())
    if number is None:
        pytest.skip(f"the number of exit(2) on {platform.machine()} is not known here")
    source = (
        "import ctypes, threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        f"ctypes.CDLL(None).syscall({number}, 0)"
    )
    id = zoo.start(None, source)
    until(lambda: (s := procfs.stat(id.pid)) and s.state == "Z", what="the thread to end")
    found = procfs.stat(id.pid)
    assert found is not None and not procfs.is_dead(found)


def test_a_thread_is_told_from_a_process(zoo: Zoo) -> None:
    id = zoo.start(
        None, "import threading, time; threading.Thread(target=time.sleep, args=(600,)).start()"
    )
    tasks = until(lambda: (t := os.listdir(f"/proc/{id.pid}/task"))[1:] and t)
    assert {procfs.is_thread(int(task)) for task in tasks if int(task) != id.pid} == {True}
    assert not procfs.is_thread(id.pid)


def test_being_out_of_files_never_looks_like_a_process_that_is_gone() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = os.dup(0)
    os.close(free)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        with pytest.raises(OSError, match="Too many open files"):
            procfs.stat(os.getpid())
        with pytest.raises(OSError, match="Too many open files"):
            procfs.environment(os.getpid(), 100)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_children_are_listed(zoo: Zoo) -> None:
    assert zoo.start(None).pid in procfs.children(os.getpid())


def test_areas_tell_the_size_of_an_environment_and_that_it_is_in_place(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = zoo.start(tag)
    whole = sum(len(f"{name}={value}\0") for name, value in _given(tag).items())
    until(lambda: procfs.areas(id.pid) == procfs.Areas(False, whole))


def test_a_kernel_thread_has_no_memory(tmp_path: Path) -> None:
    (tmp_path / "2").mkdir()
    (tmp_path / "2/stat").write_text(f"2 (kthreadd) S {'0 ' * 49}")
    assert procfs.areas(2, str(tmp_path)) is None


def _given(tag: Tag) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "RECON_ID": str(tag)}
