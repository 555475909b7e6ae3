"""Every process of every app, from its first line to its end, whatever controller runs meanwhile.

Each reports its start (``programs``) and is held by a pidfd from then on. So its end is seen at
once, in the order in which things happen: a process that starts after another has ended is never
taken for a second one. What must not be is noted in ``faults`` when it happens:

- two processes of one number and revision at a time, or more in all than the surge allows;
- the end of a process that is declared, and that no test has killed;
- a second run of a Job that must run once.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from e2e.faults.declared import Declared

_LATELY = 100
"""So many that have ended may still have a last word unheard."""


class Key(NamedTuple):
    """Which process of which revision: no two of these run at a time."""

    app: str
    number: int
    version: int


@dataclass(slots=True, eq=False)
class Life:
    """One process."""

    key: Key
    nonce: str
    pid: int
    pidfd: int
    began: float
    """Monotonic seconds, as ``ended``."""
    is_child: bool = False
    """A child process of an instance."""
    excused: str = ""
    """Why it may end."""
    written: int | None = None
    """Its lines, which it counts when it ends in order."""
    ended: float | None = None


@dataclass
class Registrar:
    """``declared`` is what the manifests say now."""

    name: str
    declared: Declared
    lives: dict[int, Life] = field(default_factory=dict)
    """Those that run, by pidfd."""
    past: list[Life] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    starts: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(f"\0{self.name}")
        self._socket.setblocking(False)
        self._near, self._far = os.pipe()
        self._poll = select.epoll()
        self._poll.register(self._socket, select.EPOLLIN)
        self._poll.register(self._near, select.EPOLLIN)
        self._thread = threading.Thread(target=self._watch, name="registrar")
        self._thread.start()

    # -- what a test asks and does -----------------------------------------------------------------

    def running(self) -> dict[str, set[Key]]:
        """By app, the instances that run."""
        with self.lock:
            found: dict[str, set[Key]] = {}
            for life in self.lives.values():
                if not life.is_child:
                    found.setdefault(life.key.app, set()).add(life.key)
            return found

    def was_run(self, job: str, version: int) -> bool:
        """Whether a revision of a Job was run to its end."""
        with self.lock:
            of_job = (one for one in self.past if one.key.app == job)
            return any(one.key.version == version and one.written for one in of_job)

    def runs(self) -> list[Life]:
        """All that ever ran, in the order of their starts."""
        with self.lock:
            return sorted((*self.past, *self.lives.values()), key=lambda life: life.began)

    def pids(self) -> set[int]:
        """Of all that runs."""
        with self.lock:
            return {life.pid for life in self.lives.values()}

    def declare(self, declared: Declared) -> None:
        """Hear of an edit just before it is made: what runs and is not declared may end."""
        with self.lock:
            self.declared = declared
            for life in self.lives.values():
                if not declared.wants(life.key.app, life.key.number, life.key.version):
                    life.excused = life.excused or "an edit"

    def kill(self, key: Key) -> bool:
        """kill -9 of an instance; whether it ran."""
        with self.lock:
            for life in self.lives.values():
                if life.key == key and not life.is_child:
                    life.excused = life.excused or "killed by the test"
                    with suppress(ProcessLookupError):
                        signal.pidfd_send_signal(life.pidfd, signal.SIGKILL)
                    return True
        return False

    def kill_all(self) -> None:
        """The end of a test that failed."""
        with self.lock:
            for life in self.lives.values():
                with suppress(ProcessLookupError):
                    signal.pidfd_send_signal(life.pidfd, signal.SIGKILL)

    def close(self) -> None:
        os.write(self._far, b"x")
        self._thread.join()
        for life in self.lives.values():
            os.close(life.pidfd)
        self._poll.close()
        self._socket.close()
        os.close(self._near)
        os.close(self._far)

    # -- its thread --------------------------------------------------------------------------------

    def _watch(self) -> None:
        while True:
            ready = [fd for fd, _ in self._poll.poll()]
            with self.lock:
                # What came before: a process that ended has been heard to its last word.
                for _ in range(1000):
                    try:
                        self._hear(self._socket.recv(4096).decode())
                    except BlockingIOError:
                        break
                for fd in ready:
                    if fd in self.lives:  # a number may be another process's by now
                        self._end_if_over(self.lives[fd])
            if self._near in ready:
                return

    def _hear(self, text: str) -> None:
        what, *words, last = text.split(" ")
        pid = int(last)
        if what == "end":
            nonce, written = words
            for life in (*self.lives.values(), *self.past[-_LATELY:]):
                if life.nonce == nonce and life.pid == pid:
                    life.written = int(written)
            return
        identity, version = words
        _, app, number, _, nonce = identity.split("/")
        key = Key(app, int(number), int(version))
        life = Life(key, nonce, pid, -1, time.monotonic(), is_child=what == "child")
        self.starts += 1
        if not life.is_child:
            self._judge_start(life)
        try:
            life.pidfd = os.pidfd_open(pid)
        except ProcessLookupError:  # a short one
            self._ended(life)
        else:
            self.lives[life.pidfd] = life
            self._poll.register(life.pidfd, select.EPOLLIN)

    def _judge_start(self, life: Life) -> None:
        for other in [*self.lives.values()]:
            if other.key.app == life.key.app:
                self._end_if_over(other)
        app = self.declared.apps.get(life.key.app)
        others = [one for one in self.lives.values() if one.key.app == life.key.app]
        instances = [one for one in others if not one.is_child]
        twins = [one for one in instances if one.key == life.key]
        if twins:
            pids = [(one.pid, one.nonce) for one in (*twins, life)]
            self.faults.append(f"two processes at a time of {life.key}: {pids}")
        most = self.declared.most(life.key.app)
        if len(instances) + 1 > most:
            keys = [one.key for one in (*instances, life)]
            self.faults.append(f"more than {most} processes of {life.key.app}: {keys}")
        if app is not None and app.is_once:
            earlier = [one for one in self.runs() if one.key == life.key or _same_run(one, life)]
            if earlier:
                self.faults.append(f"a second run of {life.key.app} version {life.key.version}")
        if not self.declared.wants(*life.key):
            life.excused = "not declared at its start"

    def _end_if_over(self, life: Life) -> None:
        if select.select([life.pidfd], [], [], 0)[0]:
            self._ended(life)

    def _ended(self, life: Life) -> None:
        life.ended = time.monotonic()
        if life.pidfd >= 0:
            self._poll.unregister(life.pidfd)
            os.close(life.pidfd)
            del self.lives[life.pidfd]
        self.past.append(life)
        if life.is_child:
            return  # it ends with its instance
        app = self.declared.apps.get(life.key.app)
        is_job = app is not None and app.is_job
        if not life.excused and not is_job and self.declared.wants(*life.key):
            age = life.ended - life.began
            self.faults.append(
                f"{life.key} (pid {life.pid}) ended {age:.2f} s old, and was declared; its app had"
                f" {self._of(life)}"
            )

    def _of(self, life: Life) -> list[tuple[Key, int, float, float | None]]:
        """The latest processes of the same app: when they began and ended, from its own start."""
        return [
            (
                one.key,
                one.pid,
                round(one.began - life.began, 3),
                one.ended and one.ended - life.began,
            )
            for one in self.runs()
            if one.key.app == life.key.app
        ][-6:]


def _same_run(one: Life, other: Life) -> bool:
    return (one.key.app, one.key.version) == (other.key.app, other.key.version)


def difference(running: Mapping[str, set[Key]], wanted: Iterable[Key]) -> str:
    """What runs and is not wanted, and the reverse; empty where they are equal."""
    are = {key for keys in running.values() for key in keys}
    wanted = {*wanted}
    lacking, beyond = sorted(wanted - are), sorted(are - wanted)
    parts = [f"not running: {lacking}"] if lacking else []
    return "; ".join(parts + ([f"beyond: {beyond}"] if beyond else []))
