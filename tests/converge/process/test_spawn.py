"""A process is exactly what its manifest says, and a failure says what to do."""

from __future__ import annotations

import dataclasses
import errno
import fcntl
import gc
import json
import os
import pwd
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.converge.process import descriptors, forkserver, stub
from reconciler.converge.process import spawn as module
from reconciler.converge.process.forkserver import ForkServer
from reconciler.converge.process.spawn import Spawned, SpawnError
from reconciler.model.host.procstat import STUB, parse_stat
from reconciler.system.exec_errors import DIRECTORY, IDENTITY, why
from tests.converge.conftest import MakeApp, SpawnApp, ended, new_tag, python
from tests.waiting import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")

REPORT = """
import json, os, signal, sys
mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
status = dict(l.split(":", 1) for l in open("/proc/self/status"))
print(json.dumps({
    "cwd": os.getcwd(), "env": dict(os.environ), "sid": os.getsid(0), "pid": os.getpid(),
    "pgid": os.getpgid(0), "uid": os.getresuid(), "gid": os.getresgid(),
    "groups": os.getgroups(), "blocked": sorted(mask),
    "ignored": int(status["SigIgn"], 16), "stdin": os.readlink("/proc/self/fd/0"),
    "umask": int(status["Umask"], 8)}), flush=True)
"""


