"""What runs has what was declared and no more, and other users get nowhere: with real users."""

from __future__ import annotations

import contextlib
import io
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
import pytest

from e2e.harness import Recon, alive, read
from reconciler.cli.main import run as cli
from reconciler.state.paths import StatePaths
from tests.otheruser import as_user
from tests.waiting import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")
STRANGER, GROUP = 54321, 4242


def says(file: Path, words: list[str]) -> bool:
    return read(file).split() == words


def runs_another(recon: Recon, name: str, pid: int) -> bool:
    return bool(set(recon.pids(name).values()) - {pid})


# What a program finds, read from the kernel by tools that change nothing of it.
LOOK = r"""
cat /proc/$$/environ | tr '\0' '\n' | sed 's/^/env /'
grep -E '^(Uid|Gid|Groups|Umask|SigBlk|SigIgn|CapInh|CapAmb|CapBnd|NoNewPrivs)' /proc/self/status
for fd in /proc/$$/fd/*; do
    to=$(readlink $fd) || continue
    case $to in */look) ;; *) echo "fd ${fd##*/}" ;; esac
done
read -r pid name state parent group session terminal rest < /proc/$$/stat
echo "leads $((pid == session)) terminal $terminal"
echo "cwd $(readlink /proc/self/cwd)"
grep -c planted /proc/keys | sed 's/^/keys /'
echo done
"""
# A shell, a wrapper, a login: what recon may find itself started in.
HOSTILE = """
import ctypes, os, resource, signal, sys
for number in (5, 17, 30, 300):
    os.dup2(os.open("/etc/hostname", os.O_RDONLY), number, inheritable=True)
for name in ("SIGHUP", "SIGINT", "SIGPIPE", "SIGCHLD", "SIGUSR1"):
    signal.signal(getattr(signal, name), signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2, signal.SIGCHLD])
os.umask(0o077)
os.chdir("/usr")
if os.geteuid() == 0:
    os.setgroups([4711, 4712])
    libc = ctypes.CDLL(None)
    libc.syscall(250, 1, None)
    libc.syscall(248, b"user", b"planted", b"secret", 6, -3)
os.environ.update(LD_LIBRARY_PATH="/hostile", BASH_ENV="/hostile", ENV="/hostile", IFS="x",
                  PYTHONPATH="", NODE_OPTIONS="--hostile", AWS_SECRET="planted", PWD="/hostile")
os.execv(sys.argv[1], sys.argv[1:])
"""


def status_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: rest.strip() for name, _, rest in (line.partition(":") for line in lines)}


def fds_of(pid: int, count: int) -> dict[int, str]:
    """All descriptors, once there are so many: the loader closes its own a moment later."""
    folder = f"/proc/{pid}/fd"
    until(lambda: len(os.listdir(folder)) == count, what=f"pid {pid} has {count} descriptors")
    return {int(name): os.readlink(f"{folder}/{name}") for name in os.listdir(folder)}


@pytest.fixture
def looks(tmp_path: Path) -> Path:
    """A folder that every user may write to, for what programs find."""
    folder = Path("/var/tmp") / f"recon-{tmp_path.name}-{os.getpid()}"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture(autouse=True)
def _clean(recon: Recon, tmp_path: Path) -> object:
    yield
    shutil.rmtree(Path("/var/tmp") / f"recon-{tmp_path.name}-{os.getpid()}", ignore_errors=True)
    StatePaths(recon.state).shared_socket.unlink(missing_ok=True)


def look_into(file: Path) -> dict[str, list[str]]:
    until(lambda: file.exists() and "\ndone" in file.read_text(), what=f"{file.name} to be told")
    found: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        word, _, rest = line.partition(":" if ":" in line.split(" ")[0] else " ")
        found.setdefault(word.rstrip(":"), []).append(rest.strip())
    return found


