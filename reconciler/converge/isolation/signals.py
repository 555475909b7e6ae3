"""What a program inherits of the controller's signals: nothing.

Ignored signals and the mask of blocked ones pass through exec. Started by ``nohup`` the
controller has SIGHUP ignored, started with ``&`` by a script SIGINT and SIGQUIT; programs that
inherit that can never be reloaded or interrupted. A signal with a *handler* returns to its
default at exec, so the controller keeps ignoring them by a handler that does nothing.
"""

from __future__ import annotations

import signal
from types import FrameType

_RESTORED_BY_SUBPROCESS = {signal.SIGPIPE, signal.SIGXFSZ}


def prepare() -> None:
    """Call once, in the controller's main thread, before its own handlers are set."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals():
        if signal.getsignal(number) is signal.SIG_IGN and number not in _RESTORED_BY_SUBPROCESS:
            # Ignored SIGCHLD would have the kernel reap children, and exit statuses be lost.
            default = number == signal.SIGCHLD
            signal.signal(number, signal.SIG_DFL if default else _nothing)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    pass
