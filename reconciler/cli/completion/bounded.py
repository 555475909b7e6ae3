"""A look that may never end, given so much time.

A controller may be stopped, a manifest may be a FIFO or lie on a disk that does not answer: a shell
waits for none of them. So the look is a process of its own, which is killed when the time is up
and is not waited for. What it found until then counts.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

_BLOCK = 65536
_MOST = 8 * 2**20
"""Bytes that are taken: an answer for a person to choose from is not longer."""


def found_within(seconds: float, look: Callable[[], Iterable[Any]]) -> tuple[list[Any], bool]:
    """What ``look`` gives (JSON values) within the time, and whether it came to its end."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        _child(writer, look)
    os.close(writer)
    try:
        text, ended = _read(reader, time.monotonic() + seconds)
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
    values = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]
    whole = ended and bool(values) and values[-1] == _END
    return [value for value in values if value != _END], whole


_END = {"end": True}


def _child(writer: int, look: Callable[[], Iterable[Any]]) -> None:
    """Write what is found; never returns. The shell's descriptors are let go at once: it reads
    until the last process has closed them."""
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        sys.stdout = sys.stderr = open(nothing, "w", closefd=False)  # noqa: SIM115  to the end
        with os.fdopen(writer, "wb", buffering=0) as out:
            for value in look():
                out.write(json.dumps(value).encode() + b"\n")
            out.write(json.dumps(_END).encode() + b"\n")
    finally:
        os._exit(0)


def _read(reader: int, deadline: float) -> tuple[bytes, bool]:
    """All that comes until the deadline, and whether that was all."""
    text = b""
    while len(text) < _MOST:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            return text, False
        block = os.read(reader, _BLOCK)
        if not block:
            return text, True
        text += block
    return text, False
