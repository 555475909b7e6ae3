"""The controllers of one world, one after the other, as its only way to them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from e2e.faults.failpoints import Plan
from e2e.faults.zygote import Zygote
from e2e.harness import Recon, read
from reconciler.api.client import Client
from reconciler.api.errors import ClientError
from tests.waiting import SLOWNESS

_BEGINS = 60.0 * SLOWNESS
"""Seconds within which a controller is at work."""
_READS = 1.0
"""Seconds that a controller lives on after the end of a process, if its last lines are owed."""
_LOCKED = 1
"""The exit code of a controller while what an earlier one began still has the lock."""


@dataclass(slots=True)
class Life:
    """One controller. Times are monotonic seconds."""

    pid: int
    began: float
    answered: float | None = None
    ended: float | None = None

    @property
    def runs(self) -> bool:
        """As of the last look."""
        return self.ended is None


class Controllers:
    """Begins and ends them. ``notes`` has what the last one met."""

    def __init__(self, recon: Recon, zygote: Zygote, notes: Path, client: Client) -> None:
        self._recon = recon
        self._zygote = zygote
        self._client = client
        self.notes = notes
        self.lives: list[Life] = []
        self.slowest = 0.0
        """Seconds until a controller answered, the longest."""
        self._checked = 0

    def begin(self, plan: Plan) -> Life:
        """A controller that answers, or has ended by its plan."""
        state, manifests = str(self._recon.state), str(self._recon.manifests)
        arguments = ["--manifests", manifests, "--state-dir", state]
        began = time.monotonic()
        while True:
            pid = self._zygote.begin(arguments, plan, self._recon.output, self.notes)
            life = Life(pid, began)
            self.lives.append(life)
            while self.look(life) and life.answered is None:
                assert time.monotonic() - began < _BEGINS, "no controller is at work"
                self.wait(0.005)
                self._ask(life)
            code = self._zygote.end_of(pid)
            if code in (None, -signal.SIGKILL):
                return life
            # What the one before was about to start has the lock until it is a program: a moment.
            assert code == _LOCKED, f"exit code {code}"
            assert time.monotonic() - began < _BEGINS, "the lock is not free"
            self.lives.pop()
            self.wait(0.01)

    def _ask(self, life: Life) -> None:
        if not self._recon.state.joinpath("recon.sock").exists():
            return
        with contextlib.suppress(ClientError):
            if self._client.version()["pid"] == life.pid:
                life.answered = time.monotonic()
                self.slowest = max(self.slowest, life.answered - life.began)

    def look(self, life: Life) -> bool:
        """Whether it runs now."""
        if life.ended is None and self._zygote.end_of(life.pid) is not None:
            life.ended = time.monotonic()
        return life.runs

    def wait(self, seconds: float) -> None:
        """Let time pass, less where the last one ends."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if self.lives and self.lives[-1].runs and not self.look(self.lives[-1]):
                return
            time.sleep(min(left, 0.005))

    def kill(self) -> None:
        """kill -9 of the one that runs, if any."""
        for life in self.lives[-1:]:
            if self.look(life):
                os.kill(life.pid, signal.SIGKILL)  # the zygote's child, and not reaped
                self._join(life)

    def kill_helper(self, programs: set[int]) -> None:
        """kill -9 of the fork server or a worker of the one that runs: the oldest of each kind,
        since a stub that has just been forked looks like the fork server."""
        oldest: dict[str, int] = {}
        for pid in sorted(self._children(), key=_start):
            if pid not in programs:
                oldest.setdefault(read(Path(f"/proc/{pid}/cmdline")), pid)
        for command, pid in sorted(oldest.items()):
            if "stub.main()" in command or "workerproc" in command:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                return

    def _children(self) -> list[int]:
        """Of the one that runs. Each of its threads has children of its own."""
        if not self.lives or not self.look(self.lives[-1]):
            return []
        threads = Path(f"/proc/{self.lives[-1].pid}/task").glob("*/children")
        return [int(word) for path in threads for word in read(path).split()]

    def leave(self, life: Life) -> None:
        """Until one that was told to stop everything has done so."""
        self._join(life)
        code = self._zygote.end_of(life.pid)
        assert code == 0, f"exit code {code}"

    def _join(self, life: Life) -> None:
        deadline = time.monotonic() + _BEGINS
        while self.look(life):
            assert time.monotonic() < deadline, "the controller does not end"
            self.wait(0.002)

    def read(self, ended: float | None) -> bool:
        """Whether a controller was at work when a process ended, and lived on for a while."""
        return ended is not None and any(
            life.answered is not None
            and life.answered < ended
            and (life.ended is None or life.ended > ended + _READS)
            for life in self.lives
        )

    def output(self) -> str:
        """What all of them printed."""
        with contextlib.suppress(FileNotFoundError):
            return self._recon.output.read_text(errors="replace")
        return ""

    def check(self) -> None:
        """None of them met what it did not foresee."""
        text = self.output()
        new, self._checked = text[self._checked :], len(text)
        assert "Traceback" not in new, new[-4000:]


def _start(pid: int) -> int:
    """When a process began, in ticks; late where it has ended."""
    fields = read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return int(fields[19]) if fields else 2**62
