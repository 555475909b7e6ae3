"""What a program does without, read from the kernel's own account of the real program."""

from __future__ import annotations

import asyncio
import grp
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.converge.isolation import mounts
from reconciler.converge.process.execcheck import exec_check
from reconciler.converge.process.spawn import SpawnError
from reconciler.model.spec.privileges import CAPABILITIES
from reconciler.model.state.observed import Process
from reconciler.system import syscalls
from tests.converge.conftest import MakeApp, SpawnApp, ended
from tests.waiting import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may take these away")
SLEEP = ["sleep", "300"]
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")

Status = dict[str, str]


def status_of(pid: int | str) -> Status:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}


def capabilities_of(pid: int | str) -> dict[str, int]:
    status = status_of(pid)
    return {name: int(status[name], 16) for name in SETS}


@pytest.fixture
def started(make_app: MakeApp, spawn_app: SpawnApp) -> Callable[..., Status]:
    def start(**spec: object) -> Status:
        pid = spawn_app(make_app(SLEEP, cwd="/", **spec)).process.id.pid
        return status_of(pid)

    return start


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def mine() -> int:
    return capabilities_of("self")["CapBnd"]


def test_no_new_privileges_is_set_for_the_program_and_not_for_recon(
    started: Callable[..., Status],
) -> None:
    assert started(noNewPrivileges=True)["NoNewPrivs"] == "1"
    assert started()["NoNewPrivs"] == "0"
    assert status_of("self")["NoNewPrivs"] == "0", "the controller itself keeps what it has"


@as_root
def test_an_ordinary_user_does_not_become_root_by_a_setuid_program(
    make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path, open_folder: Path
) -> None:
    probe = open_folder / "id"
    probe.write_bytes(Path("/usr/bin/id").read_bytes())
    probe.chmod(0o4755)
    said = {}
    for forbidden in (False, True):
        with (tmp_path / "out").open("wb") as out:
            app = make_app([str(probe), "-u"], user="nobody", noNewPrivileges=forbidden, cwd="/")
            spawned = spawn_app(app, out=out.fileno())
            until(lambda fd=spawned.pidfd: ended(fd))  # type: ignore[misc]
        said[forbidden] = (tmp_path / "out").read_text().strip()
    if said[False] != "0":
        pytest.skip("setuid programs have no effect here (nosuid, or a user namespace)")
    assert said[True] == str(pwd.getpwnam("nobody").pw_uid)


@as_root
def test_root_keeps_exactly_what_is_not_dropped(started: Callable[..., Status]) -> None:
    before = capabilities_of("self")
    status = started(capabilities={"drop": ["NET_RAW", "cap_sys_admin"]})
    gone = 1 << CAPABILITIES.index("NET_RAW") | 1 << CAPABILITIES.index("SYS_ADMIN")
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert int(status[name], 16) == mine() & ~gone, name
    assert capabilities_of("self") == before, "the controller itself keeps what it has"


@as_root
@pytest.mark.parametrize("user", ["root", "nobody", None])
def test_all_is_all_for_root_and_for_others(
    started: Callable[..., Status], user: str | None
) -> None:
    who = {} if user is None else {"user": user}
    status = started(capabilities={"drop": ["ALL"]}, **who)
    assert [int(status[name], 16) for name in SETS] == [0] * 5
    uid = pwd.getpwnam(user or "root").pw_uid
    assert status["Uid"].split() == [str(uid)] * 4


@as_root
def test_a_user_comes_with_its_own_groups_and_the_declared_ones(
    started: Callable[..., Status],
) -> None:
    status = started(user="nobody", supplementaryGroups=["adm", 4242])
    own = os.getgrouplist("nobody", pwd.getpwnam("nobody").pw_gid)
    assert {*map(int, status["Groups"].split())} == {*own, grp.getgrnam("adm").gr_gid, 4242}


