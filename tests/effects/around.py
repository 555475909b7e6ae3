"""Wrappers that stand around each effect of this process.

``install(before, after)`` has ``before(effect)`` called ahead of each such call of this process and
``after(effect)`` once it has succeeded, in the thread that makes it. ``before`` may raise what the
kernel would (``OSError``; ``sqlite3.OperationalError`` for the names that begin with ``sqlite3``),
``Instead(result)`` to return that without the call, or anything else: an end of the process.
"""

from __future__ import annotations

import builtins
import fcntl
import io
import os
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import wraps
from typing import Any, NamedTuple, cast

from tests.effects.tables import EFFECTS


class Effect(NamedTuple):
    """One call that changes something."""

    name: str
    """``os.write``, ``sqlite3.commit``, ``socket.bind``"""
    target: str
    """A path, what a descriptor leads to, an address, a pid or a statement."""


class Instead(Exception):
    """Raised by ``before``: the call is not made and returns ``result``."""

    def __init__(self, result: object = None) -> None:
        super().__init__(result)
        self.result = result


Hook = Callable[[Effect], object]

_TWO_ENDS = frozenset({"link", "rename", "replace", "splice", "symlink"})
_BY_NUMBER = frozenset({"kill", "killpg", "sched_setaffinity", "setpriority"})
_READS = ("SELECT", "EXPLAIN")
_CREATES = os.O_CREAT | os.O_TRUNC
_SETS = frozenset({fcntl.F_SETFL, 1031})
"""``fcntl`` commands that change what others share; 1031 is F_SETPIPE_SZ."""


def install(before: Hook, after: Hook) -> Callable[[], None]:
    """Have both called around each effect of this process, until the result is called."""
    around = _Around(before, after)
    with ExitStack() as stack:
        for module in (os, fcntl, resource, signal):
            for name in EFFECTS[module.__name__] - {"open"}:
                _replace(stack, module, name, around.function(f"{module.__name__}.{name}"))
        _replace(stack, os, "open", around.function("os.open"))
        opens = around.opens(builtins.open)
        _replace(stack, builtins, "open", lambda real: opens)
        _replace(stack, io, "open", lambda real: opens)
        for name in EFFECTS["socket"]:
            _replace(stack, socket.socket, name, around.method(f"socket.{name}"))
        _replace(stack, subprocess.Popen, "__init__", around.popen)
        _replace(stack, sqlite3, "connect", around.connect)
        return stack.pop_all().close
    raise AssertionError  # an ExitStack lets nothing out


def _replace(stack: ExitStack, place: Any, name: str, make: Callable[[Any], Any]) -> None:
    inherited = isinstance(place, type) and name not in vars(place)
    real = getattr(place, name)
    setattr(place, name, make(real))
    if inherited:
        stack.callback(delattr, place, name)
    else:
        stack.callback(setattr, place, name, real)


class _Around:
    """Wrappers that call ``before`` and ``after``."""

    def __init__(self, before: Hook, after: Hook) -> None:
        self._before, self._after = before, after

    def call(self, name: str, target: str, real: Callable[..., Any], *args: Any, **kw: Any) -> Any:
        effect = Effect(name, target)
        try:
            self._before(effect)
        except Instead as instead:
            return instead.result
        result = real(*args, **kw)
        self._after(effect)
        return result

    def function(self, name: str) -> Callable[[Any], Any]:
        """Of a module."""
        word = name.rpartition(".")[2]

        def make(real: Any) -> Any:
            @wraps(real)
            def call(*args: Any, **kw: Any) -> Any:
                if not _changes(name, args, kw):
                    return real(*args, **kw)
                return self.call(name, _target(word, args), real, *args, **kw)

            return call

        return make

    def method(self, name: str) -> Callable[[Any], Any]:
        """Of a socket."""

        def make(real: Any) -> Any:
            @wraps(real)
            def call(one: socket.socket, *args: Any) -> Any:
                if sys._getframe(1).f_code.co_name == "_write_to_self":
                    return real(one, *args)  # asyncio wakes its own loop
                return self.call(name, _of_socket(one, name, args), real, one, *args)

            return call

        return make

    def popen(self, real: Any) -> Any:
        @wraps(real)
        def begin(one: Any, args: Any, *others: Any, **kw: Any) -> None:
            line = args if isinstance(args, str | bytes) else " ".join(map(str, args))
            self.call("subprocess.Popen", str(line), real, one, args, *others, **kw)

        return begin

    def connect(self, real: Any) -> Any:
        @wraps(real)
        def connect(*args: Any, **kw: Any) -> Any:
            return real(*args, **{"factory": _connection(self.call), **kw})

        return connect

    def opens(self, real: Any) -> Any:
        """``io.open``: a file for writing is raw below, so that each write is seen."""

        @wraps(real)
        def opens(file: Any, mode: str = "r", buffering: int = -1, *args: Any, **kw: Any) -> Any:
            if not {*mode} & {*"wax+"}:
                return real(file, mode, buffering, *args, **kw)
            names = ("encoding", "errors", "newline", "closefd", "opener")
            kw = {**dict(zip(names, args, strict=False)), **kw}
            bare = mode.replace("b", "").replace("t", "")
            how = (bare, kw.pop("closefd", True), kw.pop("opener", None))
            make = _raw(self.call)
            if isinstance(file, int):
                raw = make(file, *how)  # it exists: nothing happens before a write
            else:
                raw = self.call("io.open", os.fsdecode(file), make, file, *how)
            if buffering == 0:
                return raw
            buffered: Any = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
            if "b" in mode:
                return buffered
            return io.TextIOWrapper(buffered, line_buffering=buffering == 1, **kw)

        return opens


