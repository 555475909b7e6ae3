"""Reading /proc tells the truth about processes that vanish, die, or tell odd things."""

from __future__ import annotations

import os
import platform
import resource
from pathlib import Path

import pytest

from reconciler.observed import procfs
from tests.observed.conftest import Zoo
from tests.waiting import until

_SYS_EXIT = {"x86_64": 60, "aarch64": 93}


def _environ(proc: Path, content: bytes) -> list[bytes]:
    (proc / "7").mkdir(exist_ok=True)
    (proc / "7/environ").write_bytes(content)
    return list(procfs.variable(7, b"RECON_ID=s/", str(proc)))


def test_only_a_whole_variable_is_a_tag(tmp_path: Path) -> None:
    assert _environ(tmp_path, b"RECON_ID=s/a/0/h/n\0X=1\0") == [b"a/0/h/n"]
    assert _environ(tmp_path, b"X=1\0RECON_ID=s/a/0/h/n") == [b"a/0/h/n"]
    assert _environ(tmp_path, b"OLD_RECON_ID=s/a/0/h/n\0X=RECON_ID=s/b/0/h/n\0") == []
    assert _environ(tmp_path, b"RECON_ID=other/a/0/h/n\0") == []


def test_a_tag_behind_a_very_large_environment_is_found(tmp_path: Path) -> None:
    content = b"X=" + b"x" * 300_000 + b"\0RECON_ID=s/a/0/h/n\0"
    assert _environ(tmp_path, content) == [b"a/0/h/n"]


def test_a_process_that_is_gone_is_nothing_and_no_error(tmp_path: Path) -> None:
    proc = str(tmp_path)
    assert procfs.stat(7, proc) is None
    assert procfs.link(7, "exe", proc) is None
    assert list(procfs.variable(7, b"RECON_ID=", proc)) == []
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
            list(procfs.variable(os.getpid(), b"RECON_ID="))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_children_are_listed(zoo: Zoo) -> None:
    assert zoo.start(None).pid in procfs.children(os.getpid())


def test_an_environment_is_read_though_the_exec_is_not_through(zoo: Zoo) -> None:
    """subprocess returns, as a lock would, a moment before the kernel puts it in place."""
    for _ in range(30):
        id = zoo.start(zoo.tag(), command=["sleep", "600"])
        assert list(procfs.variable(id.pid, b"RECON_ID="))


def test_a_kernel_thread_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "2").mkdir()
    (tmp_path / "2/environ").write_bytes(b"")
    assert not procfs.is_starting(2, str(tmp_path))
    assert list(procfs.variable(2, b"RECON_ID=", str(tmp_path))) == []
