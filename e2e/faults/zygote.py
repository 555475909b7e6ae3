"""A process that has imported all of recon, and forks a controller for each life.

A new interpreter with all that a controller imports takes 0.35 s of a processor, a fork a few
milliseconds. What a life is and does is a controller's own from there on: `main` with its
arguments, in a session of its own, with its own output.

It is the subreaper of all that its controllers leave behind, as PID 1 is elsewhere. So the
processes that outlive a controller are its children (``Zygote.orphans``).
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from e2e.faults.failpoints import Failpoints, Plan

_PR_SET_CHILD_SUBREAPER = 36
_HOME = Path(__file__).parents[2]
_LEFT_OUT = ("cli", "convert", "notify", "render", "ui", "__main__")
"""Of recon: what no controller imports."""


class Zygote:
    """The process, as a test sees it."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        near, far = socket.socketpair()
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "e2e.faults.zygote"],
                stdin=far.fileno(),
                cwd=_HOME,
                env={**environment},
            )
        self._socket = near
        self._received = b""
        self._ends: dict[int, int] = {}

    @property
    def pid(self) -> int:
        """Of the process."""
        return int(self._process.pid)

    def begin(self, arguments: Sequence[str], plan: Plan, output: Path, notes: Path) -> int:
        """Start a controller, which ends as the plan says; its pid."""
        asked = {"arguments": arguments, "plan": plan, "output": str(output), "notes": str(notes)}
        self._socket.sendall(json.dumps(asked).encode() + b"\n")
        while True:
            for answer in self._read():
                if "began" in answer:
                    return int(answer["began"])

    def end_of(self, pid: int) -> int | None:
        """The exit code of a controller (negative: the signal); None while it runs."""
        while pid not in self._ends and select.select([self._socket], [], [], 0)[0]:
            self._read()
        return self._ends.get(pid)

    def orphans(self) -> list[int]:
        """The processes that a controller has left behind, apps and all."""
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(word) for word in text.split()]

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.close()

    def _read(self) -> list[dict[str, Any]]:
        """What it has answered by now; waits for some. All of it is noted: a controller that ended
        at once is told of with its beginning."""
        piece = self._socket.recv(1 << 16)
        assert piece, "the zygote has ended"
        *whole, self._received = (self._received + piece).split(b"\n")
        answers: list[dict[str, Any]] = [json.loads(line) for line in whole]
        for answer in answers:
            if "ended" in answer:
                self._ends[answer["ended"]] = answer["code"]
        return answers


# -- the process itself ----------------------------------------------------------------------------


def main() -> None:
    """Fork a controller for each line of standard input; returns when that has ended."""
    _become_subreaper()
    for name in _modules():
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    line = socket.socket(fileno=os.dup(0))
    with suppress(KeyboardInterrupt):
        _serve(line)


def _serve(line: socket.socket) -> None:
    near, far = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(far)
    poll = select.poll()
    poll.register(line, select.POLLIN)
    poll.register(near, select.POLLIN)
    lives: set[int] = set()
    received = b""
    while True:
        ready = [fd for fd, _ in poll.poll()]
        if near in ready:
            with suppress(BlockingIOError):
                os.read(near, 4096)
            for pid, code in _reap():
                if pid in lives:
                    lives.discard(pid)
                    line.sendall(json.dumps({"ended": pid, "code": code}).encode() + b"\n")
        if line.fileno() not in ready:
            continue
        piece = line.recv(1 << 20)
        if not piece:
            return
        *whole, received = (received + piece).split(b"\n")
        for text in whole:
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                for fd in (near, far):
                    os.close(fd)
                line.detach()
                _live(json.loads(text))
            lives.add(pid)
            line.sendall(json.dumps({"began": pid}).encode() + b"\n")


def _reap() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def _live(asked: dict[str, Any]) -> None:
    """Be a controller; does not return."""
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        output = os.open(asked["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        null = os.open(os.devnull, os.O_RDONLY)
        for fd, number in ((null, 0), (output, 1), (output, 2)):
            os.dup2(fd, number)
        os.closerange(3, 64)
        code = _control(asked["arguments"], Plan(*asked["plan"]), Path(asked["notes"]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _control(arguments: list[str], plan: Plan, notes: Path) -> int:
    from reconciler.api.daemon import controller
    from tests import effects

    points = Failpoints(plan, notes)
    effects.install(points.before, points.after)
    sys.argv = ["recon", *arguments]
    return controller.main(arguments)


def _modules() -> list[str]:
    import reconciler

    found = pkgutil.walk_packages(reconciler.__path__, "reconciler.")
    names = [one.name for one in found]
    return [name for name in names if not {*name.split(".")} & {*_LEFT_OUT}]


def _become_subreaper() -> None:
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


if __name__ == "__main__":
    main()