def _changes(name: str, args: tuple[Any, ...], kw: dict[str, Any]) -> bool:
    """Whether this call changes anything: some only ask, by their arguments."""
    match name:
        case "os.open":
            return bool((args[1] if len(args) > 1 else kw["flags"]) & _CREATES)
        case "resource.prlimit":
            return len(args) > 2
        case "fcntl.fcntl":
            return args[1] in _SETS
        case "os.kill" | "signal.pidfd_send_signal":
            return bool(args[1])
    return True


def _target(word: str, args: tuple[Any, ...]) -> str:
    if word in _BY_NUMBER or word == "fork":
        return " ".join(map(str, args[:2]))
    if word in _TWO_ENDS:
        return f"{_place(args[0])} -> {_place(args[1])}"
    return _place(args[0])


def _place(place: Any) -> str:
    """A path, or what a descriptor leads to."""
    if hasattr(place, "fileno"):
        place = place.fileno()
    if not isinstance(place, int):
        return os.fsdecode(place)
    try:
        return os.readlink(f"/proc/self/fd/{place}")
    except OSError:
        return f"descriptor {place}"


def _of_socket(one: socket.socket, name: str, args: tuple[Any, ...]) -> str:
    if name in ("socket.bind", "socket.connect"):
        return str(args[0])
    try:
        return str(one.getsockname())
    except OSError:
        return "a closed socket"


def _raw(call: Callable[..., Any]) -> type[io.FileIO]:
    class Raw(io.FileIO):
        def write(self, data: Any) -> int:
            place = _place(self.fileno())
            return cast("int", call("io.write", place, super().write, data))

    return Raw


def _connection(call: Callable[..., Any]) -> type[sqlite3.Connection]:
    class Cursor(sqlite3.Cursor):
        def execute(self, sql: str, *args: Any) -> Any:
            return _statement(call, "execute", super().execute, sql, *args)

        def executemany(self, sql: str, *args: Any) -> Any:
            return _statement(call, "executemany", super().executemany, sql, *args)

    class Connection(sqlite3.Connection):
        def cursor(self, *args: Any, **kw: Any) -> Any:
            return super().cursor(*args, **{"factory": Cursor, **kw})

        def execute(self, sql: str, *args: Any) -> Any:
            return self.cursor().execute(sql, *args)

        def executemany(self, sql: str, *args: Any) -> Any:
            return self.cursor().executemany(sql, *args)

        def executescript(self, sql: str) -> Any:
            return _statement(call, "executescript", super().executescript, sql)

        def commit(self) -> None:
            if self.in_transaction:
                call("sqlite3.commit", "", super().commit)

        def rollback(self) -> None:
            if self.in_transaction:
                call("sqlite3.rollback", "", super().rollback)

        def __exit__(self, kind: Any, *others: Any) -> Any:
            if kind is None:
                self.commit()
            else:
                self.rollback()
            return False

        def close(self) -> None:
            call("sqlite3.close", "", super().close)

    return Connection


def _statement(
    call: Callable[..., Any], name: str, real: Callable[..., Any], sql: str, *args: Any
) -> Any:
    words = " ".join(sql.split())
    asks = words.startswith("PRAGMA") and "=" not in words and "checkpoint" not in words
    if asks or words.upper().startswith(_READS):
        return real(sql, *args)
    return call(f"sqlite3.{name}", words, real, sql, *args)
