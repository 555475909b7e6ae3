"""The worker process: runs one task after the other, until the controller has gone (``worker.py``).

A fresh interpreter with few imports: it has none of the controller's descriptors, locks, secrets
or modules. It ends with the controller, whatever it is doing (PR_SET_PDEATHSIG), and when its
socket is closed. It says where it is in memory that it shares with the controller, which can
still read that when the worker is stuck.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import mmap
import os
import pickle
import resource
import signal
import sys
from collections import defaultdict
from typing import Any

from reconciler.system.work.session import HEADER, LONGEST, PAGE, Session, Shared

_LINK = 0
"""The descriptor of the socket to the controller."""

_PR_SET_PDEATHSIG = 1
_MEMORY = 4 << 30
"""Bytes of address space: what would take more fails here, and not the host."""


def main() -> None:
    """Serve until the socket is closed."""
    _prepare(int(sys.argv[1]))
    memory = int(sys.argv[2])
    place = mmap.mmap(memory, PAGE)
    os.close(memory)
    session = Session(place)
    memos: dict[str, dict[str, Any]] = defaultdict(dict)
    with contextlib.suppress(BrokenPipeError):  # the controller was killed meanwhile
        _serve(session, memos)


def _serve(session: Session, memos: dict[str, dict[str, Any]]) -> None:
    while (message := _receive()) is not None:
        task, argument, owner, shared = pickle.loads(message)
        if task is None:
            memos.pop(owner, None)
            continue
        session.memo = memos[owner] if owner is not None else {}
        _send(_answer(session, task, argument, shared))


def _prepare(parent: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before that was set
        sys.exit()
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "wb") as score:
        score.write(b"0")  # the controller's own may be -900: a worker can be replaced
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _answer(session: Session, task: str, argument: Any, shared: Shared | None) -> tuple[str, Any]:
    if shared is not None:
        session.shared[shared.name] = shared.value
    module, _, name = task.partition(":")
    try:
        return "done", getattr(importlib.import_module(module), name)(argument, session)
    except Exception as error:  # whatever the files hold, the next task is another's
        return "fault", f"{type(error).__name__}: {error}"


def _receive() -> bytes | None:
    """One message; None where the controller has closed the socket, read to the end or not."""
    try:
        length = int.from_bytes(_read_exactly(HEADER), "big")
    except ConnectionResetError:
        return None
    return _read_exactly(length) if 0 < length <= LONGEST else None


def _read_exactly(size: int) -> bytes:
    """So many bytes; fewer at the end."""
    received = bytearray()
    while len(received) < size and (piece := os.read(_LINK, min(size - len(received), 1 << 20))):
        received += piece
    return bytes(received)


def _send(message: object) -> None:
    data = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    rest = memoryview(len(data).to_bytes(HEADER, "big") + data)
    while rest:
        rest = rest[os.write(_LINK, rest) :]


if __name__ == "__main__":
    main()