def can_write(pid: int, path: Path) -> bool:
    """Whether root may, in the view of that process."""
    script = 'test -e "$0" && : >> "$0"'
    done = subprocess.run(
        ["nsenter", "-t", str(pid), "-m", "sh", "-c", script, path],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


@pytest.fixture(params=["mount_setattr", "mount by mount"])
def either_way(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    forked_server: Callable[[], None],
) -> None:
    """As on Linux before 5.12, too."""

    def unknown(path: str) -> None:
        raise OSError(38, "Function not implemented")

    if request.param != "mount_setattr":
        monkeypatch.setattr(syscalls, "make_read_only", unknown)
        forked_server()


@as_root
def test_read_only_paths_cannot_be_written_by_root_nor_what_is_mounted_below(
    make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path, either_way: None
) -> None:
    kept, other = tmp_path / "kept", tmp_path / "other"
    below = kept / "with a space"
    for folder in (below, other):
        folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", below], check=True)
    try:
        files = [folder / "file" for folder in (kept, below, other)]
        for file in files:
            file.touch()
        pid = spawn_app(make_app(SLEEP, readOnlyPaths=[str(kept)])).process.id.pid
        assert [can_write(pid, file) for file in files] == [False, False, True]
        assert [can_write(os.getpid(), file) for file in files] == [True] * 3
    finally:
        subprocess.run(["umount", "-l", below], check=True)


@as_root
def test_the_whole_host_can_be_read_only_and_output_still_comes(
    make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path, either_way: None
) -> None:
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.touch()
    os.mkfifo(pipe)
    fd = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    script = f"echo one; echo two > /dev/stdout; (: > {file}) 2> /dev/null || echo refused"
    app = make_app(["sh", "-c", f"{script}; sleep 300"], readOnlyPaths=["/"], privateTmp=True)
    spawned = spawn_app(make_app(app.spec.command, readOnlyPaths=["/"]), out=fd)
    text = b""

    def refused() -> bool:
        nonlocal text
        try:
            text += os.read(fd, 4096)
        except BlockingIOError:
            pass
        return b"refused" in text

    until(refused, what="the program's words")
    assert text.split() == [b"one", b"two", b"refused"]
    assert not ended(spawned.pidfd)
    os.close(fd)


@as_root
def test_a_private_tmp_is_empty_writable_and_gone_with_the_instance(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    script = "ls -A /tmp /var/tmp; touch /tmp/mine /var/tmp/mine && sleep 300"
    app = make_app(["sh", "-c", script], privateTmp=True, user="nobody", cwd="/")
    pids = [spawn_app(app).process.id.pid for _ in range(2)]
    for pid in pids:
        inside = [Path(f"/proc/{pid}/root{folder}") for folder in ("/tmp", "/var/tmp")]
        until((inside[1] / "mine").exists, what="the program's files")
        assert [os.listdir(folder) for folder in inside] == [["mine"]] * 2
        assert all(folder.stat().st_mode & 0o7777 == 0o1777 for folder in inside)
    assert not Path("/tmp/mine").exists()
    assert os.stat(f"/proc/{pids[0]}/ns/mnt").st_ino != os.stat(f"/proc/{pids[1]}/ns/mnt").st_ino


@as_root
def test_what_the_host_mounts_later_arrives_and_the_instances_mounts_do_not_leave(
    make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path
) -> None:
    """In a mount namespace whose mounts are shared, as systemd has them."""
    script = f"""
import os, subprocess, sys
sys.path[:0] = {sys.path!r}
from reconciler.system import syscalls
from reconciler.converge.isolation.user_account import account_of
from reconciler.converge.isolation.privileges import Confinement
from reconciler.converge.process.spawn import Program, start
from tests.converge.conftest import settle
syscalls.unshare(syscalls.CLONE_NEWNS)
syscalls.mount(None, "/", flags=syscalls.MS_REC | 1 << 20)
by = Confinement(read_only=("/usr",), private_tmp=True)
me = account_of(None, None)
started = start(Program(("/bin/sleep", "300"), "/", me, {{}}, confinement=by), -3, -3)
try:
    settle(started.report)
    syscalls.mount("tmpfs", sys.argv[1], "tmpfs")
    print(sys.argv[1] in open(f"/proc/{{started.id.pid}}/mounts").read())
    print(" /tmp tmpfs" in open("/proc/self/mounts").read())
finally:
    os.kill(started.id.pid, 9)
    os.waitpid(started.id.pid, 0)
"""
    done = subprocess.run(
        [sys.executable, "-c", script, "/mnt"], capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["True", "False"], done.stderr


@as_root
def test_a_probe_and_a_pre_stop_see_the_files_that_the_instance_sees(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    app = make_app(["sh", "-c", "touch /tmp/mine; sleep 300"], privateTmp=True, cwd="/")
    process = spawn_app(app).process
    until(lambda: Path(f"/proc/{process.id.pid}/root/tmp/mine").exists())
    script = "test -e /tmp/mine && test /proc/self/ns/mnt -ef /proc/$RECON_PID/ns/mnt"
    command = ("sh", "-c", script)
    assert asyncio.run(exec_check(app, process, command, 10))[0]
    gone = Process(process.tag, process.id._replace(start=process.id.start + 1), 0.0)
    ok, told = asyncio.run(exec_check(app, gone, command, 10))
    assert not ok and "cannot be shared" in told


@as_root
def test_one_that_has_made_itself_root_of_a_namespace_is_not_followed_there(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    app = make_app(["unshare", "-Urm", "sleep", "300"], privateTmp=True, cwd="/", user="nobody")
    process = spawn_app(app).process
    own = os.stat("/proc/self/ns/user").st_ino

    def left() -> bool:
        return os.stat(f"/proc/{process.id.pid}/ns/user").st_ino != own

    try:
        until(left)
    except (AssertionError, OSError):
        pytest.skip("ordinary users may not make user namespaces here")
    ok, told = asyncio.run(exec_check(app, process, ("true",), 10))
    assert not ok and "user namespace of its own" in told


@as_root
def test_each_failure_is_a_sentence_with_a_next_step(
    make_app: MakeApp,
    spawn_app: SpawnApp,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    forked_server: Callable[[], None],
) -> None:
    with pytest.raises(SpawnError, match="does not exist; create it, or correct `readOnlyPaths`"):
        spawn_app(make_app(SLEEP, readOnlyPaths=[str(tmp_path / "nothing")]))
    with pytest.raises(SpawnError, match="`privateTmp` hides the host's /tmp"):
        spawn_app(make_app(SLEEP, cwd=str(tmp_path), privateTmp=True))

    def refused(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(mounts, "enter_own", refused)
    monkeypatch.setattr(syscalls, "drop_from_bounding", refused)
    forked_server()
    with pytest.raises(SpawnError, match="needs CAP_SYS_ADMIN"):
        spawn_app(make_app(SLEEP, privateTmp=True, cwd="/"))
    with pytest.raises(SpawnError, match="may not drop capabilities here"):
        spawn_app(make_app(SLEEP, capabilities={"drop": ["CHOWN"]}))