@pytest.mark.parametrize("user", [None, pytest.param("nobody", marks=as_root)])
def test_nothing_is_inherited_by_accident(recon: Recon, looks: Path, user: str | None) -> None:
    """By a program, its preStop and its probe; started by a controller in a hostile world."""
    (looks / "look").write_text(LOOK)
    command = {
        name: [
            "sh",
            "-c",
            f"new={looks}/{name}.$$; . {looks}/look > $new && mv $new {looks}/{name}",
        ]
        for name in ("main", "probe", "preStop")
    }
    main = [*command["main"][:2], f"{command['main'][2]}; exec sleep 300"]
    who = {} if user is None else {"user": user}
    recon.app(
        "web",
        main,
        cwd="/",
        env={"GREETING": "hi"},
        readinessProbe={"exec": {"command": command["probe"]}, "timeoutSeconds": 20},
        stop={"preStop": command["preStop"]},
        **who,
    )
    recon.started_by = [sys.executable, "-c", HOSTILE]
    recon.run()
    recon.healthy("web")
    recon.cli("restart", "web")
    expected = {"PATH", "LANG", "HOME", "USER", "LOGNAME", "RECON_ID", "GREETING"}
    account = pwd.getpwnam(user or pwd.getpwuid(os.geteuid()).pw_name)
    for name in command:
        seen = look_into(looks / name)
        variables = {line.partition("=")[0] for line in seen["env"]}
        more = {"RECON_PID"} if name != "main" else set()
        # A shell puts these into the environment of what it starts.
        assert variables - {"PWD", "OLDPWD", "SHLVL", "_", "TZ"} == expected | more, name
        assert "planted" not in str(seen["env"]) and "hostile" not in str(seen["env"]), name
        # 3 and 10 are the shell's own: a pipe to readlink, and where it keeps its output.
        assert {*seen["fd"]} - {"3", "10"} == {"0", "1", "2"}, name
        assert seen["Umask"] == ["0022"], name
        assert int(seen["SigBlk"][0], 16) == 0, name
        # 32 and 33 are glibc's own.
        assert int(seen["SigIgn"][0], 16) & ~(3 << 31) == 0, name
        assert seen["leads"] == ["1 terminal 0"], name
        assert seen["cwd"] == ["/"], name
        assert seen["Uid"][0].split() == [str(account.pw_uid)] * 4, name
        assert int(seen["CapInh"][0], 16) == int(seen["CapAmb"][0], 16) == 0, name
        if os.geteuid() == 0:
            groups = os.getgrouplist(account.pw_name, account.pw_gid)
            assert {*map(int, seen["Groups"][0].split())} == {*groups}, name
        if user is not None:
            assert seen["keys"] == ["0"], name


def test_a_hundred_started_at_once_have_their_descriptors_and_no_other(
    recon: Recon, unused_port: int
) -> None:
    sockets = [{"name": "http", "port": unused_port}, {"name": "more", "port": unused_port + 1}]
    recon.app("plain", ["sleep", "300"], instances=50)
    recon.app("web", ["sleep", "300"], instances=50, sockets=sockets)
    recon.started_by = [sys.executable, "-c", HOSTILE]
    recon.run()
    for name, handed in (("plain", 0), ("web", 2)):
        recon.healthy(name, ready=50)
        pids = recon.pids(name)
        assert len(pids) == 50
        for instance, pid in pids.items():
            fds = fds_of(pid, 3 + handed)
            assert sorted(fds) == [*range(3 + handed)], (instance, fds)
            assert fds[0] == "/dev/null"
            number = instance.rpartition("-")[2]
            for fd, stream in ((1, "out"), (2, "err")):
                folder, _, file = fds[fd].rpartition("/")
                assert folder == recon.fifos[0], fds
                assert re.fullmatch(rf"{name}\.{number}\.[^/]*\.{stream}", file), fds
            assert all(fds[fd].startswith("socket:") for fd in range(3, 3 + handed))


