"""Work on files and patterns of others, in processes that can be killed: no deadline holds here.

A read of a dead network file system, a walk that does not end, a regular expression that backtracks
for a year: none of these can be interrupted in a thread, and ``re`` holds the interpreter besides.
So such work is a *task*, a function that a worker process runs (``system/work/workerproc.py``),
with a deadline. A worker that has not answered by then is killed, and its caller gets a typed
failure with the path that it was at. One that SIGKILL does not end (state D) is abandoned and
replaced; so that they do not pile up, no more than ``_MOST_STUCK`` may be waited for.

Workers are started when they are needed. What a task keeps for its owner lives in one of them, and
an owner's next task goes there if it can. A task that has waited a while gets another worker, so
that one owner's slow disk does not hold up the rest. The caller never waits: answers are futures.
"""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import os
import pickle
import signal
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.system.work import child
from reconciler.system.work.session import HEADER, LONGEST, PAGE, Shared

__all__ = ["Shared", "TaskFault", "WorkerError", "WorkerTimeout", "Workers"]

_PIECE = 1 << 18
_MOST = 4
"""Worker processes at a time."""
_MOST_STUCK = 4
"""Killed ones that have yet to end."""
_PATIENCE = 0.25
"""Seconds that a task waits for the worker that knows its owner, or for any, before it gets one."""
_IDLE = 60.0
"""Seconds after which a worker ends that keeps nothing for a caller."""
_PROGRAM = "reconciler.system.work.workerproc"
_KEPT = ("HOME", "LANG", "LANGUAGE", "LC_", "PYTHON", "TZ")
"""Variables that Python needs: how names are encoded, and where packages are. No secrets."""


