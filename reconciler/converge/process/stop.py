"""Stop: preStop, then the signal, then a deadline. A few timers, no thread, no task.

The order, as Kubernetes' pod termination and systemd's ``KillMode=mixed`` have it:

1. preStop runs, if there is one, within the grace period;
2. the stop signal goes to the *main* process only: programs with workers (gunicorn, ``npm run``,
   a shell with ``trap``) end their children in an order of their own, and a signal to all at
   once would cut the requests that the workers are still answering;
3. once the main process is gone, whatever it left behind gets the same signal;
4. when the grace period, counted from the start of the stop, is over, everything with the
   process's nonce gets SIGKILL, and again while anything is left.

The controller says what it sees: ``main_exited``, then ``gone`` when no process of the nonce
is left; ``gone`` ends the stop. Signals are sent by callables that it hands in, which know the
pidfds. A stop that an earlier controller began is taken up by ``restore``.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal as signals
from collections.abc import Callable
from dataclasses import dataclass

from reconciler.converge.process import helper
from reconciler.converge.process.spawn import SpawnError, Started
from reconciler.model.spec.lifecycle import Stop
from reconciler.model.state.desired import Workload
from reconciler.model.state.observed import Process, RunState
from reconciler.system.clock import boot_now

_KILL_AGAIN = 1.0
"""Seconds from one SIGKILL to the next, doubling: what was forking may have got away."""
_KILL_AGAIN_MAX = 30.0


@dataclass(slots=True)
class _Stopping:
    """One process on its way out. Times are boot seconds."""

    nonce: str
    signum: int
    began: float
    deadline: float
    timer: asyncio.TimerHandle | None = None
    hook: Started | None = None
    """preStop while it runs."""
    main_gone: bool = False
    killing: float = 0.0
    """Seconds to the next SIGKILL; 0 before the first."""


class Stopper:
    """The stops under way, by nonce.

    ``signal(nonce, signum)`` signals the main process and is False where that is gone;
    ``signal_all(nonce, signum)`` signals every process of the nonce: main, members of its
    process group, tagged stragglers. ``on_hook_failed(nonce, sentence)`` hears of a preStop
    that could not be run, failed or was cut off (Kubernetes' event: FailedPreStopHook).
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        signal: Callable[[str, int], bool],
        signal_all: Callable[[str, int], object],
        on_hook_failed: Callable[[str, str], object] = lambda nonce, sentence: None,
    ) -> None:
        self._loop = loop
        self._signal = signal
        self._signal_all = signal_all
        self._on_hook_failed = on_hook_failed
        self._stops: dict[str, _Stopping] = {}

    def __contains__(self, nonce: str) -> bool:
        return nonce in self._stops

    def stop(
        self,
        process: Process,
        how: Stop | None = None,
        grace: float = 30,
        app: Workload | None = None,
    ) -> float:
        """Begin a stop; returns when it began (boot seconds).

        ``app`` is what preStop takes its directory, user and environment from; without it
        none is run. For a process that is being stopped already only a shorter ``grace``
        counts, measured from the beginning.
        """
        how = how or Stop()
        known = self._stops.get(process.tag.nonce)
        if known is not None:
            self._shorten(known, grace)
            return known.began
        stop = self._begin(process, how, boot_now(), grace)
        if grace > 0 and app is not None and self._run_hook(stop, how, process, app):
            if process.state is RunState.FROZEN:
                self._signal(stop.nonce, signals.SIGCONT)  # what it drains must be able to act
        else:
            self._signal_main(stop)
        return stop.began

    def restore(self, process: Process, how: Stop | None = None, grace: float = 30) -> None:
        """Take up a stop that an earlier controller began at ``process.stopping_at``.

        How far it came is not known. preStop is not run twice; the signal is sent, again if need
        be, since a process that never got it would otherwise wait out the whole period.
        """
        if process.tag.nonce in self._stops:
            return
        began = boot_now() if process.stopping_at is None else process.stopping_at
        self._signal_main(self._begin(process, how or Stop(), began, grace))

    def change_grace(self, nonce: str, grace: float) -> None:
        """The grace period is another one now, from the beginning of the stop that is under way.

        No effect where nothing stops, or where the period is over already.
        """
        stop = self._stops.get(nonce)
        if stop is None or stop.killing or stop.began + grace == stop.deadline:
            return
        stop.deadline = stop.began + grace
        self._arm(stop, stop.deadline - boot_now())

    def main_exited(self, nonce: str) -> None:
        """The main process is gone: ask what it left behind. No effect where nothing stops."""
        stop = self._stops.get(nonce)
        if stop is None or stop.main_gone:
            return
        stop.main_gone = True
        signum = signals.SIGKILL if stop.killing else stop.signum
        self._signal_all(nonce, signum)
        self._signal_hook(stop, signum)
        if not stop.killing:
            self._signal_all(nonce, signals.SIGCONT)

    def gone(self, nonce: str) -> None:
        """No process of the nonce is left: the stop is over, its timer too."""
        stop = self._stops.pop(nonce, None)
        if stop is None:
            return
        if stop.timer:
            stop.timer.cancel()
        stop.main_gone = True
        self._kill_hook(stop)

    def close(self) -> None:
        """Forget all stops without a further signal: the next controller restores them."""
        for stop in self._stops.values():
            if stop.timer:
                stop.timer.cancel()
            self._drop_hook(stop)
        self._stops.clear()

    def _begin(self, process: Process, how: Stop, began: float, grace: float) -> _Stopping:
        signum = signals.Signals[how.signal]
        stop = _Stopping(process.tag.nonce, signum, began, began + grace)
        self._stops[stop.nonce] = stop
        self._arm(stop, stop.deadline - boot_now())
        return stop

    def _arm(self, stop: _Stopping, delay: float) -> None:
        if stop.timer:
            stop.timer.cancel()
        stop.timer = self._loop.call_later(max(0.0, delay), self._due, stop)

    def _shorten(self, stop: _Stopping, grace: float) -> None:
        if stop.began + grace < stop.deadline and not stop.killing:
            stop.deadline = stop.began + grace
            self._arm(stop, stop.deadline - boot_now())

    def _signal_main(self, stop: _Stopping) -> None:
        """Signal the main process; SIGCONT after it, so that a frozen one can act on it."""
        if stop.main_gone or stop.killing:
            return
        if self._signal(stop.nonce, stop.signum):
            self._signal(stop.nonce, signals.SIGCONT)
        else:
            self.main_exited(stop.nonce)

    def _due(self, stop: _Stopping) -> None:
        """The grace period is over."""
        stop.killing = min(stop.killing * 2 or _KILL_AGAIN, _KILL_AGAIN_MAX)
        self._arm(stop, stop.killing)
        self._kill_hook(stop)
        self._signal(stop.nonce, signals.SIGKILL)
        self._signal_all(stop.nonce, signals.SIGKILL)

    def _run_hook(self, stop: _Stopping, how: Stop, process: Process, app: Workload) -> bool:
        """Start preStop; False where there is none to wait for."""
        if not how.pre_stop:
            return False
        try:
            stop.hook = helper.begin(app, process, how.pre_stop)
        except SpawnError as error:
            self._on_hook_failed(stop.nonce, f"preStop: {error}")
            return False
        self._loop.add_reader(stop.hook.pidfd, self._hook_ended, stop, stop.hook)
        return True

    def _hook_ended(self, stop: _Stopping, hook: Started) -> None:
        self._loop.remove_reader(hook.pidfd)
        stop.hook = None
        sentence = _verdict(hook)
        if stop.killing:
            sentence = "preStop did not end within the grace period; it was killed"
        elif stop.main_gone:
            return  # nothing is left to prepare; the hook got the signal as a straggler
        if sentence:
            self._on_hook_failed(stop.nonce, sentence)
        self._signal_main(stop)

    def _kill_hook(self, stop: _Stopping) -> None:
        """Its reader stays, and reaps it when it has died."""
        self._signal_hook(stop, signals.SIGKILL)

    def _signal_hook(self, stop: _Stopping, signum: int) -> None:
        """By its pidfd: one that has just begun has no nonce in its environment before its exec."""
        if stop.hook is not None:
            with contextlib.suppress(OSError):  # gone, or another user's (setuid)
                signals.pidfd_send_signal(stop.hook.pidfd, signum)

    def _drop_hook(self, stop: _Stopping) -> None:
        if stop.hook is not None:
            self._loop.remove_reader(stop.hook.pidfd)
            stop.hook.report.close()
            os.close(stop.hook.pidfd)
            stop.hook = None


def _verdict(hook: Started) -> str:
    """Reap a preStop command that has ended; a sentence where it failed, else empty."""
    try:
        status = helper.reap(hook)
    except SpawnError as error:
        return f"preStop: {error}"
    if not status:
        return ""
    if status > 0:
        return f"preStop ended with exit code {status}"
    return f"preStop was ended by signal {-status}"