@as_root
def test_an_app_has_the_privileges_that_are_declared_with_its_helpers(
    recon: Recon, looks: Path
) -> None:
    (looks / "kept").write_text("as it was")
    (looks / "kept").chmod(0o666)
    script = (
        f"echo $(cat /tmp/mine) $(grep -c . {looks}/kept) > {looks}/$0;"
        f"(echo spoilt > {looks}/kept) 2> /dev/null || echo refused >> {looks}/$0;"
        f"grep -E '^(NoNewPrivs|CapBnd)' /proc/self/status | tr -d '\\t' >> {looks}/$0"
    )
    recon.app(
        "web",
        ["sh", "-c", f"echo mine > /tmp/mine; {script}; exec sleep 300", "main"],
        user="nobody",
        cwd="/",
        supplementaryGroups=[GROUP],
        noNewPrivileges=True,
        capabilities={"drop": ["ALL"]},
        readOnlyPaths=[str(looks / "kept")],
        privateTmp=True,
        readinessProbe={"exec": {"command": ["sh", "-c", script, "probe"]}, "timeoutSeconds": 20},
        stop={"preStop": ["sh", "-c", script, "preStop"]},
    )
    # In /var/tmp, which is private, the folder would be hidden.
    manifest = recon.manifests / "web.yaml"
    where = Path("/run") / looks.name
    shutil.move(looks, where)
    manifest.write_text(manifest.read_text().replace(str(looks), str(where)))
    try:
        recon.run()
        recon.healthy("web")
        [pid] = recon.pids("web").values()
        status = status_of(pid)
        assert str(GROUP) in status["Groups"].split()
        assert (status["NoNewPrivs"], int(status["CapBnd"], 16)) == ("1", 0)
        recon.cli("restart", "web")
        until(lambda: not alive(pid), what="preStop to have run")
        expected = ["mine", "1", "refused", f"CapBnd:{0:016x}", "NoNewPrivs:1"]
        for name in ("main", "probe", "preStop"):  # which may be writing it again just now
            until(partial(says, where / name, expected), what=f"{name} says {expected}")
        assert (where / "kept").read_text() == "as it was"
    finally:
        shutil.rmtree(where)


@as_root
def test_anothers_process_with_our_tag_is_neither_shown_nor_adopted_nor_stopped(
    recon: Recon,
) -> None:
    recon.app("web", ["sleep", "300"])
    recon.app("theirs", ["sleep", "300"], user="nobody", cwd="/")
    recon.run()
    names = ("web", "theirs")
    for name in names:
        recon.healthy(name)
    pids = {name: next(iter(recon.pids(name).values())) for name in names}
    real = {
        name: re.search(rb"RECON_ID=[^\0]*", Path(f"/proc/{pids[name]}/environ").read_bytes())
        for name in names
    }
    stolen = [match[0].decode() for match in real.values() if match]
    invented = [f"{tag.rpartition('/')[0]}/{'0' * 12}" for tag in stolen]
    ids = [f"--reuid={STRANGER}", f"--regid={STRANGER}", "--clear-groups"]
    forgers = [
        subprocess.Popen(["setpriv", *ids, "env", tag, "sleep", "600"], start_new_session=True)
        for tag in (*stolen, *invented)
    ]
    try:
        until(lambda: all(status_of(one.pid)["Name"] == "sleep" for one in forgers))
        recon.kill_controller()
        recon.run()
        for name in names:
            recon.healthy(name)
            assert set(recon.pids(name).values()) == {pids[name]}
        assert not any(str(one.pid) in recon.cli("status", "-o", "json") for one in forgers)
        recon.cli("restart", "web", "theirs")
        for name in names:
            until(partial(runs_another, recon, name, pids[name]), what=f"another {name}")
            recon.healthy(name)
        recon.kill_controller()
        assert not any(str(one.pid) in recon.cli("status", "-o", "json") for one in forgers)
        recon.cli("down")
        assert all(one.poll() is None for one in forgers)
    finally:
        for one in forgers:
            one.kill()
            one.wait()


@as_root
@pytest.mark.parametrize("edited", [False, True])
def test_an_app_of_another_user_is_taken_over_whatever_was_lost_or_edited(
    recon: Recon, edited: bool
) -> None:
    recon.app("web", ["sleep", "300"], user="nobody", cwd="/")
    recon.run()
    recon.healthy("web")
    [pid] = recon.pids("web").values()
    recon.kill_controller()
    if edited:
        recon.app("web", ["sleep", "300"], user="daemon", cwd="/")
    else:
        shutil.rmtree(recon.state)
    recon.run()
    if edited:
        until(lambda: not alive(pid), what="the process of the former user to be replaced")
        recon.healthy("web")
    else:
        recon.healthy("web")
        assert set(recon.pids("web").values()) == {pid}