class WorkerError(Exception):
    """The task has no result. ``path`` is where its worker was; empty where it had not begun."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class WorkerTimeout(WorkerError):
    """There was no answer in time; the worker was killed."""


class TaskFault(WorkerError):
    """The task itself failed, with this sentence."""


@dataclass(slots=True, eq=False)
class _Job:
    task: str
    argument: object
    owner: str
    seconds: float
    keeps: bool
    shared: Shared | None
    future: asyncio.Future[Any]
    requested_at: float


class Workers:
    """The worker processes of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int = _MOST) -> None:
        self._loop = loop
        self._most = most
        self._workers: list[_Worker] = []
        self._stuck: set[int] = set()
        """Pidfds of workers that were killed and have yet to end."""
        self._jobs: list[_Job] = []
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def call(
        self,
        task: str,
        argument: object,
        *,
        owner: str,
        seconds: float,
        keeps: bool = False,
        shared: Shared | None = None,
    ) -> asyncio.Future[Any]:
        """What ``task`` (``module:function``) makes of ``argument``, within ``seconds`` of work.

        The future may raise ``WorkerError``. ``keeps``: the task keeps something for its owner
        (``Session.memo``) until ``forget``.
        """
        future = self._loop.create_future()
        now = self._loop.time()
        self._jobs.append(_Job(task, argument, owner, seconds, keeps, shared, future, now))
        self._dispatch()
        return future

    def forget(self, owner: str) -> None:
        """Nothing has to be kept for this owner any more."""
        for worker in self._workers:
            worker.forget(owner)

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for worker in [*self._workers]:
            worker.kill()
        for pidfd in self._stuck:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
        self._stuck.clear()
        for job in self._jobs:
            job.future.cancel()
        self._jobs.clear()

    @property
    def pids(self) -> list[int]:
        """Of the worker processes that run."""
        return [worker.pid for worker in self._workers]

    def ended(self, worker: _Worker) -> None:
        """A worker takes no more tasks: it was killed, or has ended."""
        self._workers.remove(worker)
        self._stuck.add(worker.pidfd)
        self._loop.add_reader(worker.pidfd, self._reap, worker.pidfd)
        self.freed()

    def freed(self) -> None:
        """A worker may take another task. Soon, not now: the loop is in the midst of something."""
        if not self._closed:
            self._loop.call_soon(self._dispatch)

    def _reap(self, pidfd: int) -> None:
        self._loop.remove_reader(pidfd)
        with contextlib.suppress(ChildProcessError):  # as PID 1 recon reaps strangers, and these
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        os.close(pidfd)
        self._stuck.discard(pidfd)

    def _dispatch(self) -> None:
        """Give each task that waits to a worker, if it is to have one now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._jobs = self._jobs, []
        for job in waiting:
            if job.future.done():  # no caller waits any more
                continue
            try:
                worker = self._worker_for(job)
            except WorkerError as error:
                job.future.set_exception(error)
                continue
            if worker is None:
                self._jobs.append(job)
            else:
                worker.begin(job)
        if self._jobs and not self._closed:
            due = self._jobs[0].requested_at + _PATIENCE
            wait = due - self._loop.time()
            if wait > 0:
                self._timer = self._loop.call_later(wait, self._dispatch)

    def _worker_for(self, job: _Job) -> _Worker | None:
        """None: the task has to wait until one is free. WorkerError where there can be none."""
        idle = [worker for worker in self._workers if worker.job is None]
        knowing = [worker for worker in self._workers if job.owner in worker.owners]
        known = next((worker for worker in knowing if worker.job is None), None)
        if known is not None:
            return known
        impatient = self._loop.time() - job.requested_at >= _PATIENCE
        if idle and (impatient or not knowing):
            return idle[0]
        if self._workers and (not impatient or len(self._workers) >= self._most):
            return None
        if len(self._stuck) >= _MOST_STUCK:
            raise WorkerError(
                f"{len(self._stuck)} processes that read files are stuck in the kernel"
            )
        try:
            worker = _Worker(self._loop, self)
        except OSError as error:
            raise WorkerError(f"no process can be started: {error}") from error
        self._workers.append(worker)
        return worker


class _Worker:
    """One worker process, seen from the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Workers) -> None:
        """OSError where it cannot be started."""
        self._loop, self._pool = loop, pool
        self.job: _Job | None = None
        self.owners: set[str] = set()
        """The owners for which the worker keeps something."""
        self._received, self._unsent = bytearray(), memoryview(b"")
        self._sent: dict[str, int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._socket, self._place, self.pid, self.pidfd = _start()
        self._socket.setblocking(False)
        loop.add_reader(self._socket.fileno(), self._readable)

    def begin(self, job: _Job) -> None:
        """Have it work on this. It has nothing else to do."""
        self.job = job
        self._place[:1] = b"\0"
        if job.keeps:
            self.owners.add(job.owner)
        shared = job.shared
        if shared is not None and self._sent.get(shared.name) == shared.version:
            shared = None
        elif shared is not None:
            self._sent[shared.name] = shared.version
        self._set_timer(job.seconds, self._late)
        self._send((job.task, job.argument, job.owner if job.keeps else None, shared))

    def forget(self, owner: str) -> None:
        if owner in self.owners:
            self.owners.discard(owner)
            self._send((None, None, owner, None))
            if self.job is None:
                self._set_timer(_IDLE, self.kill)

    def kill(self) -> None:
        """End it now."""
        self._fail(WorkerError("the process that reads files has ended", self._where()))

    def _late(self) -> None:
        assert self.job is not None
        self._fail(WorkerTimeout(f"no answer within {self.job.seconds:g} s", self._where()))

    def _fail(self, error: WorkerError) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._place.close()
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        job, self.job = self.job, None
        if job is not None and not job.future.done():
            job.future.set_exception(error)
        self._pool.ended(self)

    def _where(self) -> str:
        return os.fsdecode(self._place[:PAGE].split(b"\0", 1)[0])

    def _set_timer(self, seconds: float, call: Callable[[], None]) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, call)

    def _send(self, message: object) -> None:
        data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
        framed = len(data).to_bytes(HEADER, "big") + data
        self._unsent = memoryview(bytes(self._unsent) + framed)
        self._writable()

    def _writable(self) -> None:
        try:
            sent = self._socket.send(self._unsent[:_PIECE]) if self._unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError:  # it has ended, which is read as the end of its answers
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._writable)
        else:
            self._loop.remove_writer(self._socket.fileno())

    def _readable(self) -> None:
        try:
            piece = self._socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        self._received += piece
        length = int.from_bytes(self._received[:HEADER], "big")
        if not piece or (len(self._received) >= HEADER and length > LONGEST):
            self.kill()
        elif len(self._received) >= HEADER + length and len(self._received) > HEADER:
            self._answer(bytes(self._received[HEADER:]))

    def _answer(self, data: bytes) -> None:
        self._received.clear()
        job, self.job = self.job, None
        kind, result = pickle.loads(data)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self.owners:
            self._set_timer(_IDLE, self.kill)
        if job is not None and not job.future.done():
            if kind == "fault":
                job.future.set_exception(TaskFault(str(result), self._where()))
            else:
                job.future.set_result(result)
        self._pool.freed()


def _start() -> tuple[socket.socket, mmap.mmap, int, int]:
    """A new worker: its socket, its memory, its pid and a pidfd. OSError."""
    memory = os.memfd_create("recon-worker", os.MFD_CLOEXEC)
    try:
        os.ftruncate(memory, PAGE)
        place = mmap.mmap(memory, PAGE)
        words = [str(os.getpid()), str(memory)]
        made = child.start(_PROGRAM, words, environment(os.environ), inherited=[memory])
    finally:
        os.close(memory)
    return made.socket, place, made.pid, made.pidfd


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    """The part of the controller's environment that a worker gets."""
    return {name: text for name, text in variables.items() if name.startswith(_KEPT)}
