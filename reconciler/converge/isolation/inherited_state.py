"""What passes from the controller to a program by itself, and is set straight.

The user who starts recon has groups, a umask, keys, open files, ignored signals and perhaps raised
capabilities. A program must be the same after a boot as after a hand-made start, so none of that
passes on. ``prepare`` handles what can be set once; ``signals`` and ``descriptors`` to theirs,
``spawn`` to umask, directory, session and environment, which each program has of its own.

What does pass on, because it is the word of the host or of recon's unit: resource limits, nice
value, CPU affinity, I/O and scheduling class, OOM score (that recon was started with: see
``oomscore``), cgroup and namespaces.
"""

from __future__ import annotations

import contextlib
import os

from reconciler.converge.isolation import signals
from reconciler.system import syscalls


def prepare() -> None:
    """Call once, first thing in the controller's main thread, before it has others."""
    signals.prepare()
    leave_keys()
    with contextlib.suppress(OSError):  # a kernel or sandbox without them has none to leave
        syscalls.drop_inheritable(2**64 - 1)
        syscalls.clear_ambient()
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            os.setgroups(os.getgrouplist("root", os.getegid()))


def leave_keys() -> None:
    """The thread, and what it starts, has none of the keys of the session that started recon."""
    with contextlib.suppress(OSError):  # forbidden, or too many keys: there are none
        syscalls.fresh_session_keyring()