@pytest.fixture
def report(make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path) -> Any:
    """What a program sees of itself when started with the given fields."""

    def run(**spec: Any) -> dict[str, Any]:
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        fd = os.open(out, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            spawned = spawn_app(make_app(python(REPORT), **spec), out=fd)
        finally:
            os.close(fd)
        until(lambda: ended(spawned.pidfd), what="the report")
        result: dict[str, Any] = json.loads(out.read_text())
        return result

    return run


def test_the_program_leads_a_session_in_its_directory_with_dev_null_as_input(
    report: Any, tmp_path: Path
) -> None:
    seen = report()
    assert seen["sid"] == seen["pid"] == seen["pgid"]
    assert seen["cwd"] == str(tmp_path)
    assert seen["stdin"] == "/dev/null"


def test_the_environment_is_the_manifests_and_the_short_list_only(
    report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_SHELL", "must not leak")
    seen = report(env={"PORT": {"perInstance": 3000}, "A": "b"})["env"]
    listed = {"PATH", "LANG", "TZ", "HOME", "USER", "LOGNAME", "RECON_ID", "PORT", "A", "LC_CTYPE"}
    assert set(seen) <= listed  # LC_CTYPE: Python sets it in itself (PEP 538)
    assert (seen["PORT"], seen["A"]) == ("3000", "b")


def test_the_umask_is_the_manifests(report: Any) -> None:
    assert report(umask="027")["umask"] == 0o027


@as_root
def test_a_user_is_taken_on_with_its_own_groups_and_none_of_roots(
    make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path
) -> None:
    """By the system's own tools: this interpreter may lie where nobody may go."""
    nobody = pwd.getpwnam("nobody")
    with (tmp_path / "out").open("wb") as out:
        shell = ["/bin/sh", "-c", "id -u; id -g; id -G; echo $USER $LOGNAME; echo $HOME; id -ru"]
        spawned = spawn_app(make_app(shell, user="nobody", cwd="/"), out=out.fileno())
    until(lambda: ended(spawned.pidfd))
    uid, gid, groups, names, home, real = (tmp_path / "out").read_text().splitlines()
    assert int(uid) == int(real) == nobody.pw_uid
    assert int(gid) == nobody.pw_gid
    assert {int(group) for group in groups.split()} == set(os.getgrouplist("nobody", nobody.pw_gid))
    assert names == "nobody nobody"
    assert home == nobody.pw_dir


@as_root
def test_a_group_alone_changes_the_group(report: Any) -> None:
    seen = report(group="daemon")
    assert seen["uid"] == [0, 0, 0]
    assert seen["gid"] == [1, 1, 1]


def test_the_process_is_named_by_its_tag_pid_and_start_time(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    tag = new_tag()
    process = spawn_app(make_app(["sleep", "60"]), tag).process
    line = Path(f"/proc/{process.id.pid}/stat").read_bytes()
    assert process.id.start == parse_stat(line).start
    environ = Path(f"/proc/{process.id.pid}/environ").read_bytes().split(b"\0")
    assert f"RECON_ID={tag}".encode() in environ
    assert (process.ready, process.starting) == (None, True), "its program has yet to be exec'd"


def test_a_program_that_has_ended_already_is_still_a_process_with_its_exit_status(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    spawned = spawn_app(make_app(python("raise SystemExit(7)")))
    until(lambda: ended(spawned.pidfd))
    assert spawned.process.id.start > 0
    result = os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED)
    assert result is not None
    assert result.si_status == 7


def test_nobody_reaps_behind_the_back_of_whoever_watches_the_pidfd(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        spawned = spawn_app(make_app(["true"]))
        until(lambda: ended(spawned.pidfd))
        gc.collect()
        spawn_app(make_app(["true"]))  # Popen would reap dropped children here
    assert not subprocess._active  # type: ignore[attr-defined]  # the list this is about
    assert os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED) is not None


def test_signals_blocked_or_ignored_by_whoever_started_recon_are_not_inherited(
    tmp_path: Path,
) -> None:
    """In a process of its own, as dispositions belong to the process."""
    script = f"""
import os, signal, sys
sys.path[:0] = {sys.path!r}
from reconciler.converge.isolation import signals
from reconciler.converge.process.spawn import spawn
from reconciler.model.state.desired import DesiredApp, Source
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import Tag
signal.signal(signal.SIGHUP, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.signal(signal.SIGRTMIN + 3, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
signals.prepare()
os.kill(os.getpid(), signal.SIGHUP)  # still ignored by the controller itself
app = DesiredApp(name="a", spec=AppSpec(command=[sys.executable, "-c", {REPORT!r}], cwd="/"),
                 hash="h", source=Source("f", 1))
spawned = spawn(app, Tag("s", "a", 0, "h", "n"), 1, 2)
os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["blocked"] == []
    pythons_own = {signal.SIGPIPE, signal.SIGXFSZ}  # ignored by the interpreter that reports
    # 32 and 33 are glibc's: its posix_spawn, by which Python 3.13 may start the script above,
    # ignores them, and no program can change that.
    ignored = {number for number in signal.valid_signals() if seen["ignored"] >> (number - 1) & 1}
    assert ignored <= pythons_own


def test_a_program_is_looked_for_in_its_own_path_relative_to_its_directory(
    make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/tool").symlink_to("/bin/true")
    (tmp_path / "here").symlink_to("/bin/true")
    for command, env in ((["tool"], {"PATH": "nowhere:bin"}), (["./here"], {})):
        spawned = spawn_app(make_app(command, env=env))
        until(lambda fd=spawned.pidfd: ended(fd))  # type: ignore[misc]  # mypy: default in lambda
        result = os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED)
        assert result is not None
        assert result.si_status == 0


@pytest.fixture
def try_in(make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path) -> Any:
    """The error of a command in a directory below tmp_path: the app's own, never the host's."""

    def attempt(cwd: str, command: list[str]) -> SpawnError:
        with pytest.raises(SpawnError) as raised:
            spawn_app(make_app(command, cwd=str(tmp_path / cwd)))
        assert not raised.value.transient
        return raised.value

    return attempt


def _file(path: Path, content: str | bytes, mode: int = 0o755) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)


@pytest.mark.parametrize(
    ("content", "mode", "sentence"),
    [
        ("#!/no/such/python\n", 0o755, "script for /no/such/python (its #! line), which does not"),
        ("#!/usr/bin/env\r\n", 0o755, "carriage return, so /usr/bin/env is not found"),
        ("#!/bin/sh\n", 0o644, "is not executable; run chmod +x"),
        ("echo no first line\n", 0o755, "neither a binary nor a script with a #! line"),
        ("", 0o755, "is empty"),
        (
            b"\x7fELF\2\1\1" + bytes(9) + b"\2\0\xff\x7f" + bytes(100),
            0o755,
            "another processor type",
        ),
        ("#!/etc/passwd\n", 0o755, "script for /etc/passwd (its #! line), which is not executab"),
    ],
)
def test_a_file_that_cannot_run_gets_a_sentence_that_says_why(
    try_in: Any, tmp_path: Path, content: str | bytes, mode: int, sentence: str
) -> None:
    _file(tmp_path / "prog", content, mode)
    raised = try_in(".", ["./prog"])
    assert sentence in str(raised)
    assert str(tmp_path / "prog") in str(raised)


@pytest.mark.parametrize(
    ("command", "cwd", "sentence"),
    [
        (["no-such-program"], ".", "no such program in PATH"),
        (["./nothing"], ".", "there is no file"),
        (["true"], "missing", "working directory {}/missing does not exist"),
        (["true"], "file", "working directory {}/file is not a directory"),
        (["./dir"], ".", "{}/dir is a directory"),
    ],
)
def test_what_is_missing_is_named(
    try_in: Any, tmp_path: Path, command: list[str], cwd: str, sentence: str
) -> None:
    _file(tmp_path / "file", "")
    (tmp_path / "dir").mkdir()
    assert sentence.format(tmp_path) in str(try_in(cwd, command))


def test_a_directory_its_user_may_not_enter_is_named() -> None:
    error = PermissionError(errno.EACCES, "Permission denied", "/closed")
    told = "; ".join(why(DIRECTORY, error, ["true"], "/closed", {}))
    assert "may not enter the working directory /closed" in told


def test_a_refused_change_of_user_is_not_blamed_on_the_directory() -> None:
    error = PermissionError(errno.EPERM, "Operation not permitted", "/")
    assert "cannot switch to its user" in why(IDENTITY, error, ["true"], "/", {})[0]


def test_a_user_that_does_not_exist_is_named(make_app: MakeApp, spawn_app: SpawnApp) -> None:
    with pytest.raises(SpawnError, match="no user 'nosuchuser'") as raised:
        spawn_app(make_app(["true"], user="nosuchuser"))
    assert not raised.value.transient


def test_a_program_whose_secrets_are_unknown_is_not_started(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    with pytest.raises(SpawnError, match="secrets of app"):
        spawn_app(dataclasses.replace(make_app(["true"]), secrets=None))


def test_secrets_appear_in_no_error_and_no_repr(make_app: MakeApp, spawn_app: SpawnApp) -> None:
    app = dataclasses.replace(make_app(["missing"]), secrets={"PASSWORD": "hunter2"})
    with pytest.raises(SpawnError) as raised:
        spawn_app(app)
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(module.program_of(app, new_tag()))


def test_too_many_open_files_is_recons_own_trouble_and_leaves_no_process(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    app = make_app(["sleep", "60"])
    spawn_app(app)  # whatever is opened once, is
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(SpawnError) as raised:
            spawn_app(app)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert raised.value.transient
    assert "hard limit" in str(raised.value)
    assert children.read_text() == before


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.ENOMEM, errno.ENOSPC, errno.ETXTBSY])
def test_trouble_of_the_host_never_counts_as_the_apps_crash(
    make_app: MakeApp, spawn_app: SpawnApp, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(forkserver, "_server", ForkServer())
    monkeypatch.setattr(subprocess, "Popen", fail)
    with pytest.raises(SpawnError) as raised:
        spawn_app(make_app(["true"]))
    assert raised.value.transient


def is_dead(pid: int) -> bool:
    return parse_stat(Path(f"/proc/{pid}/stat").read_bytes()).state == "Z"


def test_without_a_pidfd_there_is_no_process(
    make_app: MakeApp, spawn_app: SpawnApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids: list[int] = []

    def refuse(pid: int) -> int:
        pids.append(pid)
        raise OSError(errno.EMFILE, "too many")

    monkeypatch.setattr(os, "pidfd_open", refuse)
    with pytest.raises(SpawnError):
        spawn_app(make_app(["sleep", "60"]))
    assert not Path(f"/proc/{pids[0]}").exists()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts go the quick way, in this thread: its table of descriptors is the only one."""
    monkeypatch.setattr(descriptors, "run", lambda first, then: (first(), then())[1])


@pytest.mark.usefixtures("quick")
def test_a_program_that_has_begun_and_cannot_be_held_is_not_started_again(
    make_app: MakeApp, spawn_app: SpawnApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Job of which no run may happen twice has begun by then."""
    held: list[int] = []

    def refuse(pid: int) -> int:
        held.append(pid)
        raise OSError(errno.ENFILE, "too many")

    forked: list[object] = []
    monkeypatch.setattr(forkserver.ForkServer, "fork", lambda *words: forked.append(words))
    monkeypatch.setattr(os, "pidfd_open", refuse)
    with pytest.raises(SpawnError) as raised:
        spawn_app(make_app(["sleep", "60"]))
    assert raised.value.transient and len(held) == 1 and not forked


@pytest.mark.usefixtures("quick")
def test_a_quick_start_has_a_descriptor_for_its_pidfd_or_does_not_begin(
    make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path
) -> None:
    """However many are left: what is started is held, and what cannot be held is not started."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    app = make_app(["sh", "-c", f"echo $$ >> {tmp_path}/starts; exec sleep 60"])
    spawn_app(make_app(["true"]))  # what is made once is made
    begun = 0
    highest = max(map(int, os.listdir("/proc/self/fd")))
    for limit in range(highest, highest + 12):
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        try:
            spawn_app(app)
        except SpawnError:
            continue
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        begun += 1
    assert begun
    starts = tmp_path / "starts"
    until(lambda: len(starts.read_text().split()) >= begun, what="all have begun")
    assert len(starts.read_text().split()) == begun


def test_a_stub_of_a_fork_server_that_was_killed_before_its_answer_never_becomes_the_program(
    make_app: MakeApp,
    spawn_app: SpawnApp,
    forked_server: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    killed, again, starts = (tmp_path / name for name in ("killed", "again", "starts"))
    fork, is_wanted = stub._fork, stub._is_wanted

    def fork_and_die(*words: Any) -> tuple[int, bool]:
        is_first = not killed.exists()
        pid, inside = fork(*words)
        if pid > 0:
            (killed if is_first else again).touch()
            if is_first:
                os.kill(os.getpid(), signal.SIGKILL)
        return pid, inside

    def look(channel: int) -> bool:
        until(again.exists, what="the controller has asked another server")
        return is_wanted(channel)

    monkeypatch.setattr(stub, "_fork", fork_and_die)
    monkeypatch.setattr(stub, "_is_wanted", look)
    monkeypatch.setattr(module, "_is_plain", lambda program: False)
    forked_server()
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    before = children.read_text().split()
    spawned = spawn_app(make_app(["sh", "-c", f"echo $$ >> {starts}; exec sleep 60"]))
    until(starts.exists, what="it begins")
    own = spawned.process.id.pid, forkserver.server()._pid
    left = {*children.read_text().split()} - {*before}
    for pid in {*map(int, left)} - {*own}:
        until(lambda: is_dead(pid), what="the first stub ends")  # noqa: B023
        os.waitpid(pid, 0)
    assert starts.read_text().split() == [str(own[0])]


def test_pidfds_are_not_inherited(make_app: MakeApp, spawn_app: SpawnApp) -> None:
    spawned = spawn_app(make_app(["sleep", "60"]))
    assert not os.get_inheritable(spawned.pidfd)


AWKWARD = {
    "fifo": ("./fifo", "is a FIFO"),
    "socket": ("./socket", "is a socket"),
    "directory": ("./directory", "is a directory"),
    "device": ("/dev/null", "is a device"),
    "dangling": ("./dangling", "is a link to nowhere, which does not exist"),
    "interpreter": ("./interpreter", "is a script for {}/fifo (its #! line), which is a FIFO"),
    "bytes": ("./bytes", r"is a script for /bin/\xff (its #! line), which does not exist"),
}


@pytest.fixture
def awkward(tmp_path: Path) -> Path:
    """A folder of what is no program."""
    os.mkfifo(tmp_path / "fifo", 0o755)
    (tmp_path / "fifo").chmod(0o755)
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "socket"))
    (tmp_path / "directory").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    _file(tmp_path / "interpreter", f"#!{tmp_path}/fifo\n")
    _file(tmp_path / "bytes", b"#!/bin/\xff\n")
    return tmp_path


@pytest.mark.parametrize("name", AWKWARD)
def test_what_is_no_program_gets_a_sentence_and_makes_nobody_wait(
    try_in: Any, awkward: Path, name: str
) -> None:
    program, sentence = AWKWARD[name]
    told = str(try_in(".", [program]))
    assert sentence.format(awkward) in told
    assert told.isprintable()


def test_a_directory_that_is_a_fifo_is_named(try_in: Any, awkward: Path) -> None:
    assert f"{awkward}/fifo is not a directory" in str(try_in("fifo", ["true"]))


def test_more_variables_than_linux_takes_are_a_sentence(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    env = {f"VARIABLE_{n}": "x" * 100 for n in range(100_000)}
    with pytest.raises(SpawnError, match="larger than Linux allows") as raised:
        spawn_app(make_app(["true"], env=env))
    assert not raised.value.transient


@as_root
def test_a_directory_is_entered_as_the_apps_user(
    make_app: MakeApp, spawn_app: SpawnApp, tmp_path: Path
) -> None:
    """A link to an open folder inside a closed one opens it to nobody."""
    closed = tmp_path / "closed"
    (closed / "open").mkdir(parents=True)
    closed.chmod(0o700)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        Path(home).chmod(0o755)
        link = Path(home, "link")
        link.symlink_to(closed / "open")
        with pytest.raises(SpawnError, match="may not enter the working directory"):
            spawn_app(make_app(["true"], user="nobody", cwd=str(link)))
    spawned = spawn_app(make_app(["sleep", "60"], cwd=str(closed / "open")))
    assert os.readlink(f"/proc/{spawned.process.id.pid}/cwd") == str(closed / "open")


@as_root
def test_a_directory_that_only_the_apps_user_may_search_is_entered(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as home:
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        spawned = spawn_app(make_app(["sleep", "60"], user="nobody", cwd=home))
        assert os.readlink(f"/proc/{spawned.process.id.pid}/cwd") == home


class Leased:
    """A program of our own on which a process of ours holds a lease: an exec of it waits."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(Path("/bin/true").read_bytes())
        path.chmod(0o755)
        self._file = path.open("rb")
        fcntl.fcntl(self._file, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def release(self) -> None:
        self._file.close()


@pytest.fixture
def leased(tmp_path: Path) -> Iterator[Leased]:
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # the kernel's word to who holds it
    made = Leased(tmp_path / "leased")
    yield made
    made.release()
    signal.signal(signal.SIGIO, before)


@pytest.fixture
def hanging(make_app: MakeApp, leased: Leased) -> Iterator[Spawned]:
    null = os.open(os.devnull, os.O_RDWR)
    spawned = module.spawn(make_app([str(leased.path)]), new_tag(), null, null)
    os.close(null)
    yield spawned
    try:
        signal.pidfd_send_signal(spawned.pidfd, signal.SIGKILL)
        os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED)
    except (ProcessLookupError, ChildProcessError):
        pass
    spawned.report.close()
    os.close(spawned.pidfd)


def test_a_start_that_hangs_is_a_process_that_can_be_killed_and_others_start_meanwhile(
    hanging: Spawned, make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    spawn_app(make_app(["sleep", "60"]))
    assert not hanging.report.look()
    assert not ended(hanging.pidfd)
    signal.pidfd_send_signal(hanging.pidfd, signal.SIGKILL)
    until(hanging.report.look, what="the report of a stub that was killed")
    assert "was killed" in str(hanging.report.failure)


def test_a_stub_that_hangs_holds_nothing_but_its_output_and_its_channel(hanging: Spawned) -> None:
    folder = Path(f"/proc/{hanging.process.id.pid}/fd")
    found = until(
        lambda: (
            [os.readlink(one) for one in folder.iterdir()] if len(os.listdir(folder)) == 4 else []
        ),
        what="it lets go of what is the server's",
    )
    assert sorted(name.partition(":")[0] for name in found) == ["/dev/null"] * 3 + ["socket"]


def test_a_stub_is_known_as_one_until_its_exec(hanging: Spawned, leased: Leased) -> None:
    line = Path(f"/proc/{hanging.process.id.pid}/stat")
    assert parse_stat(line.read_bytes()).starting
    leased.release()
    until(hanging.report.look, what="its exec, now that the lease is gone")
    assert hanging.report.failure is None
    assert not parse_stat(line.read_bytes()).starting
    assert STUB == stub.NAME


def test_the_fork_server_is_started_anew_where_it_was_killed(
    make_app: MakeApp, spawn_app: SpawnApp
) -> None:
    spawn_app(make_app(["true"]))
    before = forkserver.server()._pid
    os.kill(before, signal.SIGKILL)
    spawned = spawn_app(make_app(["sleep", "60"]))
    assert forkserver.server()._pid != before
    stat = parse_stat(Path(f"/proc/{spawned.process.id.pid}/stat").read_bytes())
    assert stat.ppid == os.getpid()