@as_root
def test_a_manifest_that_others_can_write_is_refused_and_what_runs_stays(recon: Recon) -> None:
    file = recon.app("web", ["sleep", "300"])
    recon.run()
    recon.healthy("web")
    [pid] = recon.pids("web").values()
    file.chmod(0o666)
    message = recon.wait("web", sync="Unknown")["message"]
    assert f"chmod go-w {file}" in message
    recon.app("web", ["sleep", "301"])
    assert f"chmod go-w {file}" in recon.cli("validate", code=1)
    recon.kill_controller()
    recon.run()
    assert recon.wait("web", sync="Unknown", health="Healthy")["message"]
    assert set(recon.pids("web").values()) == {pid}
    file.chmod(0o644)
    recon.cli("apply")
    recon.healthy("web")
    assert not alive(pid)


def _cli_as(recon: Recon, uid: int, groups: list[int]) -> Callable[..., tuple[int, str]]:
    """Verbs as another user has them; in this interpreter, which may lie where nobody may go."""

    def verb(words: tuple[str, ...]) -> str:
        os.environ.update(recon.environment)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = cli([*words])
        return f"{code} {said.getvalue()}"

    def call(*words: str) -> tuple[int, str]:
        said = as_user(lambda: verb(words), uid, groups)
        code, _, text = said.partition(" ")
        assert code.isdecimal(), said
        return int(code), text

    return call


@as_root
def test_members_of_the_api_group_may_look_others_not_even_that(recon: Recon) -> None:
    for words in (["status"], ["status", "web"], ["describe", "web"], ["events"]):
        cli(words)  # their modules must be there before the user changes
    recon.app("web", ["sleep", "300"], env={"A": "b"})
    recon.options = ["--api-group", str(GROUP)]
    recon.run()
    recon.healthy("web")
    [pid] = recon.pids("web").values()
    member, stranger = _cli_as(recon, STRANGER, [GROUP]), _cli_as(recon, STRANGER, [])
    for verb in (["status"], ["status", "web"], ["describe", "web"], ["events"]):
        code, text = member(*verb)
        assert code == 0 and "web" in text, text
        code, text = stranger(*verb)
        assert code == 1 and "Permission denied" in text, text
    for verb in (["restart", "web"], ["down"], ["rollout", "pause", "web"]):
        code, text = member(*verb)
        assert code == 1 and "may only look" in text, text
    assert set(recon.pids("web").values()) == {pid}
    assert recon.state.stat().st_mode & 0o777 == 0o700
    assert recon.controller is not None
    recon.controller.send_signal(signal.SIGTERM)
    recon.controller.wait(60)
    recon.options = []
    recon.run()
    code, text = member("status")
    assert code == 1 and "Permission denied" in text, text


_FLOOD = 800
"""Connections that a guest makes, one after the other and as fast as it can."""


@as_root
@pytest.mark.parametrize("says", [b"", b"GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n", b"\0\n"])
def test_a_guest_that_floods_the_controller_costs_it_little(recon: Recon, says: bytes) -> None:
    """It comes and goes, asks and does not wait, or says what is no HTTP."""
    recon.app("web", ["sleep", "300"])
    recon.options = ["--api-group", str(GROUP)]
    recon.run()
    recon.healthy("web")
    shared = StatePaths(recon.state.resolve()).shared_socket
    assert recon.controller is not None
    controller = psutil.Process(recon.controller.pid)
    room, files = controller.memory_info().rss, controller.num_fds()

    def flood() -> str:
        began = time.monotonic()
        for _ in range(_FLOOD):
            with socket.socket(socket.AF_UNIX) as one, contextlib.suppress(OSError):
                one.connect(str(shared))
                one.sendall(says)
        return str(time.monotonic() - began)

    used = sum(controller.cpu_times()[:2])
    over = threading.Event()
    answered = 0

    def look() -> None:
        nonlocal answered
        while not over.is_set():
            recon.cli("status")
            answered += 1

    looking = threading.Thread(target=look)
    looking.start()
    try:
        took = float(as_user(flood, STRANGER, [GROUP]))
    finally:
        over.set()
        looking.join()
    used = sum(controller.cpu_times()[:2]) - used
    assert used < took / 2, "the loop has most of its time for others"
    assert answered, "root was answered meanwhile"
    until(lambda: controller.num_fds() <= files + 4, what="nothing is left of them")
    assert controller.memory_info().rss < room + (16 << 20)
