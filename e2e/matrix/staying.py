"""Kinds of children that stay until they are ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from e2e.matrix.kind import Kind

_CGROUPS = next(
    (
        row.split()[1]
        for row in Path("/proc/self/mounts").read_text().splitlines()
        if row.split()[2] == "cgroup2"
    ),
    "",
)


def _status(pid: int, name: str) -> str:
    text = Path(f"/proc/{pid}/status").read_text()
    return next(line for line in text.splitlines() if line.startswith(f"{name}:")).split()[1]


def _stat_state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0].decode()


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _ignores(number: int) -> Callable[[int], bool]:
    return lambda pid: bool(int(_status(pid, "SigIgn"), 16) >> (number - 1) & 1)


def _no_tag(pid: int) -> bool:
    return b"RECON_ID=" not in Path(f"/proc/{pid}/environ").read_bytes()


def _other_namespace(pid: int) -> bool:
    return os.readlink(f"/proc/{pid}/ns/uts") != os.readlink("/proc/self/ns/uts")


_ROOT = "" if os.geteuid() == 0 else "takes root"
_SOON = {"terminationGracePeriodSeconds": 1}
_USER = 65534

STAYING = (
    Kind("silent", "writes nothing", "rest()"),
    Kind("chatty", "writes a line every 5 ms", "count(0.005)", counts=True),
    Kind("flooding", "writes 1,000 lines at a time", "count(0.2, 1000)", counts=True),
    Kind(
        "deaf",
        "ignores SIGTERM",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN); rest()",
        _SOON,
        _ignores(signal.SIGTERM),
    ),
    Kind(
        "double-forking",
        "leaves a daemon: a session of its own, and init as its parent",
        "def daemon():\n    os.setsid()\n    child(rest)\nchild(daemon); os.wait(); rest()",
        _SOON,
    ),
    Kind(
        "clearing",
        "clears its environment and executes itself again",
        "if len(sys.argv) == 2:\n"
        "    os.execve(sys.executable, [sys.executable, '-I', '-S', '-c',\n"
        "              'import time\\nwhile True: time.sleep(1000)'], {})\n",
        proof=_no_tag,
    ),
    Kind(
        "overwriting",
        "writes a title over its environment, as nginx and PostgreSQL do",
        "import ctypes\n"
        "with open('/proc/self/stat', 'rb') as file:\n"
        "    fields = file.read().rpartition(b')')[2].split()\n"
        "begin, end = int(fields[47]), int(fields[48])\n"
        "ctypes.memset(begin, ord('x'), end - begin)\n"
        "rest()",
        proof=_no_tag,
    ),
    Kind(
        "mute",
        "closes its stdout and stderr",
        "os.close(1); os.close(2); rest()",
        proof=lambda pid: not {"1", "2"} & set(os.listdir(f"/proc/{pid}/fd")),
    ),
    Kind(
        "descriptorless",
        "closes all its descriptors",
        "os.closerange(0, 1024); rest()",
        proof=lambda pid: os.listdir(f"/proc/{pid}/fd") == [],
    ),
    Kind(
        "pipe-holding",
        "has a grandchild that holds its output",
        "def holder(): child(rest); os._exit(0)\nchild(holder); os.wait(); rest()",
        _SOON,
    ),
    Kind(
        "session-changing",
        "has a child in a session of its own",
        "child(lambda: (os.setsid(), rest())); rest()",
        _SOON,
        lambda pid: all(os.getsid(one) == one for one in _children(pid)),
    ),
    Kind(
        "zombie-making",
        "never waits for its children",
        "for n in range(5): child(lambda: None)\nrest()",
        proof=lambda pid: [_stat_state(one) for one in _children(pid)] == ["Z"] * 5,
    ),
    Kind(
        "leaderless",
        "ends its first thread; another one works",
        "import threading\nthreading.Thread(target=rest).start()\nlibc('syscall', 60, 0)",
        proof=lambda pid: _stat_state(pid) == "Z",
        lacking="" if os.uname().machine == "x86_64" else "takes x86-64",
    ),
    Kind(
        "hydra",
        "has a deaf child whose first thread has ended",
        "import threading\n"
        "def headless():\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    threading.Thread(target=rest).start()\n"
        "    libc('syscall', 60, 0)\n"
        "child(headless); rest()",
        _SOON,
        lambda pid: [_stat_state(one) for one in _children(pid)] == ["Z"],
        lacking="" if os.uname().machine == "x86_64" else "takes x86-64",
    ),
    Kind(
        "fleeing",
        "has a child that forks and ends every 50 ms",
        "def flee():\n"
        "    while True:\n"
        "        time.sleep(0.05)\n"
        "        if os.fork(): os._exit(0)\n"
        "        note(b'child')\n"
        "child(flee); rest()",
        _SOON,
    ),
    Kind(
        "many",
        "has 20 children",
        "for n in range(20): child(rest)\nrest()",
        _SOON,
        lambda pid: len(_children(pid)) == 20,
    ),
    Kind(
        "stopped",
        "stops itself by SIGSTOP",
        "os.kill(os.getpid(), signal.SIGSTOP); rest()",
        _SOON,
        lambda pid: _stat_state(pid) == "T",
    ),
    Kind(
        "executing",
        "becomes another program",
        "os.execv('/bin/sleep', ['sleep', '100000'])",
        proof=lambda pid: "sleep" in Path(f"/proc/{pid}/comm").read_text(),
    ),
    Kind(
        "renamed",
        "has a name that looks like fields of /proc/PID/stat",
        "libc('prctl', 15, b'a) Z 1 1 1 (', 0, 0, 0); rest()",
        proof=lambda pid: Path(f"/proc/{pid}/comm").read_text() == "a) Z 1 1 1 (\n",
    ),
    Kind(
        "reopening",
        "opens /dev/stdout again and writes there",
        "count(0.01, to=os.open('/dev/stdout', os.O_WRONLY | os.O_APPEND))",
        counts=True,
    ),
    Kind(
        "replacing",
        "opens /dev/stdout again, for writing only, in the place of its stdout",
        "os.dup2(os.open('/dev/stdout', os.O_WRONLY | os.O_APPEND), 1); count(0.01)",
        counts=True,
    ),
    Kind(
        "undumpable",
        "is not to be looked into (PR_SET_DUMPABLE)",
        "libc('prctl', 4, 0, 0, 0, 0); rest()",
        proof=lambda pid: os.stat(f"/proc/{pid}").st_uid == 0,
    ),
    Kind(
        "traced",
        "is traced by its own child",
        "def trace():\n"
        "    libc('ptrace', 0x4206, os.getppid(), 0, 0)\n"
        "    rest()\n"
        "if os.path.exists('/proc/sys/kernel/yama'): libc('prctl', 0x59616d61, -1, 0, 0, 0)\n"
        "child(trace); rest()",
        _SOON,
        lambda pid: _status(pid, "TracerPid") != "0",
    ),
    Kind(
        "leasing",
        "takes a lease on its own program",
        "import fcntl, shutil\n"
        "copy = sys.argv[1] + '-sleep'\n"
        "if not os.path.exists(copy): shutil.copy('/bin/sleep', copy)\n"
        "signal.signal(signal.SIGIO, signal.SIG_IGN)\n"
        "fcntl.fcntl(os.open(copy, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK); rest()",
    ),
    Kind(
        "adopting",
        "is the reaper of its grandchildren (PR_SET_CHILD_SUBREAPER)",
        "def orphan(): child(rest)\n"
        "libc('prctl', 36, 1, 0, 0, 0); child(orphan); os.wait(); rest()",
        _SOON,
        lambda pid: len(_children(pid)) == 1,
    ),
    Kind(
        "resetting",
        "sets each of its resource limits to no limit",
        "import resource\n"
        "for one in range(16):\n"
        "    limits = resource.getrlimit(one)\n"
        "    resource.setrlimit(one, (limits[1], limits[1]))\n"
        "rest()",
    ),
    Kind(
        "setuid",
        "becomes another user",
        f"os.setgid({_USER}); os.setuid({_USER}); rest()",
        proof=lambda pid: _status(pid, "Uid") == str(_USER),
        lacking=_ROOT,
    ),
    Kind(
        "setuid-program",
        "executes a program with the setuid bit",
        "import shutil\n"
        "copy = sys.argv[1] + '-sleep'\n"
        "if not os.path.exists(copy):\n"
        f"    shutil.copy('/bin/sleep', copy); os.chown(copy, {_USER}, 0); os.chmod(copy, 0o4755)\n"
        "os.execv(copy, ['sleep', '100000'])",
        proof=lambda pid: (
            Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()[1] == str(_USER)
        ),
        lacking=_ROOT,
    ),
    Kind(
        "jailed",
        "changes its root directory",
        "root = sys.argv[1] + '-root'\n"
        "if not os.path.exists(root): os.mkdir(root)\n"
        "os.chroot(root); os.chdir('/'); rest()",
        proof=lambda pid: os.readlink(f"/proc/{pid}/root") != "/",
        lacking=_ROOT,
    ),
    Kind(
        "unsharing",
        "goes into mount, UTS, IPC and network namespaces of its own",
        "libc('unshare', 0x20000 | 0x4000000 | 0x8000000 | 0x40000000); rest()",
        proof=_other_namespace,
        lacking=_ROOT,
    ),
    Kind(
        "nesting",
        "has a child in a pid namespace of its own",
        "libc('unshare', 0x20000000)\nchild(lambda: (child(rest), rest())); rest()",
        _SOON,
        lacking=_ROOT,
    ),
    Kind(
        "leaving",
        "leaves its cgroup for the topmost one",
        "for n in range(200):\n"
        "    with open('/proc/self/cgroup') as file:\n"
        "        if '0::/\\n' not in file.read(): break\n"
        "    time.sleep(0.01)\n"
        f"with open({_CGROUPS!r} + '/cgroup.procs', 'w') as file: file.write('0')\n"
        "child(rest); rest()",
        _SOON,
        lambda pid: "0::/\n" in Path(f"/proc/{pid}/cgroup").read_text(),
        lacking=_ROOT or ("" if _CGROUPS else "takes cgroup v2"),
    ),
)
