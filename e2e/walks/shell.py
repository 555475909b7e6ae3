"""A reader's shell: one bash that stays from one command to the next.

It has processes and a network of its own, so that a page may say `pkill` and use any port. All that
is in there ends with it.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

_LOOPBACK_UP = """
import fcntl, socket
fcntl.ioctl(socket.socket(), 0x8914, b"lo".ljust(16, bytes(1)) + bytes([1, 0]))
"""
"""SIOCSIFFLAGS, IFF_UP: not every machine has the program `ip`."""


def lacking() -> str:
    """Why there can be no such shell here; empty where there can."""
    if not shutil.which("unshare"):
        return "a page is followed in namespaces of its own, and there is no unshare here"
    done = subprocess.run([*_enter(), "true"], capture_output=True, text=True, check=False)
    return done.stderr.strip()


def _enter() -> list[str]:
    as_root = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *as_root, "--pid", "--fork", "--kill-child", "--mount-proc", "--net"]


class Shell:
    """One, at home in a folder."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self._home = home
        self._step = home / ".step"
        self._mark = f"end of step {os.getpid()}:"
        self._bash = subprocess.Popen(
            [
                *_enter(),
                "sh",
                "-c",
                f'{sys.executable} -c "$1"; exec bash --noprofile --norc',
                "sh",
                _LOOPBACK_UP,
            ],
            cwd=home,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, command: str, seconds: float = 120) -> tuple[str, int]:
        """What it prints, and its exit code; it reads nothing of standard input."""
        self._step.write_text(f"{command}\n")
        assert self._bash.stdin is not None
        self._bash.stdin.write(f'. "{self._step}" </dev/null; echo "{self._mark}$?"\n'.encode())
        self._bash.stdin.flush()
        text = self._until_mark(time.monotonic() + seconds, command)
        found = re.search(rf"{self._mark}(\d+)\n\Z", text)
        assert found, text
        return text[: found.start()], int(found[1])

    def close(self) -> None:
        self._bash.kill()
        self._bash.wait()
        for pipe in (self._bash.stdin, self._bash.stdout):
            assert pipe is not None
            pipe.close()

    def _until_mark(self, deadline: float, command: str) -> str:
        assert self._bash.stdout is not None
        text = b""
        while not re.search(rf"{self._mark}\d+\n\Z".encode(), text):
            left = max(0, deadline - time.monotonic())
            ready = select.select([self._bash.stdout], [], [], left)[0]
            assert ready, f"{command!r} does not end; it has printed {text.decode()!r}"
            part = os.read(self._bash.stdout.fileno(), 65536)
            assert part, f"{command!r} ended the shell: {text.decode()!r}"
            text += part
        return text.decode()
